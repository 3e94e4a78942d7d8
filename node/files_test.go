package node

import "testing"

func TestOpenFilesAreKeptFromClients(t *testing.T) {
	for _, test := range []struct {
		files uint64
		want  int // 0: an error
	}{{14, 0}, {70, 0}, {71, 1}, {1024, 954}, {1 << 62, 1 << 20}} {
		got, err := clientsWithin(test.files, 70)
		if got != test.want || (err != nil) != (test.want == 0) {
			t.Errorf("of %d files 70 are needed: room for %d clients, %v; want %d", test.files, got, err, test.want)
		}
	}
}
