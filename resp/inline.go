package resp

import "bytes"

// An inline command is a line of words, for people with telnet:
//
//	SET greeting "hello\n" 'it\'s'
//
// The quoting is that of Redis. Double quotes know \n \r \t \b \a and \xHH; any other escaped byte is itself. Single
// quotes know only \'. A closing quote ends the word, so white space or the end of the line must follow it; an opening
// quote need not begin the word.

// inline reads the inline command at pos, whose bytes are b. An empty line is found, but without arguments.
func (r *Reader) inline(b []byte) (args [][]byte, found bool, err *ProtocolError) {
	last, tooLong := r.limits.MaxInlineBytes, errInlineLength // where the line feed may be
	if most := r.limits.MaxBufferedBytes - 1; last > most {
		last, tooLong = most, errCommandLength
	}
	end := min(len(b), last+1)
	i := bytes.IndexByte(b[r.part.seen:end], '\n')
	if i < 0 {
		if len(b) > last {
			return nil, false, tooLong
		}
		r.part.seen, r.part.need = end, len(b)+1
		return nil, false, nil
	}
	i += r.part.seen
	r.part = partial{}
	r.pos += i + 1
	args, ok := r.words(bytes.TrimSuffix(b[:i], []byte{'\r'}))
	if !ok {
		return nil, false, errInlineQuotes
	}
	if len(args) > r.limits.MaxArgs {
		return nil, false, errInlineLength // Redis has no error text here: in its 64 KiB there cannot be so many words
	}
	return args, true, nil
}

// words splits a line into arguments, nil if there are none. It is false if quotes are not balanced. Words without
// quotes are slices of the line, the others share one copy.
func (r *Reader) words(line []byte) (args [][]byte, ok bool) {
	all := r.scratch.args
	first := len(all)
	var copied []byte // never grows beyond its capacity, since unquoting makes nothing longer
	for i := skipSpace(line, 0); i < len(line); i = skipSpace(line, i) {
		end := i
		for end < len(line) && !endsWord(line[end]) && !isQuote(line[end]) {
			end++
		}
		word := line[i:end:end]
		if end < len(line) && isQuote(line[end]) {
			if copied == nil {
				copied = make([]byte, 0, len(line))
			}
			from := len(copied)
			copied = append(copied, word...)
			if copied, end = unquote(copied, line, end); end < 0 {
				clear(all[first:])
				return nil, false
			}
			word = copied[from:len(copied):len(copied)]
		}
		all = append(all, word)
		i = end
	}
	if len(all) == first {
		return nil, true
	}
	r.scratch.args = all
	return all[first:len(all):len(all)], true
}

// unquote appends to dst the quoted text that begins with the quote at line[i]. It returns the offset after the closing
// quote, or -1 if there is none or if it does not end the word.
func unquote(dst, line []byte, i int) ([]byte, int) {
	quote := line[i]
	for i++; i < len(line); i++ {
		c := line[i]
		switch {
		case c == quote:
			if i++; i < len(line) && !isSpace(line[i]) {
				return dst, -1
			}
			return dst, i
		case c == '\\' && quote == '"':
			c, i = unescape(line, i)
		case c == '\\' && i+1 < len(line) && line[i+1] == '\'':
			c, i = '\'', i+1
		}
		dst = append(dst, c)
	}
	return dst, -1
}

// unescape returns the byte for the escape that begins with the backslash at line[i], and the offset of the escape's
// last byte.
func unescape(line []byte, i int) (byte, int) {
	if i+3 < len(line) && line[i+1] == 'x' {
		high, low := hexDigit(line[i+2]), hexDigit(line[i+3])
		if high >= 0 && low >= 0 {
			return byte(high<<4 | low), i + 3
		}
	}
	if i+1 == len(line) {
		return '\\', i
	}
	c := line[i+1]
	switch c {
	case 'n':
		c = '\n'
	case 'r':
		c = '\r'
	case 't':
		c = '\t'
	case 'b':
		c = '\b'
	case 'a':
		c = '\a'
	}
	return c, i + 1
}

// hexDigit is the value of a hexadecimal digit, or -1.
func hexDigit(c byte) int {
	switch {
	case '0' <= c && c <= '9':
		return int(c - '0')
	case 'a' <= c && c <= 'f':
		return int(c-'a') + 10
	case 'A' <= c && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}

func skipSpace(line []byte, i int) int {
	for i < len(line) && isSpace(line[i]) {
		i++
	}
	return i
}

// isSpace is C's isspace, which is what separates words.
func isSpace(c byte) bool { return c == ' ' || '\t' <= c && c <= '\r' }

// endsWord reports whether c ends a word outside quotes: not quite isSpace, as in Redis.
func endsWord(c byte) bool { return c == ' ' || c == '\t' || c == '\r' || c == '\n' }

func isQuote(c byte) bool { return c == '"' || c == '\'' }
