// Package disk keeps a stream of frames in a directory: segments of a log, snapshots that replace what is before them, and a manifest
// that says what counts. What the frames hold is the caller's; the disk sees to it that a frame is read as it was
// written, in order and in whole groups, or not at all.
//
// The directory:
//
//	LOCK                      held by the process that uses the directory
//	PEERS                     text, replaced as a whole: what the caller wants to remember of its peers
//	MANIFEST                  text, replaced as a whole: see manifest.go
//	log-000000000007          frames in the order of their groups
//	snapshot-000000000007     frames that stand for all that is in the logs before 7
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
// Checksums are CRC-32C; a frame header's covers the segment's salt and the frame's offset too, so a frame is valid only where it was written.
//
// A group is the frames up to and with an End frame, and counts as a whole. Its "synced" is an offset up to which the segment was safe before the group was written.
// So after an unclean stop a bad frame behind the last synced offset is the torn tail: the log ends with the group before it, whatever follows. Any
// other bad frame is damage: a DamageError names file and offset, and nothing is loaded. Segments before the last
// are synced as a whole before the next is begun, and the manifest says where they end.
package disk

import (
	"errors"
	"fmt"
)

// Errors to be told apart by errors.Is.
var (
	// ErrSuspect: a sync has failed, so what the system has kept of the log is not known. Only a new snapshot mends it.
	ErrSuspect = errors.New("a sync has failed: the log is not to be trusted until a snapshot replaces it")
	// ErrVersion: the directory was written by a later release.
	ErrVersion = errors.New("format of a later version")
	// ErrEarlier: the directory was written by an earlier development version. Check with --salvage keeps what is in it.
	ErrEarlier = errors.New("format of an earlier development version: quota-db check --salvage brings it into this one's")
	// ErrNoData: the directory has no manifest and no segments.
	ErrNoData = errors.New("no data here")
)

// DamageError is something in a file that was not written so.
type DamageError struct {
	File   string
	Offset int64
	Reason string
}

func (e *DamageError) Error() string {
	return fmt.Sprintf("%s is damaged at offset %d: %s", e.File, e.Offset, e.Reason)
}

// Kind says what a frame holds. The caller's kinds are from 16 on.
type Kind uint8

const (
	// End closes a group.
	End Kind = 1
	// FirstKind is the first kind that is the caller's.
	FirstKind Kind = 16
)

// maxPayload is the longest payload of a frame in bytes: a value of 512 MiB and its name fit.
const maxPayload = 1 << 30

// Group is what an End frame says.
type Group struct {
	Number  uint64 // from 1 on in each process
	Records uint64 // as the caller counts them
	Clock
}

// Clock is what must not go back.
type Clock struct {
	Wall int64 // unix milliseconds: the latest that anybody was served by
	Age  int64 // nanoseconds that processes have used the directory, one after the other
}

func (c *Clock) advance(to Clock) { *c = Clock{max(c.Wall, to.Wall), max(c.Age, to.Age)} }
