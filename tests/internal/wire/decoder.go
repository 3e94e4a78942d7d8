// Package wire is a RESP client for tests: it decodes RESP2 and RESP3 replies
// into trees and sends commands, raw bytes and pipelines.
//
// It shares no code with the server, so that a mistake in the server's protocol
// package cannot hide itself. The decoder is strict: what the protocol does not
// allow is an error, never a guess.
package wire

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// Limits of the decoder. A server under test that exceeds one is wrong, and the
// test should say so instead of running out of memory.
const (
	maxDepth = 16
	maxElems = 4 << 20
	maxBulk  = 512 << 20
)

// ErrMalformed is wrapped by every error about bytes that are not RESP.
var ErrMalformed = errors.New("malformed reply")

// Decoder reads replies from a stream.
type Decoder struct {
	r *bufio.Reader
}

// NewDecoder returns a Decoder that reads from r. It costs a few KiB, so a test
// may hold ten thousand.
func NewDecoder(r io.Reader) *Decoder {
	return &Decoder{r: bufio.NewReader(r)}
}

// Decode reads one reply. It returns io.EOF only when the stream ends between
// two replies, and io.ErrUnexpectedEOF when it ends inside one.
func (d *Decoder) Decode() (Value, error) {
	if _, err := d.r.Peek(1); err != nil {
		return Value{}, err
	}
	v, err := d.value(0)
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return v, err
}

func (d *Decoder) value(depth int) (Value, error) {
	if depth > maxDepth {
		return Value{}, fmt.Errorf("%w: nested deeper than %d", ErrMalformed, maxDepth)
	}
	line, err := d.line()
	if err != nil {
		return Value{}, err
	}
	v := Value{Kind: Kind(line[0]), Text: line[1:]}
	switch v.Kind {
	case Simple, Error:
		return v, nil
	case Integer, BigNumber, Double, Bool, Null:
		return v, checkScalar(v)
	case Bulk, Verbatim, BulkError:
		return d.bulk(v)
	case Array, Set, Push, Map:
		return d.aggregate(v, depth)
	default:
		return Value{}, fmt.Errorf("%w: kind %q", ErrMalformed, line[0])
	}
}

// line reads up to CRLF, and refuses an empty line or a bare CR or LF.
func (d *Decoder) line() (string, error) {
	line, err := d.r.ReadString('\n')
	if err != nil {
		return "", err
	}
	text, ok := strings.CutSuffix(line, "\r\n")
	if !ok || text == "" || strings.ContainsRune(text, '\r') {
		return "", fmt.Errorf("%w: line %q", ErrMalformed, line)
	}
	return text, nil
}

func checkScalar(v Value) error {
	ok := true
	switch v.Kind {
	case Integer:
		_, err := strconv.ParseInt(v.Text, 10, 64)
		ok = err == nil
	case BigNumber:
		ok = strings.Trim(strings.TrimPrefix(v.Text, "-"), "0123456789") == "" && v.Text != ""
	case Double:
		_, err := strconv.ParseFloat(v.Text, 64)
		ok = err == nil
	case Bool:
		ok = v.Text == "t" || v.Text == "f"
	case Null:
		ok = v.Text == ""
	}
	if !ok {
		return fmt.Errorf("%w: %q as kind %q", ErrMalformed, v.Text, byte(v.Kind))
	}
	return nil
}

// length parses the length of a bulk or aggregate; -1 is the RESP2 null.
func length(v Value, limit int) (int, error) {
	n, err := strconv.Atoi(v.Text)
	nullable := v.Kind == Bulk || v.Kind == Array
	if err != nil || n < -1 || n > limit || n == -1 && !nullable {
		return 0, fmt.Errorf("%w: length %q of kind %q", ErrMalformed, v.Text, byte(v.Kind))
	}
	return n, nil
}

func (d *Decoder) bulk(v Value) (Value, error) {
	n, err := length(v, maxBulk)
	if err != nil {
		return v, err
	}
	if n == -1 {
		return Value{Kind: v.Kind, Nil: true}, nil
	}
	var payload bytes.Buffer // grows with what arrives, not with what is announced
	if _, err := io.CopyN(&payload, d.r, int64(n)+2); err != nil {
		return v, err
	}
	data := payload.Bytes()
	if string(data[n:]) != "\r\n" {
		return v, fmt.Errorf("%w: bulk of %d bytes ends with %q", ErrMalformed, n, data[n:])
	}
	if v.Kind == Verbatim && (n < 4 || data[3] != ':') {
		return v, fmt.Errorf("%w: verbatim string without format", ErrMalformed)
	}
	v.Text = string(data[:n])
	return v, nil
}

func (d *Decoder) aggregate(v Value, depth int) (Value, error) {
	n, err := length(v, maxElems)
	if err != nil {
		return v, err
	}
	v.Text = ""
	if n == -1 {
		v.Nil = true
		return v, nil
	}
	if v.Kind == Map {
		n *= 2
	}
	for range n {
		e, err := d.value(depth + 1)
		if err != nil {
			return v, err
		}
		v.Elems = append(v.Elems, e)
	}
	return v, nil
}
