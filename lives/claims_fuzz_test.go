package lives

import (
	"bytes"
	"testing"

	"github.com/quotadb/quota-db/disk"
)

// FuzzClaims reads any text as what is remembered about peers, as it is and with a right checksum. A text that is
// accepted is the text that would be written, and can be used.
func FuzzClaims(f *testing.F) {
	f.Add([]byte(claimsHead))
	f.Add([]byte(claimsHead + "2 8f3a93c1d2e4b5a6 5d4c3b2a19087f6e\n3 0000000000000001 0000000000000000\n"))
	f.Add([]byte(claimsHead + "65536 1 1\n"))
	f.Add([]byte("quotadb-peers 2\n"))
	f.Fuzz(func(t *testing.T, lines []byte) {
		whole := disk.AppendSum(bytes.Clone(lines))
		for _, text := range [][]byte{lines, whole} {
			var saved []byte
			c, err := NewClaims(text, func(text []byte) error { saved = text; return nil })
			if err != nil {
				continue
			}
			if written := claimsText(c.table); !bytes.Equal(written, text) {
				t.Errorf("%q is taken for %q", text, written)
			}
			if err := c.Register(Started{Node: 9, Life: 10, Run: 11}); err != nil {
				continue // the text says that this life was started twice
			}
			if saved == nil {
				saved = text
			}
			if again, err := NewClaims(saved, nil); err != nil || again.find(9, 10) < 0 {
				t.Errorf("after %q, %q is read: %v", text, saved, err)
			}
		}
	})
}
