package vfs

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"sync"
)

// ErrCrashed is the error of all operations on a Memory that has crashed.
var ErrCrashed = errors.New("the machine has crashed")

// Op is an operation that a Fault may hit.
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
	OpMkdirAll Op = "make directory"
)

// Fault is called before each operation. It returns the error of the operation, nil for none. Of a failed write keep
// bytes are written all the same.
type Fault func(op Op, name string, size int) (keep int, err error)

// Memory is a simulated file system. It knows which data was synced, so that Crash can choose what a loss of power
// leaves. It is safe for concurrent use.
type Memory struct {
	mu      sync.Mutex // protects everything below
	page    int
	names   map[string]*inode
	safe    map[string]*inode // names that survive a crash
	changes []nameChange      // changes of names since their directory was synced
	dirs    map[string]bool   // directories; safe as soon as they are made
	locks   map[string]bool
	made    uint64 // number of inodes made so far
	fault   Fault
	crashed bool
	disk    uint64 // identifies the simulated disk; a copy has another
	boot    uint64 // identifies the boot; changes with a loss of power
	free    int64  // what Free says
}

// inode is the content of a file. A page is clean, dirty, or in limbo: a sync of the page has failed, and no later sync
// brings it to the disk.
type inode struct {
	data []byte
	disk []byte // the content that certainly survives a crash
	page map[int]pageState

	number uint64 // unique in its Memory
}

// newInode makes the inode of a new file. The caller holds the lock.
func (m *Memory) newInode() *inode {
	m.made++
	return &inode{page: map[int]pageState{}, number: m.made}
}

type pageState uint8

const (
	clean pageState = iota
	dirty
	limbo
)

// nameChange gives file the name to, unless to is empty, and takes away the name from, unless that is empty.
type nameChange struct {
	from, to string
	file     *inode
}

// NewMemory makes an empty file system with pages of page bytes.
func NewMemory(page int) *Memory {
	return &Memory{
		page:  page,
		names: map[string]*inode{},
		safe:  map[string]*inode{},
		dirs:  map[string]bool{},
		locks: map[string]bool{},
		disk:  rand.Uint64(),
		boot:  rand.Uint64(),
		free:  1 << 40,
	}
}

// SetFree sets what Free says. Writes do not look at it.
func (m *Memory) SetFree(bytes int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.free = bytes
}

// Free is FS.Free.
func (m *Memory) Free(string) (int64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.free, nil
}

// SetFault sets the function that is called before each operation.
func (m *Memory) SetFault(fault Fault) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.fault = fault
}

// begin asks the Fault for the error of an operation. The caller holds the lock.
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

// MkdirAll is FS.MkdirAll. The directories are safe at once.
func (m *Memory) MkdirAll(dir string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, err := m.begin(OpMkdirAll, dir, 0); err != nil {
		return err
	}
	for dir = filepath.Clean(dir); !m.dirs[dir]; dir = filepath.Dir(dir) {
		m.dirs[dir] = true
	}
	return nil
}

// look finds a file, nil if there is none. The caller holds the lock.
func (m *Memory) look(op, name string) (*inode, error) {
	if m.crashed {
		return nil, ErrCrashed
	}
	if !m.dirs[filepath.Dir(name)] {
		return nil, notThere(op, name)
	}
	return m.names[name], nil
}

// find is look for a file that must exist.
func (m *Memory) find(op, name string) (*inode, error) {
	f, err := m.look(op, name)
	if err == nil && f == nil {
		err = notThere(op, name)
	}
	return f, err
}

// Create is FS.Create.
func (m *Memory) Create(name string) (File, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if old, err := m.look("create", name); err != nil {
		return nil, err
	} else if old != nil {
		return nil, &fs.PathError{Op: "create", Path: name, Err: fs.ErrExist}
	}
	if _, err := m.begin(OpCreate, name, 0); err != nil {
		return nil, err
	}
	f := m.newInode()
	m.names[name] = f
	m.changes = append(m.changes, nameChange{to: name, file: f})
	return &memoryFile{m: m, name: name, file: f, writes: true}, nil
}

