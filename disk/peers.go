package disk

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"

	"github.com/quotadb/quota-db/disk/vfs"
)

const (
	// PeersFile is the name of the file that WritePeers writes.
	PeersFile = "PEERS"
	newPeers  = "PEERS.new"
	maxPeers  = 16 << 20 // bytes
)

// ReadPeers reads the text that WritePeers has written into a directory, nil if there is none. Errors: DamageError.
func ReadPeers(files vfs.FS, dir string) ([]byte, error) {
	name := filepath.Join(dir, PeersFile)
	f, err := files.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	size, err := f.Size()
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	if size > maxPeers {
		return nil, &DamageError{name, 0, "too long"}
	}
	text := make([]byte, size)
	if _, err := f.ReadAt(text, 0); err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	return text, nil
}

// WritePeers replaces what is remembered about peers. The text has a checksum of its own. It is safe when WritePeers
// returns. Only the process that holds the directory calls it, from one goroutine at a time, beside any other use of
// the directory. Copies of the directory do not contain the text.
func WritePeers(files vfs.FS, dir string, text []byte) error {
	if err := replace(files, dir, PeersFile, newPeers, text); err != nil {
		return fmt.Errorf("write %s: %w", PeersFile, err)
	}
	return nil
}
