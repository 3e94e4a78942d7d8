package vfs

import (
	"bytes"
	"cmp"
	"errors"
	"io"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"sync"
)

// ErrCrashed is what everything fails with on a Memory that has crashed.
var ErrCrashed = errors.New("the machine has crashed")

// Op is an operation that a Fault may meet.
type Op string

// The operations that change something.
const (
	OpCreate   Op = "create"
	OpWrite    Op = "write"
	OpSync     Op = "sync"
	OpRename   Op = "rename"
	OpRemove   Op = "remove"
	OpSyncDir  Op = "sync directory"
	OpTruncate Op = "truncate"
)

// Fault is called before each operation and says what goes wrong with it, nil if nothing. Of a write, keep bytes are written all the same.
type Fault func(op Op, name string, size int) (keep int, err error)

// Memory is a simulated file system. It knows what was synced, so that Crash can tell what a loss of power may leave. It is safe for
// concurrent use.
type Memory struct {
	mu      sync.Mutex // protects everything below
	page    int
	names   map[string]*inode
	safe    map[string]*inode // names that a crash leaves
	changes []nameChange      // of names, since their directory was synced
	locks   map[string]bool
	fault   Fault
	crashed bool
}

// inode is what a file holds. A page is clean, dirty, or in limbo: a sync of it has failed, and no later sync brings it to the disk.
type inode struct {
	data []byte
	disk []byte // what is certain to be there after a crash
	page map[int]pageState
}

type pageState uint8

const (
	clean pageState = iota
	dirty
	limbo
)

// nameChange gives file the name to, or nobody, and takes the name from away.
type nameChange struct {
	from, to string
	file     *inode
}

// NewMemory makes an empty file system with pages of that many bytes.
func NewMemory(page int) *Memory {
	return &Memory{page: page, names: map[string]*inode{}, safe: map[string]*inode{}, locks: map[string]bool{}}
}

// SetFault has fault called before each operation from now on.
func (m *Memory) SetFault(fault Fault) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.fault = fault
}

// begin asks what goes wrong with an operation. The lock is held.
func (m *Memory) begin(op Op, name string, size int) (keep int, err error) {
	if m.crashed {
		return 0, ErrCrashed
	}
	if m.fault == nil {
		return size, nil
	}
	if keep, err = m.fault(op, name, size); errors.Is(err, ErrCrashed) {
		m.crashed = true
	}
	return keep, err
}

func notThere(op, name string) error { return &fs.PathError{Op: op, Path: name, Err: fs.ErrNotExist} }

// MkdirAll does nothing: directories are there, and safe.
func (m *Memory) MkdirAll(string) error { return nil }

// Create is FS.Create.
func (m *Memory) Create(name string) (File, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.names[name] != nil {
		return nil, &fs.PathError{Op: "create", Path: name, Err: fs.ErrExist}
	}
	if _, err := m.begin(OpCreate, name, 0); err != nil {
		return nil, err
	}
	f := &inode{page: map[int]pageState{}}
	m.names[name] = f
	m.changes = append(m.changes, nameChange{to: name, file: f})
	return &memoryFile{m, name, f}, nil
}

// Open is FS.Open.
func (m *Memory) Open(name string) (File, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	f := m.names[name]
	if f == nil {
		return nil, notThere("open", name)
	}
	return &memoryFile{m, name, f}, nil
}

// Rename is FS.Rename.
func (m *Memory) Rename(from, to string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	f := m.names[from]
	if f == nil {
		return notThere("rename", from)
	}
	if _, err := m.begin(OpRename, to, 0); err != nil {
		return err
	}
	delete(m.names, from)
	m.names[to] = f
	m.changes = append(m.changes, nameChange{from, to, f})
	return nil
}

// Remove is FS.Remove.
func (m *Memory) Remove(name string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.names[name] == nil {
		return notThere("remove", name)
	}
	if _, err := m.begin(OpRemove, name, 0); err != nil {
		return err
	}
	delete(m.names, name)
	m.changes = append(m.changes, nameChange{from: name})
	return nil
}

// List is FS.List.
func (m *Memory) List(dir string) ([]string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var names []string
	for name := range m.names {
		if filepath.Dir(name) == filepath.Clean(dir) {
			names = append(names, filepath.Base(name))
		}
	}
	slices.Sort(names)
	return names, nil
}

