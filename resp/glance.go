package resp

// SecondWord is the second word of the command that a chunk begins with, nil if a short look does not find it: the key
// of most commands. It checks less than a Reader does, so it is good for a guess only.
func SecondWord(chunk []byte) []byte {
	if len(chunk) < 4 || chunk[0] != '*' || chunk[1] < '2' || chunk[1] > '9' || chunk[2] != '\r' {
		return nil
	}
	rest := chunk[4:]
	if _, rest = bulk(rest); rest == nil {
		return nil
	}
	word, _ := bulk(rest)
	return word
}

// bulk takes a bulk string of less than 100 bytes off, if there is one. rest is nil if there is not.
func bulk(b []byte) (word, rest []byte) {
	if len(b) < 6 || b[0] != '$' {
		return nil, nil
	}
	n, begin := int(b[1]-'0'), 4
	if b[2] != '\r' {
		n, begin = 10*n+int(b[2]-'0'), 5
	}
	if n <= 0 || n > 99 || b[begin-1] != '\n' || len(b) < begin+n+2 {
		return nil, nil
	}
	return b[begin : begin+n], b[begin+n+2:]
}
