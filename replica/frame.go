package replica

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
)

// A frame, little-endian. The checksum is the CRC-32C of kind, zeros and payload:
//
//	+--------+------+------+-----+---------+
//	| length | kind | zero | crc | payload |
//	| 4      | 1    | 3    | 4   | length  |
//	+--------+------+------+-----+---------+
const (
	frameHeader = 12
	// MaxPayload is the longest payload of a frame, in bytes. A value of 512 MiB with its name fits.
	MaxPayload = 1 << 30
)

// ErrFrame reports bytes from a peer that are not a valid frame.
var ErrFrame = errors.New("not a frame")

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// appendFrame appends a frame; the function appends its payload.
func appendFrame(dst []byte, kind byte, payload func([]byte) []byte) []byte {
	at := len(dst)
	dst = append(dst, 0, 0, 0, 0, kind, 0, 0, 0, 0, 0, 0, 0)
	return sealFrame(payload(dst), at)
}

// sealFrame completes the header of the frame that begins at offset at and ends at the end of dst.
func sealFrame(dst []byte, at int) []byte {
	binary.LittleEndian.PutUint32(dst[at:], uint32(len(dst)-at-frameHeader))
	binary.LittleEndian.PutUint32(dst[at+8:], frameSum(dst[at:]))
	return dst
}

func frameSum(frame []byte) uint32 {
	return crc32.Update(crc32.Checksum(frame[4:8], castagnoli), castagnoli, frame[frameHeader:])
}

// SplitFrame splits the first frame off the bytes received from a peer. If the frame is not complete yet, frame is nil,
// err is nil, and need is the number of bytes that it needs in all. Errors: ErrFrame.
func SplitFrame(buf []byte) (frame, rest []byte, need int, err error) {
	if len(buf) < frameHeader {
		return nil, buf, frameHeader, nil
	}
	length := int64(binary.LittleEndian.Uint32(buf))
	if length > MaxPayload || buf[4] == 0 || buf[5]|buf[6]|buf[7] != 0 {
		return nil, buf, 0, fmt.Errorf("%w: header %x", ErrFrame, buf[:8])
	}
	need = frameHeader + int(length)
	if len(buf) < need {
		return nil, buf, need, nil
	}
	frame, rest = buf[:need:need], buf[need:]
	if binary.LittleEndian.Uint32(frame[8:]) != frameSum(frame) {
		return nil, buf, 0, fmt.Errorf("%w: the checksum of %d bytes of kind %d does not fit", ErrFrame, length, frame[4])
	}
	return frame, rest, need, nil
}

// RecordsOf returns the records in a frame of the kinds Deltas, Repair and Whole, and nil for other frames. It is for
// tools that look at the traffic.
func RecordsOf(frame []byte) []byte {
	payload := frame[frameHeader:]
	switch frame[4] {
	case kindDeltas:
		_, n := binary.Uvarint(payload)
		return payload[max(n, 0):]
	case kindRepair, kindWhole:
		return payload
	}
	return nil
}
