package vfs

// Place identifies a file and its directory, so that they differ from every copy. A file system that cannot do that
// gives the zero Place, which is equal to no other.
type Place struct {
	// Object identifies the machine and the two files, by numbers that cp, rsync, tar and a restored backup do not
	// copy. A directory keeps it when it is moved. A block copy of a whole file system has it too.
	Object string
	Device string // the device of the file system; valid until the next boot
	Boot   string // identifies the boot of the system; "": not known
}

// IsKnown reports whether the file system could identify the file.
func (p Place) IsKnown() bool { return p.Object != "" }

// IsSame reports whether two readings certainly belong to the same file in the same directory.
func (p Place) IsSame(q Place) bool {
	return p.IsKnown() && p.Object == q.Object && (p.Device == q.Device || p.Boot != q.Boot)
}

// IsSameBoot reports whether the system certainly ran all the time between two readings, so that everything written is
// still there.
func (p Place) IsSameBoot(q Place) bool { return p.Boot != "" && p.Boot == q.Boot }
