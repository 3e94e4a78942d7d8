package glob

// compiler reads a pattern.
type compiler struct {
	pattern  Pattern
	elements []element // of the present segment
	special  bool      // the segment has an element that is no plain byte
	count    int       // elements in all segments
	numbers  map[class]element
}

// Compile compiles a pattern. Every text is a valid pattern.
func Compile(text []byte) *Pattern {
	if len(text) > maxPatternBytes {
		return &Pattern{never: true}
	}
	c := compiler{pattern: Pattern{empty: len(text) == 0}}
	for i := 0; i < len(text); {
		if text[i] == '*' {
			for i < len(text) && text[i] == '*' {
				i++
			}
			c.endSegment()
			c.pattern.open = i == len(text)
			continue
		}
		e, size := c.element(text[i:])
		i += size
		c.elements = append(c.elements, e)
		c.special = c.special || e >= anyByte
		if c.count++; c.count > maxElements || len(c.pattern.segments) > maxStars {
			return &Pattern{never: true}
		}
	}
	if !c.pattern.open {
		c.endSegment()
	}
	return &c.pattern
}

// endSegment ends the present segment, at a star or at the end of the pattern.
func (c *compiler) endSegment() {
	var s segment
	if c.special {
		s.elements = append(s.elements, c.elements...)
	} else {
		for _, e := range c.elements {
			s.plain = append(s.plain, byte(e))
		}
	}
	c.pattern.segments = append(c.pattern.segments, s)
	c.elements, c.special = c.elements[:0], false
}

// element returns the element with which a text begins, and its length in the text. The text does not begin with a
// star.
func (c *compiler) element(text []byte) (e element, size int) {
	switch {
	case text[0] == '?':
		return anyByte, 1
	case text[0] == '[':
		set, size := readClass(text)
		return c.number(set), size
	case text[0] == '\\' && len(text) > 1:
		return element(text[1]), 2
	}
	return element(text[0]), 1
}

// number returns the element for a class. Equal classes have the same number.
func (c *compiler) number(set class) element {
	e, ok := c.numbers[set]
	if !ok {
		if c.numbers == nil {
			c.numbers = make(map[class]element)
		}
		e = firstClass + element(len(c.pattern.classes))
		c.numbers[set] = e
		c.pattern.classes = append(c.pattern.classes, set)
	}
	return e
}

// readClass returns the class with which a text begins, and its length in the text.
func readClass(text []byte) (set class, size int) {
	i := 1
	not := i < len(text) && text[i] == '^'
	if not {
		i++
	}
	closed := false
	for ; i < len(text) && !closed; i++ {
		switch rest := text[i:]; {
		case rest[0] == '\\' && len(rest) >= 2:
			i++
			set.add(rest[1])
		case rest[0] == ']':
			closed = true
		case len(rest) >= 3 && rest[1] == '-':
			i += 2
			set.addRange(min(rest[0], rest[2]), max(rest[0], rest[2]))
		default:
			set.add(rest[0])
		}
	}
	if not {
		for w := range set {
			set[w] = ^set[w]
		}
	}
	return set, min(i, len(text))
}
