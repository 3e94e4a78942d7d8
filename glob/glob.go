// Package glob matches names with patterns as Redis does: * is any run of bytes, ? one byte, [abc], [a-z] and [^a] one
// byte of a class, \x the byte x. A class that is not closed ends with the pattern. Names and patterns are bytes, not
// characters.
//
// A pattern is compiled once and then matched with many names. Its stars divide it into segments, whose elements each
// match one byte. The first segment must match at the beginning of the name, the last at its end; each one between is
// searched for after the one before. Its leftmost place is enough: whatever an earlier star could match instead, the
// later star can match too.
//
// The cost: a segment of plain bytes is found in time proportional to the name. A segment with a ? or a class is tried
// at each place, so a client that chooses both pattern and name could cause work proportional to the product of their
// lengths; Budget bounds that.
package glob

import "bytes"

const (
	// maxPatternBytes is the longest pattern; a longer one matches no name at all.
	maxPatternBytes = 1 << 24
	// maxElements is the largest number of elements besides stars; a pattern with more matches no name. A key has at
	// most as many bytes.
	maxElements = 1 << 21
	// maxStars is the largest number of stars with something after them; a pattern with more matches no name, as in
	// Redis. Adjacent stars count as one.
	maxStars = 1000
)

// Pattern is a compiled pattern. Matching does not change it, so goroutines may share it.
type Pattern struct {
	empty    bool      // the empty pattern, which matches only the empty name
	never    bool      // no name matches
	segments []segment // of elements, with a star between each two
	open     bool      // a star ends the pattern
	classes  []class
}

// segment is a run of elements: plain bytes, or elements of any kind.
type segment struct {
	plain    []byte
	elements []element // nil if the segment is plain
}

// element matches one byte: that byte, any, or one of the class with this number above anyByte.
type element uint32

const (
	anyByte    element = 1 << 8
	firstClass element = anyByte + 1
)

// class is a set of bytes.
type class [4]uint64

func (c *class) add(b byte)      { c[b>>6] |= 1 << (b & 63) }
func (c *class) has(b byte) bool { return c[b>>6]&(1<<(b&63)) != 0 }

// addRange adds all bytes from one to another, which is not below it.
func (c *class) addRange(from, to byte) {
	for w := from >> 6; w <= to>>6; w++ {
		low, high := max(from, w<<6)&63, min(to, w<<6|63)&63
		c[w] |= (^uint64(0) << low) & (^uint64(0) >> (63 - high))
	}
}

// Match reports whether a name matches a pattern that is used only once. The caller has to bound the product of the two
// lengths.
func Match(pattern, name []byte) bool {
	if len(name) == 0 {
		return len(pattern) == 0
	}
	budget := Unbounded()
	return Compile(pattern).Match(name, &budget)
}

// Match reports whether a name matches. Once the budget is exceeded the answer means nothing.
func (p *Pattern) Match(name []byte, b *Budget) bool {
	switch {
	case len(name) == 0:
		return p.empty // Redis does not look at the pattern then, not even for stars
	case p.empty || p.never:
		return false
	}
	b.grant(len(name))
	last := len(p.segments) - 1
	if last == 0 && !p.open {
		return p.segments[0].size() == len(name) && p.matchAt(&p.segments[0], name, b)
	}
	rest := name
	for i := range p.segments {
		s := &p.segments[i]
		switch size := s.size(); {
		case len(rest) < size:
			return false
		case i == 0:
			if !p.matchAt(s, rest, b) {
				return false
			}
			rest = rest[size:]
		case i == last && !p.open:
			return p.matchAt(s, rest[len(rest)-size:], b)
		default:
			at := p.find(s, rest, b)
			if at < 0 {
				return false
			}
			rest = rest[at+size:]
		}
	}
	return true
}

func (s *segment) size() int { return len(s.plain) + len(s.elements) }

// matchAt reports whether a text begins with what matches a segment. The text is not shorter than that.
func (p *Pattern) matchAt(s *segment, text []byte, b *Budget) bool {
	if s.elements == nil {
		return bytes.HasPrefix(text, s.plain)
	}
	for i, e := range s.elements {
		if !p.matches(e, text[i]) {
			b.spend(i + 1)
			return false
		}
	}
	b.spend(len(s.elements))
	return true
}

func (p *Pattern) matches(e element, b byte) bool {
	switch {
	case e < anyByte:
		return byte(e) == b
	case e == anyByte:
		return true
	}
	return p.classes[e-firstClass].has(b)
}

// find is where in a text what matches a segment first begins, -1 if nowhere.
func (p *Pattern) find(s *segment, text []byte, b *Budget) int {
	if s.elements == nil {
		return bytes.Index(text, s.plain)
	}
	for at := 0; at+len(s.elements) <= len(text) && !b.Exceeded(); at++ {
		if p.matchAt(s, text[at:], b) {
			return at
		}
	}
	return -1
}
