package resp

import (
	"bytes"
	"strconv"
)

// twin reads a whole stream the slow and obvious way. It returns the complete commands and the text of the error that
// ends them, or "".
type twin struct {
	limits   *Limits
	rest     []byte // from the current line or argument on
	used     int    // bytes of the current command before rest
	commands [][]string
	err      string
}

func readWithTwin(l *Limits, stream []byte) ([][]string, string) {
	t := &twin{limits: l, rest: stream}
	for t.command() {
	}
	return t.commands, t.err
}

// take moves n bytes from rest to the command; false if they are not all there.
func (t *twin) take(n int) ([]byte, bool) {
	if t.used+n > t.limits.MaxBufferedBytes {
		return nil, t.fail("too big request")
	}
	if n > len(t.rest) {
		if t.used+len(t.rest) > t.limits.MaxBufferedBytes {
			t.fail("too big request")
		}
		return nil, false
	}
	b := t.rest[:n]
	t.rest, t.used = t.rest[n:], t.used+n
	return b, true
}

func (t *twin) fail(text string) bool {
	t.err = "Protocol error: " + text
	return false
}

// takeLine takes a line that ends with the byte end and after bytes more, and returns it without these.
func (t *twin) takeLine(end byte, after, limit int, tooLong string) ([]byte, bool) {
	i := bytes.IndexByte(t.rest, end)
	known := i // how long the line is at least
	if i < 0 {
		known = len(t.rest)
	}
	most := t.limits.MaxBufferedBytes - t.used - 1 - after // what the command has room for
	switch {
	case most < 0:
		return nil, t.fail("too big request")
	case known > most && most < limit:
		return nil, t.fail("too big request")
	case known > limit:
		return nil, t.fail(tooLong)
	case i < 0:
		return nil, false
	}
	line, ok := t.take(i + 1 + after)
	if !ok {
		return nil, false
	}
	return line[:i], true
}

func canonical(b []byte) (int, bool) {
	n, err := strconv.Atoi(string(b))
	return n, err == nil && strconv.Itoa(n) == string(b)
}

func (t *twin) command() bool {
	t.used = 0
	if len(t.rest) == 0 {
		return false
	}
	if t.rest[0] != '*' {
		return t.inline()
	}
	line, ok := t.takeLine('\r', 1, maxLengthLine, "too big mbulk count string")
	if !ok {
		return false
	}
	n, ok := canonical(line[1:])
	if !ok || n > t.limits.MaxArgs {
		return t.fail("invalid multibulk length")
	}
	var args []string
	for range n {
		arg, ok := t.bulk()
		if !ok {
			return false
		}
		args = append(args, arg)
	}
	if n > 0 {
		t.commands = append(t.commands, args)
	}
	return true
}

func (t *twin) bulk() (string, bool) {
	line, ok := t.takeLine('\r', 1, maxLengthLine, "too big bulk count string")
	if !ok {
		return "", false
	}
	if len(line) == 0 {
		return "", t.fail("expected '$', got ' '")
	}
	if line[0] != '$' {
		got := line[:1]
		if got[0] == '\n' {
			got = []byte{' '}
		}
		return "", t.fail("expected '$', got '" + string(got) + "'")
	}
	n, ok := canonical(line[1:])
	if !ok || n < 0 || n > t.limits.MaxBulkBytes {
		return "", t.fail("invalid bulk length")
	}
	b, ok := t.take(n + 2)
	if !ok {
		return "", false
	}
	return string(b[:n]), true
}

func (t *twin) inline() bool {
	line, ok := t.takeLine('\n', 0, t.limits.MaxInlineBytes, "too big inline request")
	if !ok {
		return false
	}
	words, ok := splitWords(string(bytes.TrimSuffix(line, []byte("\r"))))
	if !ok {
		return t.fail("unbalanced quotes in request")
	}
	if len(words) > t.limits.MaxArgs {
		return t.fail("too big inline request")
	}
	if len(words) > 0 {
		t.commands = append(t.commands, words)
	}
	return true
}

// splitWords is the quoting of inline commands as a machine of one byte a step.
func splitWords(line string) (words []string, ok bool) {
	const (
		between = iota
		plain
		single
		double
		closed
	)
	state := between
	var word []byte
	for i := 0; i < len(line); i++ {
		c := line[i]
		space := bytes.IndexByte([]byte(" \t\n\v\f\r"), c) >= 0
		if state == closed && !space {
			return nil, false
		}
		if state == closed || state == plain && space && c != '\v' && c != '\f' {
			words, word, state = append(words, string(word)), nil, between
		}
		if state == between && !space {
			state = plain
		}
		switch state {
		case plain:
			switch c {
			case '"':
				state = double
			case '\'':
				state = single
			default:
				word = append(word, c)
			}
		case single:
			switch {
			case c == '\'':
				state = closed
			case c == '\\' && i+1 < len(line) && line[i+1] == '\'':
				word, i = append(word, '\''), i+1
			default:
				word = append(word, c)
			}
		case double:
			switch {
			case c == '"':
				state = closed
			case c == '\\' && i+1 < len(line):
				var skip int
				c, skip = escaped(line[i+1:])
				word, i = append(word, c), i+skip
			default:
				word = append(word, c)
			}
		}
	}
	switch state {
	case single, double:
		return nil, false
	case plain, closed:
		words = append(words, string(word))
	}
	return words, true
}

// escaped returns what the text behind a backslash stands for, and how many bytes of it that takes.
func escaped(text string) (byte, int) {
	if len(text) >= 3 && text[0] == 'x' {
		if n, err := strconv.ParseUint(text[1:3], 16, 8); err == nil {
			return byte(n), 3
		}
	}
	if i := bytes.IndexByte([]byte("nrtba"), text[0]); i >= 0 {
		return "\n\r\t\b\a"[i], 1
	}
	return text[0], 1
}
