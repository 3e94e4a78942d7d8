// Package glob matches names with patterns as Redis does.
package glob

// Match reports whether a name matches a pattern, byte for byte as Redis's glob does: * is any run of bytes, ? one
// byte, [abc], [a-z] and [^a] one byte of a class, \x the byte x. A class that is not closed ends with the pattern.
//
// A star is tried with ever longer runs, but only the last one met: whatever an earlier star could take instead, the
// later one can take too. So the time is at most the product of the two lengths.
func Match(pattern, name []byte) bool {
	if len(name) == 0 {
		return len(pattern) == 0 // Redis does not look at the pattern then, not even for stars
	}
	p, n := 0, 0
	star, from := -1, 0 // where the last star was, and from where in name its rest is being tried
	for n < len(name) {
		if p < len(pattern) && pattern[p] == '*' {
			p++
			star, from = p, n
			continue
		}
		if p < len(pattern) {
			if size, ok := matchOne(pattern[p:], name[n]); ok {
				p += size
				n++
				continue
			}
		}
		if star < 0 {
			return false
		}
		from++
		p, n = star, from
	}
	for p < len(pattern) && pattern[p] == '*' {
		p++
	}
	return p == len(pattern)
}

// matchOne matches one byte against what a pattern begins with, which is not a star, and returns the size of that.
func matchOne(pattern []byte, b byte) (size int, ok bool) {
	switch pattern[0] {
	case '?':
		return 1, true
	case '[':
		return matchClass(pattern, b)
	case '\\':
		if len(pattern) > 1 {
			return 2, pattern[1] == b
		}
	}
	return 1, pattern[0] == b
}

// matchClass is matchOne for a class.
func matchClass(pattern []byte, b byte) (size int, ok bool) {
	i := 1
	not := i < len(pattern) && pattern[i] == '^'
	if not {
		i++
	}
	for ; i < len(pattern); i++ {
		switch rest := pattern[i:]; {
		case rest[0] == '\\' && len(rest) >= 2:
			i++
			ok = ok || rest[1] == b
		case rest[0] == ']':
			return i + 1, ok != not
		case len(rest) >= 3 && rest[1] == '-':
			i += 2
			ok = ok || min(rest[0], rest[2]) <= b && b <= max(rest[0], rest[2])
		default:
			ok = ok || rest[0] == b
		}
	}
	return len(pattern), ok != not
}
