package cluster

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/quotadb/quota-db/lives"
	"github.com/quotadb/quota-db/replica"
)

func TestRefusalsNameTheirMendOnBothSides(t *testing.T) {
	for name, test := range map[string]struct {
		change func(a, b *testNode) // changes b, which dials a
		want   string
	}{
		"another secret":     {func(a, b *testNode) { b.o.Secret = []byte("another") }, "--cluster-secret"},
		"no secret":          {func(a, b *testNode) { b.o.Secret = nil }, "--cluster-secret"},
		"this node's own id": {func(a, b *testNode) { b.id, b.o.Node = 1, 1 }, "--node-id"},
		"a life that runs already": {func(a, b *testNode) {
			if err := a.claims.Register(lives.Started{Node: 2, Life: b.life, Run: 12345}); err != nil {
				t.Fatal(err)
			}
		}, "copy of its data directory"},
	} {
		t.Run(name, func(t *testing.T) {
			a := open(t, 1)
			b := listen(t, 2, func(o *Options) { o.Peers = addresses([]*testNode{a}) })
			test.change(a, b)
			b.begin()
			a.logs(test.want)
			b.logs(test.want)
			if a.connected()+b.connected() > 0 {
				t.Error("they replicate")
			}
		})
	}
}

func TestAnIdOfAnotherPeerIsRefused(t *testing.T) {
	a := open(t, 1)
	b := open(t, 2, a)
	b.meets(1)
	c := open(t, 2, a)
	a.logs("two processes are node 2")
	c.logs("two processes are node 2")
	a.add("k", 1)
	b.has("k", 1)
}

func TestADialerThatRefusesSaysWhy(t *testing.T) {
	a := open(t, 1)
	b := listen(t, 2, func(o *Options) { o.Peers = addresses([]*testNode{a}) })
	if err := b.claims.Register(lives.Started{Node: 1, Life: a.life, Run: 12345}); err != nil {
		t.Fatal(err)
	}
	b.begin()
	a.logs("a peer refuses to replicate")
	b.logs("copy of its data directory")
}

func TestStrangersAreToldAndForgotten(t *testing.T) {
	n := open(t, 1)
	for said, want := range map[string]string{
		"PING\r\n":                  "-ERR nodes replicate on this port",
		"*1\r\n$4\r\nPING\r\n":      "-ERR nodes replicate on this port",
		"\x16\x03\x01\x00\xa5\x01":  "-ERR nodes replicate on this port",
		"QDBR\x02\x01\x00\x00":      "QDBR\x01\x05", // a refusal
		"QDBR\x01\x01\xff\xff":      "",
		"QDBR\x01\x02\x20\x00":      "",
		strings.Repeat("Q", 10_000): "-ERR nodes replicate on this port",
	} {
		conn := dialRaw(t, n)
		if _, err := io.WriteString(conn, said); err != nil {
			t.Fatal(err)
		}
		if c := conn.(*net.TCPConn); want == "" {
			_ = c.CloseWrite()
		}
		got, _ := io.ReadAll(conn)
		if !bytes.HasPrefix(got, []byte(want)) || want == "" && len(got) > 0 {
			t.Errorf("%.20q: got %q", said, got)
		}
	}
	n.logs("this is not a node")
	n.logs("speaks version 2")
}

// TestNoiseNeverReachesTheMachine sends random bytes that may look like a handshake.
func TestNoiseNeverReachesTheMachine(t *testing.T) {
	n := listen(t, 1, func(o *Options) { o.patience = 100 * time.Millisecond }).begin()
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 1))
	g := greeting{node: 9, run: 9}
	for range 100 {
		noise := appendMessage(nil, greetingKind, g.append, 0)
		if random.IntN(2) == 0 {
			noise = append(noise, appendMessage(nil, kind(random.IntN(7)), func(b []byte) []byte { return append(b, make([]byte, random.IntN(200))...) }, 0)...)
		}
		for range random.IntN(4) {
			noise[random.IntN(len(noise))] = byte(random.Uint32())
		}
		conn := dialRaw(t, n)
		_, _ = conn.Write(noise)
		_ = conn.(*net.TCPConn).CloseWrite()
		_, _ = io.Copy(io.Discard, conn)
		_ = conn.Close()
	}
	if peers := n.Status().Peers; len(peers) > 0 {
		t.Errorf("%+v", peers)
	}
}

func TestWhoHangsInTheHandshakeIsGivenUp(t *testing.T) {
	n := listen(t, 1, func(o *Options) { o.patience = 300 * time.Millisecond }).begin()
	var conns []net.Conn
	for range maxStrangers {
		conns = append(conns, dialRaw(t, n))
	}
	for _, conn := range conns {
		_, _ = io.Copy(io.Discard, conn) // until it is closed
	}
	other := open(t, 2, n)
	other.meets(1)
}

