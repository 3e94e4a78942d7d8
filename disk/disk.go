// Package disk keeps a stream of frames in a directory: segments of a log, snapshots that replace everything before
// them, and a manifest that says which segments count. The contents of frames are the caller's. The disk guarantees
// that a frame is read as it was written, in order and in whole groups, or not at all.
//
// The directory:
//
//	LOCK                      held by the process that uses the directory
//	PEERS                     text, replaced as a whole: what the caller remembers about its peers
//	MANIFEST                  text, replaced as a whole: see manifest.go
//	log-000000000007          frames in the order of their groups
//	RUN-3                     empty, made anew by each run: see place.go
//	snapshot-000000000007     frames that stand for everything in the logs before 7
//
// A segment, numbers little-endian:
//
//	header   +-----------+---------+--------+------+------+------+-----+
//	         | "quotadb" | version | number | salt | type | zero | crc |
//	         | 7         | 1       | 8      | 8    | 1    | 3    | 4   |
//	         +-----------+---------+--------+------+------+------+-----+
//	frame    +--------+------+------+------------+-----------+---------+
//	         | length | kind | zero | payload crc | header crc | payload |
//	         | 4      | 1    | 3    | 4          | 4         | length  |
//	         +--------+------+------+------------+-----------+---------+
//	end      the payload of a frame of kind End: group (8), records (8), wall clock (8), age (8), synced (8)
//
// Checksums are CRC-32C. The header crc of a frame also covers the segment's salt and the frame's offset, so a frame is
// valid only where it was written.
//
// A group is the frames up to and including an End frame. It counts as a whole. "Safe" means synced: it survives a loss
// of power. The "synced" of a group is an offset up to which the segment was safe before the group was written. So
// after an unclean stop a bad frame behind the last synced offset is the torn tail: the log ends with the group before
// it, whatever follows. Any other bad frame is damage: a DamageError names file and offset, and nothing is loaded.
// Segments before the last are synced as a whole before the next is begun, and the manifest says where they end. Zeros
// behind the last group are neither: they were written ahead, see prewrite.go.
package disk

import (
	"errors"
	"fmt"
)

// Errors of this package, for errors.Is.
var (
	// ErrSuspect: a sync has failed, so nobody knows what the system has kept of the log. Only a new snapshot repairs
	// that.
	ErrSuspect = errors.New("a sync has failed: the log cannot be trusted until a snapshot replaces it")
	// ErrVersion: the directory was written by a later release.
	ErrVersion = errors.New("format of a later version")
	// ErrEarlier: an earlier development version wrote the directory. quota-db check --salvage converts it.
	ErrEarlier = errors.New("format of an earlier development version: quota-db check --salvage converts it")
	// ErrNoData: the directory has no manifest and no segments.
	ErrNoData = errors.New("the directory holds no data")
)

// DamageError says that a file does not contain what was written to it.
type DamageError struct {
	File   string
	Offset int64
	Reason string
}

// Error names the file, the offset and the reason.
func (e *DamageError) Error() string {
	return fmt.Sprintf("%s is damaged at offset %d: %s", e.File, e.Offset, e.Reason)
}

// Kind says what a frame holds. The caller's kinds begin at FirstKind.
type Kind uint8

const (
	// End marks the end of a group.
	End Kind = 1
	// FirstKind is the first kind for the caller's frames.
	FirstKind Kind = 16
)

// maxPayload is the longest payload of a frame in bytes: a value of 512 MiB and its key fit.
const maxPayload = 1 << 30

// Group is the content of an End frame.
type Group struct {
	Number  uint64 // from 1 on in each process
	Records uint64 // number of records in the group, as the caller counts
	Clock
}

// Clock is the times that must not go back.
type Clock struct {
	Wall int64 // unix milliseconds: the latest time that clients were served with
	Age  int64 // nanoseconds: how long processes have used the directory, all together
}

func (c *Clock) advance(to Clock) { *c = Clock{max(c.Wall, to.Wall), max(c.Age, to.Age)} }
