package main

import (
	"fmt"
	"math/rand/v2"
	"strconv"
)

// load describes the commands of a client that loads servers in slices.
type load struct {
	verb     string // incr, get, set, mset (of ten keys) or ping
	clients  int    // connections
	pipeline int    // commands that a connection sends at once
	keys     int    // each command has random ones of so many
	rate     int    // commands a second, of all connections together; 0: each connection sends when it has its replies
}

// valueBytes is the length of a value of SET and MSET.
const valueBytes = 3

// appendRequest appends the commands that a connection sends at once.
func (l load) appendRequest(dst []byte, random *rand.Rand) []byte {
	for range l.pipeline {
		switch l.verb {
		case "incr":
			dst = appendKey(append(dst, "*2\r\n$4\r\nINCR\r\n"...), random.IntN(l.keys))
		case "get":
			dst = appendKey(append(dst, "*2\r\n$3\r\nGET\r\n"...), random.IntN(l.keys))
		case "set":
			dst = appendValue(appendKey(append(dst, "*3\r\n$3\r\nSET\r\n"...), random.IntN(l.keys)))
		case "mset":
			dst = append(dst, "*21\r\n$4\r\nMSET\r\n"...)
			for range 10 {
				dst = appendValue(appendKey(dst, random.IntN(l.keys)))
			}
		case "ping":
			dst = append(dst, "*1\r\n$4\r\nPING\r\n"...)
		default:
			panic("bench: no request " + l.verb)
		}
	}
	return dst
}

func appendValue(dst []byte) []byte {
	dst = append(strconv.AppendInt(append(dst, '$'), valueBytes, 10), "\r\n"...)
	for range valueBytes {
		dst = append(dst, 'x')
	}
	return append(dst, "\r\n"...)
}

// answers counts replies, of one line or bulk strings, in a stream that arrives in pieces.
type answers struct {
	skip int    // bytes of a bulk string that are still to come, with its end of line
	line []byte // a line that has not ended
}

// count returns how many replies end in a piece. Errors: a reply is an error.
func (a *answers) count(piece []byte) (n int, err error) {
	for len(piece) > 0 {
		if a.skip > 0 {
			passed := min(a.skip, len(piece))
			if piece, a.skip = piece[passed:], a.skip-passed; a.skip == 0 {
				n++
			}
			continue
		}
		c := piece[0]
		a.line, piece = append(a.line, c), piece[1:]
		if c != '\n' {
			continue
		}
		switch {
		case a.line[0] == '-':
			return n, fmt.Errorf("reply %q", a.line)
		case a.line[0] == '$' && a.line[1] != '-':
			length, err := strconv.Atoi(string(a.line[1 : len(a.line)-2]))
			if err != nil {
				return n, fmt.Errorf("reply %q", a.line)
			}
			a.skip = length + len("\r\n")
		default:
			n++
		}
		a.line = a.line[:0]
	}
	return n, nil
}

// newRandom gives all servers the same keys in the same order.
func newRandom() *rand.Rand { return rand.New(rand.NewPCG(1, 2)) }
