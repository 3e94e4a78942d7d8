package disk

import (
	"encoding/binary"
	"hash/crc32"
)

const (
	segmentHeaderBytes = 32
	frameHeaderBytes   = 16
	endBytes           = 40
	formatVersion      = 1
	magic              = "quotadb"
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// segmentType says whether a segment is a log or a snapshot.
type segmentType uint8

const (
	logSegment      segmentType = 1
	snapshotSegment segmentType = 2
)

// segmentHeader is the first bytes of a segment.
type segmentHeader struct {
	number uint64
	salt   uint64 // random: frames of one segment are not valid in another
	kind   segmentType
}

func (h segmentHeader) append(dst []byte) []byte {
	at := len(dst)
	dst = append(append(dst, magic...), formatVersion)
	dst = binary.LittleEndian.AppendUint64(dst, h.number)
	dst = binary.LittleEndian.AppendUint64(dst, h.salt)
	dst = append(dst, byte(h.kind), 0, 0, 0)
	return binary.LittleEndian.AppendUint32(dst, crc32.Checksum(dst[at:], castagnoli))
}

// anotherVersion is the reason for a header that is sound, but of another version.
const anotherVersion = "format of another version"

// parseSegmentHeader reads a header that append has written. reason says why b is none, "" if it is one.
func parseSegmentHeader(b []byte) (h segmentHeader, reason string) {
	switch {
	case len(b) < segmentHeaderBytes:
		return h, "the header is cut short"
	case crc32.Checksum(b[:28], castagnoli) != binary.LittleEndian.Uint32(b[28:]):
		return h, "the checksum of the header is wrong"
	case string(b[:7]) != magic:
		return h, "not a segment of QuotaDB"
	case b[7] != formatVersion:
		return h, anotherVersion
	}
	return segmentHeader{
		number: binary.LittleEndian.Uint64(b[8:]),
		salt:   saltOf(b),
		kind:   segmentType(b[24]),
	}, ""
}

// saltOf is the salt in a segment's header.
func saltOf(header []byte) uint64 { return binary.LittleEndian.Uint64(header[16:]) }

// frameHeader is the part of a frame before its payload.
type frameHeader struct {
	length  int
	kind    Kind
	payload uint32 // checksum of the payload
}

// put writes the header of the frame at an offset of a segment.
func (h frameHeader) put(b []byte, salt uint64, offset int64) {
	binary.LittleEndian.PutUint32(b, uint32(h.length))
	binary.LittleEndian.PutUint32(b[4:], uint32(h.kind))
	binary.LittleEndian.PutUint32(b[8:], h.payload)
	binary.LittleEndian.PutUint32(b[12:], headerSum(b, salt, offset))
}

// parseFrameHeader reads a header that put has written for that offset of the segment. reason says why b is none, "" if
// it is one.
func parseFrameHeader(b []byte, salt uint64, offset int64) (h frameHeader, reason string) {
	if len(b) < frameHeaderBytes {
		return h, "a frame's header is cut short"
	}
	if headerSum(b, salt, offset) != binary.LittleEndian.Uint32(b[12:]) {
		return h, "the checksum of a frame's header is wrong"
	}
	h = frameHeader{int(binary.LittleEndian.Uint32(b)), Kind(b[4]), binary.LittleEndian.Uint32(b[8:])}
	if h.length > maxPayload || h.length == 0 || h.kind == 0 || b[5]|b[6]|b[7] != 0 {
		return h, "a frame's header has impossible values"
	}
	return h, ""
}

// headerSum is the checksum of a frame's header. It binds the frame to its segment and offset.
func headerSum(b []byte, salt uint64, offset int64) uint32 {
	var place [16]byte
	binary.LittleEndian.PutUint64(place[:], salt)
	binary.LittleEndian.PutUint64(place[8:], uint64(offset))
	return crc32.Update(crc32.Checksum(place[:], castagnoli), castagnoli, b[:12])
}

// end is the payload of an End frame.
type end struct {
	Group
	synced int64 // the segment was safe up to this offset before the group was written
}

func (e end) append(dst []byte) []byte {
	dst = binary.LittleEndian.AppendUint64(dst, e.Number)
	dst = binary.LittleEndian.AppendUint64(dst, e.Records)
	dst = binary.LittleEndian.AppendUint64(dst, uint64(e.Wall))
	dst = binary.LittleEndian.AppendUint64(dst, uint64(e.Age))
	return binary.LittleEndian.AppendUint64(dst, uint64(e.synced))
}

func parseEnd(b []byte) (end, bool) {
	if len(b) != endBytes {
		return end{}, false
	}
	return end{Group{
		Number:  binary.LittleEndian.Uint64(b),
		Records: binary.LittleEndian.Uint64(b[8:]),
		Clock: Clock{
			Wall: int64(binary.LittleEndian.Uint64(b[16:])),
			Age:  int64(binary.LittleEndian.Uint64(b[24:])),
		},
	}, int64(binary.LittleEndian.Uint64(b[32:]))}, true
}
