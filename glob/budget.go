package glob

import "math"

const (
	// looksPerByte is how many looks per byte of a name, on average, are free.
	looksPerByte = 8
	// DefaultBudget is how many further looks one command may take: about a tenth of a second.
	DefaultBudget = 1 << 26
)

// Budget bounds the work of one command that matches many names with a pattern which its client has chosen. Work
// proportional to the names is free, so a pattern as people write them never uses the budget.
type Budget struct {
	free int // free looks left for the present name
	left int
}

// NewBudget returns the budget of one command.
func NewBudget() Budget { return Budget{left: DefaultBudget} }

// Unbounded is the budget for cases in which the client chooses the pattern or the name, but not both.
func Unbounded() Budget { return Budget{left: math.MaxInt} }

// Exceeded reports whether more work was done than the budget allows.
func (b *Budget) Exceeded() bool { return b.left < 0 }

// grant begins a name of so many bytes, with its free looks.
func (b *Budget) grant(bytes int) { b.free = looksPerByte * bytes }

// spend uses up looks: free ones first.
func (b *Budget) spend(looks int) {
	if b.free -= looks; b.free < 0 {
		b.left += b.free
		b.free = 0
	}
}
