package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
)

// fillValue is what every counter is filled with: no small number, of which Redis would keep one copy for all.
const fillValue = "70000"

// fill makes the counters that redis-benchmark will name.
func (s *server) fill(keys int) error {
	return s.pipe(keys, func(dst []byte, i int) []byte {
		dst = appendKey(append(dst, "*3\r\n$6\r\nINCRBY\r\n"...), i)
		return append(dst, "$5\r\n"+fillValue+"\r\n"...)
	})
}

// appendKey appends the name of a counter as an argument.
func appendKey(dst []byte, i int) []byte {
	const digits = 12
	dst = append(dst, "$20\r\ncounter:"...)
	number := strconv.Itoa(i)
	for range digits - len(number) {
		dst = append(dst, '0')
	}
	return append(append(dst, number...), "\r\n"...)
}

// pipe sends count commands at once and counts the replies, each of which must be one line and no error.
func (s *server) pipe(count int, command func(dst []byte, i int) []byte) error {
	conn, err := net.Dial("tcp", s.addr())
	if err != nil {
		return err
	}
	sent := make(chan error, 1)
	go func() {
		w := bufio.NewWriterSize(conn, 1<<16)
		var raw []byte
		for i := range count {
			raw = command(raw[:0], i)
			if _, err := w.Write(raw); err != nil {
				break // Flush has it too
			}
		}
		sent <- w.Flush()
	}()
	err = receive(conn, count)
	return errors.Join(err, conn.Close(), <-sent)
}

// receive reads so many replies.
func receive(r io.Reader, count int) error {
	var lines replies
	buf := make([]byte, 1<<16)
	for got := 0; got < count; {
		n, err := r.Read(buf)
		if err != nil {
			return fmt.Errorf("%d of %d replies: %w", got, count, err)
		}
		more, err := lines.count(buf[:n])
		if err != nil {
			return err
		}
		got += more
	}
	return nil
}

// replies counts replies that are one line each, such as those of INCR and SET, in a stream that arrives in pieces.
type replies struct {
	inside bool // the last piece ended within a line
}

// count returns how many replies end in a piece. An error that the server sent is returned, as far as the piece has it.
func (r *replies) count(piece []byte) (n int, err error) {
	for len(piece) > 0 {
		if !r.inside && piece[0] == '-' {
			line, _, _ := bytes.Cut(piece, []byte("\r"))
			return n, fmt.Errorf("reply %s", line)
		}
		end := bytes.IndexByte(piece, '\n')
		if r.inside = end < 0; r.inside {
			return n, nil
		}
		n++
		piece = piece[end+1:]
	}
	return n, nil
}