// Open is FS.Open.
func (m *Memory) Open(name string) (File, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	f, err := m.find("open", name)
	if err != nil {
		return nil, err
	}
	return &memoryFile{m: m, name: name, file: f}, nil
}

// Rename is FS.Rename, within one directory: a crash after which only one of two directories has changed is not
// simulated.
func (m *Memory) Rename(from, to string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if filepath.Dir(from) != filepath.Dir(to) {
		return fmt.Errorf("rename %s to another directory: %w", from, errors.ErrUnsupported)
	}
	f, err := m.find("rename", from)
	if err != nil {
		return err
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
	if _, err := m.find("remove", name); err != nil {
		return err
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
	if m.crashed {
		return nil, ErrCrashed
	}
	if !m.dirs[filepath.Clean(dir)] {
		return nil, notThere("list", dir)
	}
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
	if !m.dirs[filepath.Clean(dir)] {
		return notThere("sync", dir)
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
	f, err := m.find("truncate", name)
	if err != nil {
		return err
	}
	if size < 0 || size > int64(len(f.data)) {
		return &fs.PathError{Op: "truncate", Path: name, Err: fs.ErrInvalid}
	}
	if _, err := m.begin(OpTruncate, name, 0); err != nil {
		return err
	}
	f.data = f.data[:size]
	f.sync(m.page)
	return nil
}

// Lock is FS.Lock.
func (m *Memory) Lock(name string) (Lock, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	f, err := m.look("lock", name)
	if err != nil {
		return nil, err
	}
	if m.locks[name] {
		return nil, ErrLocked
	}
	m.locks[name] = true
	if f == nil {
		f = m.newInode()
		m.names[name], m.safe[name] = f, f
	}
	return &memoryLock{m, name, f}, nil
}

// LockDir is FS.LockDir.
func (m *Memory) LockDir(dir string) (Lock, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if dir = filepath.Clean(dir); m.crashed {
		return nil, ErrCrashed
	} else if !m.dirs[dir] {
		return nil, notThere("lock", dir)
	} else if m.locks[dir] {
		return nil, ErrLocked
	}
	m.locks[dir] = true
	return &memoryLock{m, dir, nil}, nil
}

// Stat is FS.Stat. Directories have no FileID.
func (m *Memory) Stat(name string) (Info, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.crashed && m.dirs[filepath.Clean(name)] {
		return Info{}, nil
	}
	f, err := m.find("stat", name)
	if err != nil {
		return Info{}, err
	}
	return Info{ID: f.id(), Size: int64(len(f.data))}, nil
}

func (f *inode) id() FileID {
	if f == nil {
		return FileID{}
	}
	return FileID{Number: f.number}
}

// memoryLock is a lock on a file, or on a directory; a directory has no inode.
type memoryLock struct {
	m    *Memory
	name string
	file *inode
}

func (l *memoryLock) ID() (FileID, error) { return l.file.id(), nil }

func (l *memoryLock) Close() error {
	l.m.mu.Lock()
	defer l.m.mu.Unlock()
	delete(l.m.locks, l.name)
	return nil
}

// Place is FS.Place. A directory never becomes another one.
func (m *Memory) Place(name string) (Place, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	f, err := m.find("place", name)
	if err != nil {
		return Place{}, err
	}
	return Place{Object: fmt.Sprintf("%x/%d", m.disk, f.number), Device: "memory", Boot: fmt.Sprintf("%x", m.boot)}, nil
}

// Bytes is the content of a file, nil if there is none.
func (m *Memory) Bytes(name string) []byte {
	m.mu.Lock()
	defer m.mu.Unlock()
	if f := m.names[name]; f != nil {
		return bytes.Clone(f.data)
	}
	return nil
}

// Names are the names of all files.
func (m *Memory) Names() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Sorted(maps.Keys(m.names))
}

// Flip flips one bit of a file, on the disk too.
func (m *Memory) Flip(name string, bit int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	f := m.names[name]
	f.data[bit/8] ^= 1 << (bit % 8)
	if bit/8 < len(f.disk) {
		f.disk[bit/8] ^= 1 << (bit % 8)
	}
}
