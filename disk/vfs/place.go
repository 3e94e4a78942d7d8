package vfs

// Place tells a file and its directory from every copy of the two. A file system that cannot tell gives the zero Place,
// which is equal to no other.
type Place struct {
	// Object stands for the two files themselves, by numbers that cp, rsync, tar and a restore of a backup do not copy,
	// and for the machine. A directory that is moved keeps it. A copy of all blocks of a file system has it too.
	Object string
	Device string // what the file system is on, as long as the system runs
	Boot   string // stands for the time since the system was started; "": not known
}

// IsKnown reports whether the file system could tell.
func (p Place) IsKnown() bool { return p.Object != "" }

// IsSame reports whether two readings are certain to be of the same file in the same directory.
func (p Place) IsSame(q Place) bool {
	return p.IsKnown() && p.Object == q.Object && (p.Device == q.Device || p.Boot != q.Boot)
}

// IsSameBoot reports whether the system is certain to have run all the time between two readings: whatever was written
// then is still there.
func (p Place) IsSameBoot(q Place) bool { return p.Boot != "" && p.Boot == q.Boot }