// SyncDir is FS.SyncDir.
func (m *Memory) SyncDir(dir string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, err := m.begin(OpSyncDir, dir, 0); err != nil {
		return err
	}
	m.changes = slices.DeleteFunc(m.changes, func(c nameChange) bool {
		if name := cmp.Or(c.to, c.from); filepath.Dir(name) != filepath.Clean(dir) {
			return false
		}
		c.apply(m.safe)
		return true
	})
	return nil
}

func (c nameChange) apply(names map[string]*inode) {
	if c.from != "" {
		delete(names, c.from)
	}
	if c.to != "" {
		names[c.to] = c.file
	}
}

// Truncate is FS.Truncate.
func (m *Memory) Truncate(name string, size int64) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	f := m.names[name]
	if f == nil {
		return notThere("truncate", name)
	}
	if _, err := m.begin(OpTruncate, name, 0); err != nil {
		return err
	}
	f.data = f.data[:min(int(size), len(f.data))]
	f.sync(m.page)
	return nil
}

// Lock is FS.Lock.
func (m *Memory) Lock(name string) (io.Closer, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.crashed {
		return nil, ErrCrashed
	}
	if m.locks[name] {
		return nil, ErrLocked
	}
	m.locks[name] = true
	if m.names[name] == nil {
		f := &inode{page: map[int]pageState{}}
		m.names[name], m.safe[name] = f, f
	}
	return &memoryLock{m, name}, nil
}

type memoryLock struct {
	m    *Memory
	name string
}

func (l *memoryLock) Close() error {
	l.m.mu.Lock()
	defer l.m.mu.Unlock()
	delete(l.m.locks, l.name)
	return nil
}

// memoryFile is an open file.
type memoryFile struct {
	m    *Memory
	name string
	file *inode
}

func (f *memoryFile) Write(b []byte) (int, error) {
	f.m.mu.Lock()
	defer f.m.mu.Unlock()
	keep, err := f.m.begin(OpWrite, f.name, len(b))
	if err == nil {
		keep = len(b)
	}
	at := len(f.file.data)
	f.file.data = append(f.file.data, b[:keep]...)
	for page := at / f.m.page; page*f.m.page < len(f.file.data); page++ {
		f.file.page[page] = dirty
	}
	return keep, err
}

func (f *memoryFile) ReadAt(b []byte, offset int64) (int, error) {
	f.m.mu.Lock()
	defer f.m.mu.Unlock()
	if offset >= int64(len(f.file.data)) {
		return 0, io.EOF
	}
	n := copy(b, f.file.data[offset:])
	if n < len(b) {
		return n, io.EOF
	}
	return n, nil
}

func (f *memoryFile) Sync() error {
	f.m.mu.Lock()
	defer f.m.mu.Unlock()
	if _, err := f.m.begin(OpSync, f.name, 0); err != nil {
		for page, state := range f.file.page {
			if state == dirty && !f.m.crashed {
				f.file.page[page] = limbo
			}
		}
		return err
	}
	f.file.sync(f.m.page)
	return nil
}

// sync brings dirty pages and the length to the disk.
func (f *inode) sync(page int) {
	disk := make([]byte, len(f.data))
	copy(disk, f.disk)
	for i, state := range f.page {
		if from := min(i*page, len(f.data)); state == dirty {
			copy(disk[from:], f.data[from:min(from+page, len(f.data))])
			f.page[i] = clean
		}
	}
	f.disk = disk
}

func (f *memoryFile) Size() (int64, error) {
	f.m.mu.Lock()
	defer f.m.mu.Unlock()
	return int64(len(f.file.data)), nil
}

func (f *memoryFile) Close() error { return nil }

// Bytes is what a file holds, nil if there is none.
func (m *Memory) Bytes(name string) []byte {
	m.mu.Lock()
	defer m.mu.Unlock()
	if f := m.names[name]; f != nil {
		return bytes.Clone(f.data)
	}
	return nil
}

// Names are all files.
func (m *Memory) Names() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Sorted(maps.Keys(m.names))
}

// Flip turns one bit of a file over, on the disk too.
func (m *Memory) Flip(name string, bit int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	f := m.names[name]
	f.data[bit/8] ^= 1 << (bit % 8)
	if bit/8 < len(f.disk) {
		f.disk[bit/8] ^= 1 << (bit % 8)
	}
}
