package cluster

import (
	"bytes"
	"errors"
	"io"
	"reflect"
	"testing"
	"testing/iotest"

	"github.com/quotadb/quota-db/replica"
)

func TestMessagesAreReadAsTheyWereWritten(t *testing.T) {
	g := greeting{node: 7, run: 1 << 63}
	g.nonce[31] = 9
	if got, err := parseGreeting(g.append(nil)); err != nil || got != g {
		t.Errorf("%+v, %v", got, err)
	}
	h := replica.Hello{Node: 3, Run: 4, Life: 5, Address: "10.0.0.1:6381"}
	if got, err := parseHello(appendHello(nil, h)); err != nil || got != h {
		t.Errorf("%+v, %v", got, err)
	}
	c := Claim{1, 2, 3}
	if got, err := parseClaim(c.append(nil)); err != nil || got != c {
		t.Errorf("%+v, %v", got, err)
	}
	r := &refusal{code: refusedOther, text: "because\nof\x1b this"}
	want := &refusal{code: refusedOther, text: "because?of? this", theirs: true}
	if got, err := parseRefusal(r.append(nil)); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestWhatIsNoMessageIsNotWaitedFor(t *testing.T) {
	for text, want := range map[string]error{
		"PING\r\n":                  errForeign,
		"*1":                        errForeign,
		"QX":                        errForeign,
		"QDBR\x09\x01\xff\xff":      versionError(9),
		"QDBR\x01\x01\xff\xff":      errMalformed, // longer than any message
		"QDBR\x01\x63\x00\x00":      errMalformed,
		"QDBR\x01\x01\x04\x00ab":    io.ErrUnexpectedEOF,
		"QDBR\x01":                  io.EOF,
		"QDBR\x01\x01\x00\x01short": io.ErrUnexpectedEOF,
	} {
		if _, _, err := readMessage(bytes.NewReader([]byte(text))); !errors.Is(err, want) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// FuzzMessages: however a message arrives, it is read in the same way, costs no more than its bound, and if accepted it
// is what the encoder writes.
func FuzzMessages(f *testing.F) {
	g := greeting{node: 1, run: 2}
	f.Add(appendMessage(nil, greetingKind, g.append, 0))
	f.Add(append(appendMessage(nil, helloKind, func(b []byte) []byte { return appendHello(b, replica.Hello{Node: 1, Address: "a:1"}) }, 32), make([]byte, 32)...))
	f.Add(appendMessage(nil, refusalKind, errSecret.append, 0))
	f.Add(appendMessage(nil, claimKind, Claim{1, 2, 3}.append, 0))
	f.Add(appendMessage(nil, answerKind, func(b []byte) []byte { return appendAnswer(b, 4) }, 0))
	f.Add([]byte("PING\r\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		whole := bytes.NewReader(data)
		k, message, err := readMessage(whole)
		k2, message2, err2 := readMessage(iotest.OneByteReader(bytes.NewReader(data)))
		if k != k2 || !bytes.Equal(message, message2) || (err == nil) != (err2 == nil) {
			t.Fatalf("whole: %d, %x, %v; split: %d, %x, %v", k, message, err, k2, message2, err2)
		}
		if err != nil {
			return
		}
		if len(message) > messageHeader+maxMessage || !bytes.HasPrefix(data, message) || whole.Len() != len(data)-len(message) {
			t.Fatalf("%d bytes of %d read", len(message), len(data))
		}
		payload := message[messageHeader:]
		var again []byte
		switch k {
		case greetingKind:
			if g, err := parseGreeting(payload); err == nil {
				again = g.append(nil)
			}
		case helloKind:
			if h, err := parseHello(payload); err == nil {
				again = appendHello(nil, h)
			}
		case claimKind:
			if c, err := parseClaim(payload); err == nil {
				again = c.append(nil)
			}
		case answerKind:
			if witness, err := parseAnswer(payload); err == nil {
				again = appendAnswer(nil, witness)
			}
		case refusalKind:
			if r, err := parseRefusal(payload); err == nil && printable(r.text) != r.text {
				t.Fatalf("%q", r.text)
			}
		}
		if again != nil && !bytes.Equal(again, payload) {
			t.Fatalf("%x is read as %x", payload, again)
		}
	})
}
