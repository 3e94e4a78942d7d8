package disk

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"github.com/quotadb/quota-db/disk/vfs"
)

// Texts of other packages that lie beside the manifest. Each has a checksum of its own. Copies of the directory do not
// contain them.
const (
	PeersFile   = "PEERS"   // what is remembered about peers: see package lives
	MembersFile = "MEMBERS" // the members of the cluster: see package shares
	maxText     = 16 << 20  // bytes
)

// ReadPeers reads the text that WritePeers has written into a directory, nil if there is none. Errors: DamageError.
func ReadPeers(files vfs.FS, dir string) ([]byte, error) { return readBeside(files, dir, PeersFile) }

// WritePeers replaces what is remembered about peers. It is safe when WritePeers returns. Only the process that holds
// the directory calls it, from one goroutine at a time, beside any other use of the directory.
func WritePeers(files vfs.FS, dir string, text []byte) error {
	return writeBeside(files, dir, PeersFile, text)
}

// ReadMembers is ReadPeers for the members of the cluster.
func ReadMembers(files vfs.FS, dir string) ([]byte, error) {
	return readBeside(files, dir, MembersFile)
}

// WriteMembers is WritePeers for the members of the cluster.
func WriteMembers(files vfs.FS, dir string, text []byte) error {
	return writeBeside(files, dir, MembersFile, text)
}

func readBeside(files vfs.FS, dir, file string) ([]byte, error) {
	text, err := readText(files, filepath.Join(dir, file), maxText)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return text, err
}

func writeBeside(files vfs.FS, dir, file string, text []byte) error {
	if err := replace(files, dir, file, file+".new", text); err != nil {
		return fmt.Errorf("write %s: %w", file, err)
	}
	return nil
}
