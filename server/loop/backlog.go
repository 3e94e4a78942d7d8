package loop

import "syscall"

// firstPieceBytes is the least memory that a backlog takes at first. Each further piece is twice the last, up to
// pieceBytes. So a backlog takes little more memory than the bytes it holds, and limits count only these.
const (
	firstPieceBytes = 4 << 10
	pieceBytes      = 64 << 10
)

// backlog is the bytes that a socket has not taken, in order. It is kept in pieces, so that nothing is copied a second
// time, however large it is.
type backlog struct {
	pieces [][]byte
	sent   int // bytes of the first piece that have left
	size   int // bytes of all pieces that have not left
}

// add appends a copy.
func (b *backlog) add(bytes []byte) {
	b.size += len(bytes)
	if n := len(b.pieces); n > 0 {
		last := b.pieces[n-1]
		fits := min(cap(last)-len(last), len(bytes))
		b.pieces[n-1] = append(last, bytes[:fits]...)
		bytes = bytes[fits:]
	}
	if len(bytes) > 0 {
		size := firstPieceBytes
		if n := len(b.pieces); n > 0 {
			size = min(2*cap(b.pieces[n-1]), pieceBytes)
		}
		piece := make([]byte, 0, max(size, len(bytes)))
		b.pieces = append(b.pieces, append(piece, bytes...))
	}
}

// send writes until the socket takes no more bytes.
func (b *backlog) send(fd int) error {
	for b.size > 0 {
		n, err := write(fd, b.pieces[0][b.sent:])
		if err == syscall.EAGAIN {
			return nil
		}
		if err != nil {
			return err
		}
		b.size -= n
		if b.sent += n; b.sent == len(b.pieces[0]) {
			b.pieces[0] = nil
			b.pieces, b.sent = b.pieces[1:], 0
		}
	}
	b.pieces = nil
	return nil
}