// TestAPeerThatDoesNotAnswerIsTriedAgain dials a listener that accepts and sends nothing, and one that sends something
// else.
func TestAPeerThatDoesNotAnswerIsTriedAgain(t *testing.T) {
	for word, want := range map[string]string{"": "it does not answer", "-ERR unknown command\r\n": "is it a replication port"} {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		tries := make(chan net.Conn, 100)
		go func() {
			for {
				conn, err := l.Accept()
				if err != nil {
					close(tries)
					return
				}
				_, _ = io.WriteString(conn, word)
				tries <- conn
			}
		}()
		n := listen(t, 1, func(o *Options) { o.Peers, o.patience = []string{l.Addr().String()}, 100*time.Millisecond }).begin()
		for range 3 {
			select {
			case conn := <-tries:
				defer conn.Close()
			case <-time.After(patience):
				t.Fatal("not tried again")
			}
		}
		n.logs(want)
		_ = n.Close()
		_ = l.Close()
		for conn := range tries {
			_ = conn.Close()
		}
	}
}

// record is a connection that keeps a copy of the bytes sent.
type record struct {
	net.Conn
	sent []byte
}

func (r *record) Write(b []byte) (int, error) {
	r.sent = append(r.sent, b...)
	return r.Conn.Write(b)
}

// shake leads a handshake with a node, in the role of another node.
func shake(conn net.Conn, secret string, h replica.Hello) error {
	t := &talk{conn: conn, secret: []byte(secret), dialed: true}
	if _, err := t.greet(greeting{node: h.Node, run: h.Run}); err != nil {
		return err
	}
	if err := t.sendProof(helloKind, func(b []byte) []byte { return appendHello(b, h) }); err != nil {
		return err
	}
	_, _, err := t.receiveProof(helloKind)
	return err
}

func TestARecordedHandshakeIsWorthNothing(t *testing.T) {
	n := open(t, 1)
	r := &record{Conn: dialRaw(t, n)}
	if err := shake(r, "secret", replica.Hello{Node: 2, Run: 20, Life: 200}); err != nil {
		t.Fatal(err)
	}
	n.meets(1)
	_ = r.Close()
	n.meets(0)
	conn := dialRaw(t, n)
	if _, err := conn.Write(r.sent); err != nil {
		t.Fatal(err)
	}
	if _, _, err := readMessage(conn); err != nil { // the node's greeting
		t.Fatal(err)
	}
	k, message, err := readMessage(conn)
	if err != nil || k != refusalKind || code(message[messageHeader]) != refusedSecret {
		t.Errorf("kind %d, %q, %v", k, message, err)
	}
	if n.connected() > 0 {
		t.Error("it is believed")
	}
}

// TestAProofOfOneRoleIsNoneOfTheOther sends a dialer its own proof back.
func TestAProofOfOneRoleIsNoneOfTheOther(t *testing.T) {
	here, there := net.Pipe()
	defer here.Close()
	go func() {
		defer there.Close()
		for {
			_, message, err := readMessage(there)
			if err != nil {
				return
			}
			if _, err := there.Write(message); err != nil {
				return
			}
		}
	}()
	if err := shake(here, "secret", replica.Hello{Node: 2, Run: 3}); !errors.Is(err, errSecret) {
		t.Errorf("got %v", err)
	}
}

// TestWhatIsClaimedCostsNothing: a peer that knows the secret announces a frame of a gigabyte.
func TestWhatIsClaimedCostsNothing(t *testing.T) {
	n := open(t, 1)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	conn := dialRaw(t, n)
	if err := shake(conn, "secret", replica.Hello{Node: 2, Run: 20, Life: 200}); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Write(append([]byte{0, 0, 0, 0x40, 2, 0, 0, 0, 1, 2, 3, 4}, make([]byte, 100_000)...)); err != nil {
		t.Fatal(err)
	}
	other := open(t, 3, n)
	n.add("k", 1)
	other.has("k", 1)
	_ = conn.(*net.TCPConn).CloseWrite() // the node reads everything that was sent before the end
	n.logs("a handshake was broken off")
	runtime.ReadMemStats(&after)
	if grown := after.TotalAlloc - before.TotalAlloc; grown > 32<<20 {
		t.Errorf("%d bytes", grown)
	}
	conn = dialRaw(t, n)
	if err := shake(conn, "secret", replica.Hello{Node: 2, Run: 20, Life: 200}); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Write(bytes.Repeat([]byte{0xff}, 100)); err != nil {
		t.Fatal(err)
	}
	n.logs("not a frame")
}

func TestBuffersGrowWithWhatHasArrived(t *testing.T) {
	buf := make([]byte, 0, 8)
	for arrived := range 100 {
		if len(buf) < arrived {
			buf = append(buf, byte(arrived))
		}
		if buf = room(buf, buf, 1<<30); cap(buf) > 2*max(arrived, 8) || cap(buf) == len(buf) {
			t.Fatalf("room for %d after %d", cap(buf), arrived)
		}
	}
	if buf = room(buf, buf[90:], 1<<30); buf[0] != 91 || cap(buf) > 200 {
		t.Errorf("%v", buf)
	}
	if buf = room(make([]byte, 10, 4<<20), nil, 12); cap(buf) != readBytes {
		t.Errorf("%d bytes are kept", cap(buf))
	}
}
