package load

import (
	"fmt"
	"math/bits"
	"sync/atomic"
)

// family is the keys of one kind of command; a key is a prefix and a number. A family remembers which keys were
// created, so that only these are deleted at the end. Many goroutines may call its methods.
type family struct {
	prefix string
	made   []atomic.Uint64 // a bit for each key that was created
}

func newFamily(prefix string, keys int) *family {
	return &family{prefix, make([]atomic.Uint64, (keys+63)/64)}
}

func (f *family) key(n int) string { return fmt.Sprint(f.prefix, n) }

// make is key, for a command that creates the key.
func (f *family) make(n int) string {
	if word, bit := &f.made[n/64], uint64(1)<<(n%64); word.Load()&bit == 0 {
		word.Or(bit)
	}
	return f.key(n)
}

// each calls fn with the keys that were created, at most atOnce at a time, until fn fails.
func (f *family) each(atOnce int, fn func(keys []any) error) error {
	var keys []any
	for i := range f.made {
		for left := f.made[i].Load(); left != 0; left &= left - 1 {
			keys = append(keys, f.key(64*i+bits.TrailingZeros64(left)))
			if len(keys) < atOnce {
				continue
			}
			if err := fn(keys); err != nil {
				return err
			}
			keys = keys[:0]
		}
	}
	if len(keys) == 0 {
		return nil
	}
	return fn(keys)
}
