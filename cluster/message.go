package cluster

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/quotadb/quota-db/replica"
)

// A message of the handshake, little-endian. All versions have the same header:
//
//	+--------+---------+------+--------+---------+
//	| "QDBR" | version | kind | length | payload |
//	| 4      | 1       | 1    | 2      | length  |
//	+--------+---------+------+--------+---------+
//
// Payloads. A proof is computed over everything before it in the conversation:
//
//	greeting   nonce (32), node (2), run (8)
//	hello      node (2), run (8), life (8), earlier runs (16 times 8), length of the address (1), address; proof (32)
//	claim      life (8), before (8), run (8); proof (32)
//	answer     life of the peer that confirms the claim (8), or 0: not confirmed; proof (32)
//	refusal    code (1), text
const (
	magic         = "QDBR"
	version       = 1
	messageHeader = 8
	maxMessage    = 512 // bytes of payload
	nonceBytes    = 32
	proofBytes    = 32
	maxAddress    = 255
)

// kind is the kind of a message.
type kind uint8

const (
	greetingKind kind = 1 + iota
	helloKind
	claimKind
	answerKind
	refusalKind
)

// Errors of reading a message.
var (
	errForeign   = errors.New("it does not speak the replication protocol: is it a replication port?")
	errMalformed = errors.New("malformed message in the handshake")
)

// versionError: the peer speaks another version of the protocol.
type versionError uint8

func (e versionError) Error() string {
	return fmt.Sprintf("it speaks version %d of the replication protocol and this node version %d: run the same release on all nodes", uint8(e), version)
}

// greeting begins a conversation.
type greeting struct {
	nonce [nonceBytes]byte
	node  uint16
	run   uint64
}

func (g *greeting) append(dst []byte) []byte {
	dst = append(dst, g.nonce[:]...)
	dst = binary.LittleEndian.AppendUint16(dst, g.node)
	return binary.LittleEndian.AppendUint64(dst, g.run)
}

func parseGreeting(b []byte) (g greeting, err error) {
	if len(b) != nonceBytes+10 {
		return g, errMalformed
	}
	copy(g.nonce[:], b)
	g.node = binary.LittleEndian.Uint16(b[nonceBytes:])
	g.run = binary.LittleEndian.Uint64(b[nonceBytes+2:])
	if g.node == 0 {
		return g, errMalformed
	}
	return g, nil
}

func appendHello(dst []byte, h replica.Hello) []byte {
	address := h.Address[:min(len(h.Address), maxAddress)]
	dst = binary.LittleEndian.AppendUint16(dst, h.Node)
	dst = binary.LittleEndian.AppendUint64(dst, h.Run)
	dst = binary.LittleEndian.AppendUint64(dst, h.Life)
	for _, run := range h.Earlier {
		dst = binary.LittleEndian.AppendUint64(dst, run)
	}
	return append(append(dst, byte(len(address))), address...)
}

func parseHello(b []byte) (h replica.Hello, err error) {
	const runs = 2 + 2*8
	const fixed = runs + 8*len(h.Earlier) + 1
	if len(b) < fixed || len(b) != fixed+int(b[fixed-1]) {
		return h, errMalformed
	}
	h.Node = binary.LittleEndian.Uint16(b)
	h.Run = binary.LittleEndian.Uint64(b[2:])
	h.Life = binary.LittleEndian.Uint64(b[10:])
	for i := range h.Earlier {
		h.Earlier[i] = binary.LittleEndian.Uint64(b[runs+8*i:])
	}
	h.Address = string(b[fixed:])
	if h.Node == 0 || printable(h.Address) != h.Address {
		return h, errMalformed
	}
	return h, nil
}

// Claim says that run Run is about to continue life Life, whose last run, Before, stopped cleanly.
type Claim struct {
	Life, Before, Run uint64
}

func (c Claim) append(dst []byte) []byte {
	for _, n := range []uint64{c.Life, c.Before, c.Run} {
		dst = binary.LittleEndian.AppendUint64(dst, n)
	}
	return dst
}

func parseClaim(b []byte) (c Claim, err error) {
	if len(b) != 24 {
		return c, errMalformed
	}
	return Claim{binary.LittleEndian.Uint64(b), binary.LittleEndian.Uint64(b[8:]), binary.LittleEndian.Uint64(b[16:])}, nil
}

// appendAnswer appends the answer to a claim: the life of this node if it confirms the claim, otherwise 0.
func appendAnswer(dst []byte, witness uint64) []byte {
	return binary.LittleEndian.AppendUint64(dst, witness)
}

func parseAnswer(b []byte) (witness uint64, err error) {
	if len(b) != 8 {
		return 0, errMalformed
	}
	return binary.LittleEndian.Uint64(b), nil
}

// appendMessage appends a message. Its header counts spare more bytes of payload, which the caller appends.
func appendMessage(dst []byte, k kind, payload func([]byte) []byte, spare int) []byte {
	at := len(dst)
	dst = append(dst, magic...)
	dst = payload(append(dst, version, byte(k), 0, 0))
	binary.LittleEndian.PutUint16(dst[at+6:], uint16(len(dst)-at-messageHeader+spare))
	return dst
}

// parseHeader reads the header of a message.
func parseHeader(b []byte) (k kind, length int, err error) {
	switch {
	case !bytes.Equal(b[:len(magic)], []byte(magic)):
		return 0, 0, errForeign
	case b[4] != version:
		return 0, 0, versionError(b[4])
	}
	k, length = kind(b[5]), int(binary.LittleEndian.Uint16(b[6:]))
	if k < greetingKind || k > refusalKind || length > maxMessage {
		return 0, 0, errMalformed
	}
	return k, length, nil
}

// readMessage reads one message and no byte after it. If the first bytes cannot begin a message, it does not wait for
// more. Errors: errForeign, versionError, errMalformed, errors of reading.
func readMessage(r io.Reader) (k kind, message []byte, err error) {
	message = make([]byte, messageHeader)
	for n := 0; n < messageHeader; {
		m, err := r.Read(message[n:])
		if n += m; !bytes.HasPrefix([]byte(magic), message[:min(n, len(magic))]) {
			return 0, nil, errForeign
		}
		if err != nil && n < messageHeader {
			return 0, nil, err
		}
	}
	k, length, err := parseHeader(message)
	if err != nil {
		return 0, nil, err
	}
	message = append(message, make([]byte, length)...)
	if _, err := io.ReadFull(r, message[messageHeader:]); err != nil {
		return 0, nil, err
	}
	return k, message, nil
}

// printable replaces all bytes that would disturb a log line by question marks.
func printable(text string) string {
	clean := []byte(text)
	for i, c := range clean {
		if c < ' ' || c > '~' {
			clean[i] = '?'
		}
	}
	return string(clean)
}
