package vfs

import (
	"bytes"
	"maps"
	"math/rand/v2"
	"slices"
)

// Crash is the file system after a loss of power: everything synced, and any part of the rest. A page that was not
// synced is as it was written, or as it was on the disk before; so a later write may survive and an earlier one not.
// The length of a file is the synced one, the written one, or anything between. Each change of a name whose directory
// was not synced survives or not, except for those that keep must lose.
func (m *Memory) Crash(random *rand.Rand) *Memory {
	m.mu.Lock()
	defer m.mu.Unlock()
	after := NewMemory(m.page)
	after.dirs, after.disk, after.made = maps.Clone(m.dirs), m.disk, m.made
	names := keep(m.safe, m.changes, random)
	for _, name := range slices.Sorted(maps.Keys(names)) {
		f := &inode{data: names[name].crash(m.page, random), page: map[int]pageState{}, number: names[name].number}
		f.disk = bytes.Clone(f.data)
		after.names[name], after.safe[name] = f, f
	}
	return after
}

// keep is the names that are left when any of the changes are lost. No file gets two names by that, and no file in use
// loses its only name: after a lost rename no file can take the name that the renamed file still has, and nothing can
// move a file from the name that it never got.
func keep(safe map[string]*inode, changes []nameChange, random *rand.Rand) map[string]*inode {
	names := maps.Clone(safe)
	held, missed := map[string]bool{}, map[string]bool{} // the old and the new names of lost renames
	for _, c := range changes {
		if random.IntN(2) == 0 && !held[c.from] && !held[c.to] && !missed[c.from] {
			c.apply(names)
		} else if c.from != "" && c.to != "" {
			held[c.from], missed[c.to] = true, true
		}
	}
	return names
}

// crash is the content of a file after a loss of power.
func (f *inode) crash(page int, random *rand.Rand) []byte {
	low, high := min(len(f.disk), len(f.data)), max(len(f.disk), len(f.data))
	size := [3]int{len(f.disk), len(f.data), low + random.IntN(high-low+1)}[random.IntN(3)]
	left := make([]byte, size)
	copy(left, f.disk)
	for i := 0; i*page < size; i++ {
		if from := i * page; f.page[i] != clean && random.IntN(2) == 0 && from < len(f.data) {
			copy(left[from:min(from+page, size)], f.data[from:])
		}
	}
	return left
}

// Kill is the file system as another process finds it after this one was killed: everything written is there, and what
// was not synced is still not synced.
func (m *Memory) Kill() *Memory {
	m.mu.Lock()
	defer m.mu.Unlock()
	after := NewMemory(m.page)
	after.dirs, after.disk, after.boot, after.made = maps.Clone(m.dirs), m.disk, m.boot, m.made
	copies := map[*inode]*inode{}
	own := func(f *inode) *inode {
		if f == nil {
			return nil
		}
		if copies[f] == nil {
			copies[f] = &inode{bytes.Clone(f.data), bytes.Clone(f.disk), maps.Clone(f.page), f.number}
		}
		return copies[f]
	}
	for name, f := range m.names {
		after.names[name] = own(f)
	}
	for name, f := range m.safe {
		after.safe[name] = own(f)
	}
	for _, c := range m.changes {
		after.changes = append(after.changes, nameChange{c.from, c.to, own(c.file)})
	}
	return after
}

// Copy is another file system on the same machine, with copies of all files as they are now.
func (m *Memory) Copy() *Memory {
	after := m.Kill()
	after.disk = rand.Uint64()
	return after
}
