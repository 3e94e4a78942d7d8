package glob

import "math"

const (
	// looksPerByte is how often a byte of a name may be looked at on average without costing anything.
	looksPerByte = 8
	// DefaultBudget is how many looks beyond that one command may take: about a tenth of a second.
	DefaultBudget = 1 << 26
)

// Budget bounds the work of one command that matches many names with a pattern which its client has chosen. What is proportional to
// the names is free: a pattern as people write them never costs anything.
type Budget struct {
	free int // looks at the name in hand that cost nothing
	left int
}

// NewBudget is the budget of a command.
func NewBudget() Budget { return Budget{left: DefaultBudget} }

// Unbounded is the budget where the client chooses the pattern or the name, and not both.
func Unbounded() Budget { return Budget{left: math.MaxInt} }

// Exceeded reports whether there was more work than the budget allows.
func (b *Budget) Exceeded() bool { return b.left < 0 }

// grant begins with a name of so many bytes.
func (b *Budget) grant(bytes int) { b.free = looksPerByte * bytes }

// spend counts looks.
func (b *Budget) spend(looks int) {
	if b.free -= looks; b.free < 0 {
		b.left += b.free
		b.free = 0
	}
}
