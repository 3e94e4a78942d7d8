package vfs

import (
	"bytes"
	"maps"
	"math/rand/v2"
	"slices"
)

// Crash is the file system as it is found after a loss of power: all that was synced, and of the rest any part. A page that was not synced is as it was written, or as it was on the
// disk before; so a later write may be there and an earlier one not. A file is as long as it was synced, as it was written, or anything between. Each change
// of a name whose directory was not synced is there or is not.
func (m *Memory) Crash(random *rand.Rand) *Memory {
	m.mu.Lock()
	defer m.mu.Unlock()
	after := NewMemory(m.page)
	names := maps.Clone(m.safe)
	for _, change := range m.changes {
		if random.IntN(2) == 0 {
			change.apply(names)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(names)) {
		f := &inode{data: names[name].crash(m.page, random), page: map[int]pageState{}}
		f.disk = bytes.Clone(f.data)
		after.names[name], after.safe[name] = f, f
	}
	return after
}

// crash is what is left of a file's content.
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

// Kill is the file system as another process finds it after this one was killed: all that was written is there, and what was not synced is still not.
func (m *Memory) Kill() *Memory {
	m.mu.Lock()
	defer m.mu.Unlock()
	after := NewMemory(m.page)
	copies := map[*inode]*inode{}
	own := func(f *inode) *inode {
		if f == nil {
			return nil
		}
		if copies[f] == nil {
			copies[f] = &inode{bytes.Clone(f.data), bytes.Clone(f.disk), maps.Clone(f.page)}
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
