package resp

import "bytes"

// A command is an array of bulk strings:
//
//	*2\r\n $4\r\n INCR\r\n $6\r\n visits\r\n
//
// As in Redis, only the carriage return ends a line; the byte after it, and the two after an argument, are skipped
// whatever they are.

// multibulk returns the command at pos if it is one and is complete in buf. This is the fast path, which knows only
// correct input; for anything else measure finds the reason.
func (r *Reader) multibulk() [][]byte {
	b := r.buf[r.pos:]
	if len(b) > r.limits.MaxBufferedBytes {
		b = b[:r.limits.MaxBufferedBytes]
	}
	if len(b) < 2 || b[0] != '*' {
		return nil
	}
	n, at := length(b, 1)
	if n == 0 || n > r.limits.MaxArgs {
		return nil
	}
	maxBulkBytes := r.limits.MaxBulkBytes
	args := r.scratch.args
	first := len(args)
	for ; n > 0; n-- {
		if at >= len(b) || b[at] != '$' {
			break
		}
		size, from := length(b, at+1)
		if from == 0 || size > maxBulkBytes || size > len(b)-2-from {
			break
		}
		args = append(args, b[from:from+size:from+size])
		at = from + size + 2
	}
	if n > 0 {
		clear(args[first:])
		return nil
	}
	r.scratch.args = args
	r.pos += at
	return args[first:len(args):len(args)]
}

// maxLengthDigits is small enough that length cannot overflow.
const maxLengthDigits = 18

// length reads a canonical decimal at b[at:], up to its carriage return, and returns the offset after the end of the
// line, or 0 if there is no such number.
func length(b []byte, at int) (n, next int) {
	if at+1 < len(b) && b[at+1] == '\r' { // one digit
		if d := b[at] - '0'; d <= 9 {
			return int(d), at + 3
		}
		return 0, 0
	}
	for i := at; i < len(b) && i < at+maxLengthDigits; i++ {
		d := b[i] - '0'
		if d > 9 {
			if b[i] == '\r' && i > at && b[at] != '0' {
				return n, i + 2
			}
			break
		}
		n = n*10 + int(d)
	}
	return 0, 0
}

// measure checks whether the command at pos, whose bytes are b, is complete and correct; it continues at part. A
// command without arguments is also found; it is skipped.
func (r *Reader) measure(b []byte) (found bool, err *ProtocolError) {
	p := &r.part
	if p.args == 0 {
		line, next, err := r.line(b, errMultibulkLine)
		if next == 0 {
			return false, err
		}
		n, ok := ParseInt(line[1:])
		if !ok || n > int64(r.limits.MaxArgs) {
			if ok && r.limits.Locked {
				return false, errLockedMultibulk
			}
			return false, errMultibulkLength
		}
		if n <= 0 {
			r.pos += next
			*p = partial{}
			return true, nil
		}
		p.args, p.at, p.seen = int(n), next, 0
	}
	for p.args > 0 {
		next, err := r.measureBulk(b)
		if next == 0 {
			return false, err
		}
		p.args, p.at, p.seen = p.args-1, next, 0
	}
	*p = partial{}
	return true, nil
}

// measureBulk returns the offset after the argument at part.at, or 0 if it is not complete or not correct.
func (r *Reader) measureBulk(b []byte) (next int, err *ProtocolError) {
	p := &r.part
	line, from, err := r.line(b, errBulkLine)
	if from == 0 {
		return 0, err
	}
	if line[0] != '$' {
		return 0, notBulkError(line[0])
	}
	size, ok := ParseInt(line[1:])
	if ok && r.limits.Locked && size > int64(r.limits.MaxBulkBytes) {
		return 0, errLockedBulk
	}
	if !ok || size < 0 || size > int64(r.limits.MaxBulkBytes) {
		return 0, errBulkLength
	}
	if size > int64(r.limits.MaxBufferedBytes-from-2) {
		return 0, errCommandLength
	}
	next = from + int(size) + 2
	if next > len(b) {
		p.seen, p.need = 0, next
		return 0, nil
	}
	return next, nil
}

// line returns the line at part.at without its end, and the offset after it. If the line is not complete, the offset is
// 0, and there is an error if the line is already too long. An empty line is one byte, its carriage return.
func (r *Reader) line(b []byte, tooLong *ProtocolError) (line []byte, next int, err *ProtocolError) {
	p := &r.part
	last := p.at + maxLengthLine // where the carriage return may be
	if most := r.limits.MaxBufferedBytes - 2; last > most {
		last, tooLong = most, errCommandLength
	}
	if p.at > last {
		return nil, 0, tooLong
	}
	end := min(len(b), last+1)
	i := bytes.IndexByte(b[p.at+p.seen:end], '\r')
	if i < 0 {
		if len(b) > last {
			return nil, 0, tooLong
		}
		p.seen, p.need = end-p.at, len(b)+1
		return nil, 0, nil
	}
	i += p.at + p.seen
	if next = i + 2; next > len(b) {
		p.seen, p.need = i-p.at, next
		return nil, 0, nil
	}
	return b[p.at:max(i, p.at+1)], next, nil
}
