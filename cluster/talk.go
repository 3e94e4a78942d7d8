package cluster

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"io"
	"net"
	"time"
)

// talk is one side of a handshake. A proof covers everything that was sent, beginning with both nonces, so it is valid
// in this conversation only. It covers the role of its sender too, so it cannot be sent back. The dialer proves first:
// a stranger that connects to a node gets nothing to test guesses of the secret on, and nothing to use elsewhere.
type talk struct {
	conn   net.Conn
	secret []byte
	dialed bool
	said   []byte
	// unlimit ends the limits of the handshake: when ctx ends, the connection is no longer closed. See Cluster.limit.
	unlimit func() bool
}

func (t *talk) send(k kind, payload func([]byte) []byte) error {
	message := appendMessage(nil, k, payload, 0)
	t.said = append(t.said, message...)
	_, err := t.conn.Write(message)
	return err
}

// sendProof sends a message that ends with a proof.
func (t *talk) sendProof(k kind, payload func([]byte) []byte) error {
	message := appendMessage(nil, k, payload, proofBytes)
	t.said = append(t.said, message...)
	proof := t.proof(t.dialed)
	t.said = append(t.said, proof...)
	_, err := t.conn.Write(append(message, proof...))
	return err
}

// receive reads a message and returns its payload. Errors: a refusal, the errors of readMessage.
func (t *talk) receive(kinds ...kind) (kind, []byte, error) {
	k, message, err := readMessage(t.conn)
	if err != nil {
		return 0, nil, err
	}
	if k == refusalKind {
		r, err := parseRefusal(message[messageHeader:])
		if err != nil {
			return 0, nil, err
		}
		return 0, nil, r
	}
	for _, want := range kinds {
		if k == want {
			t.said = append(t.said, message...)
			return k, message[messageHeader:], nil
		}
	}
	return 0, nil, errMalformed
}

// receiveProof reads a message that ends with a proof, and returns its payload without the proof. Errors: errSecret,
// and those of receive.
func (t *talk) receiveProof(kinds ...kind) (kind, []byte, error) {
	k, payload, err := t.receive(kinds...)
	if err != nil {
		return 0, nil, err
	}
	if len(payload) < proofBytes {
		return 0, nil, errMalformed
	}
	body, proof := payload[:len(payload)-proofBytes], payload[len(payload)-proofBytes:]
	all := t.said
	t.said = all[:len(all)-proofBytes]
	want := t.proof(!t.dialed)
	if t.said = all; !hmac.Equal(proof, want) {
		return 0, nil, errSecret
	}
	return k, body, nil
}

// proof is a MAC over the conversation, which shows that one side knows the secret.
func (t *talk) proof(dialer bool) []byte {
	role := "listener"
	if dialer {
		role = "dialer"
	}
	return derive(t.secret, "handshake "+role, t.said)
}

// derive derives a key or a MAC for one purpose from the secret.
func derive(secret []byte, purpose string, data []byte) []byte {
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte("quotadb " + purpose + "\x00"))
	mac.Write(data)
	return mac.Sum(nil)
}

// greet exchanges greetings; the dialer sends first.
func (t *talk) greet(own greeting) (peer greeting, err error) {
	if err := t.sendGreeting(own); err != nil {
		return peer, err
	}
	return t.receiveGreeting()
}

func (t *talk) sendGreeting(own greeting) error {
	_, _ = rand.Read(own.nonce[:]) // never fails, as its documentation says
	return t.send(greetingKind, own.append)
}

func (t *talk) receiveGreeting() (greeting, error) {
	_, payload, err := t.receive(greetingKind)
	if err != nil {
		return greeting{}, err
	}
	return parseGreeting(payload)
}

// refuse tells the peer why there is no connection, and waits briefly until the peer has read that. It discards what
// the peer sends meanwhile: with unread bytes the system would drop our message.
func refuse(conn net.Conn, r *refusal) {
	partWith(conn, appendMessage(nil, refusalKind, r.append, 0))
}

const (
	partingTime  = time.Second
	partingBytes = 64 << 10 // of the other side's bytes, read and discarded
)

func partWith(conn net.Conn, word []byte) {
	_ = conn.SetDeadline(time.Now().Add(partingTime))
	if _, err := conn.Write(word); err != nil {
		return
	}
	if c, ok := conn.(*net.TCPConn); ok && c.CloseWrite() == nil {
		_, _ = io.CopyN(io.Discard, conn, partingBytes)
	}
}
