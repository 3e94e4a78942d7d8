package disk

import (
	"bytes"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/quotadb/quota-db/disk/vfs"
)

const (
	manifestFile = "MANIFEST"
	newManifest  = "MANIFEST.new"
	maxManifest  = 1 << 20 // bytes
)

// manifest says which segments count, whose directory it is and how the last run ended. It is text with these lines in
// this order:
//
//	quotadb 3                      version of the format; 2: the directory has had peers; 1: it has not, and
//	                               its place is not known
//	life 1 8f3a93c1d2e4b5a6        node id and life, in hexadecimal; zeros: none, as in a backup
//	start 0                        a number at or above all that the life has used on dropped keys
//	run 5d4c3b2a19087f6e           in version 2: the nonce of the last start; then those before it of the
//	                               same life, latest first
//	place 5308417-1764000000.5/... 254:0 0901793b
//	                               in version 3: Object, Device and Boot of vfs.Place; "-" for an empty one
//	hash 1b2c3d4e5f60718 29a0b1c2d3e4f506
//	clock 1764000000000 86400      Wall and Age of Clock, as last known
//	stopped clean                  or: running
//	snapshot 7 120034 5000         number, length in bytes, records
//	log 7 3000041                  number and length; the last, unless stopped clean: open, and a safe offset
//	log 8 open 32
//	crc 1a2b3c4d                   CRC-32C of the lines before
type manifest struct {
	Identity
	clean    bool
	place    vfs.Place // of the run's file, if there never were peers
	segments []segmentEntry
}

// Identity is whose directory it is: what a directory keeps beside the frames.
type Identity struct {
	Node    uint16 // 0: the directory has no owner yet
	Life    uint64
	Start   uint64    // a number at or above all that the life has used on dropped keys
	Run     uint64    // nonce of the last start, if Clustered
	Earlier Runs      // nonces of the starts before that, of the same life
	Hash    [2]uint64 // the hash key whose order the snapshots have; 0: not known
	Clock

	Clustered bool // it has or had peers: records of deleted keys are kept
}

// Runs are nonces of starts of one life, the latest first. Zeros stand for none.
type Runs [16]uint64

// Then is r with run as the latest. With run 0 it is r.
func (r Runs) Then(run uint64) Runs {
	if run == 0 {
		return r
	}
	copy(r[1:], r[:len(r)-1])
	r[0] = run
	return r
}

func (r Runs) list() []uint64 {
	if n := slices.Index(r[:], 0); n >= 0 {
		return r[:n]
	}
	return r[:]
}

const (
	// clusteredVersion is the version of a directory that has had peers. A release that knows only version 1 would drop
	// what merging with them needs.
	clusteredVersion = 2
	// placedVersion is the version of a directory that tells its place. A release that does not check the place would
	// go on with the life of a copy.
	placedVersion = 3
)

func (m *manifest) version() int {
	switch {
	case m.Clustered:
		return clusteredVersion
	case m.place.IsKnown():
		return placedVersion
	}
	return formatVersion
}

// segmentEntry is a segment that counts.
type segmentEntry struct {
	kind   segmentType
	number uint64
	size   int64 // its length, unless it is open
	open   bool
	safe   int64 // if it is open: an offset up to which it is safe

	records uint64 // records of a snapshot
}

func (m *manifest) text() []byte {
	var b strings.Builder
	fmt.Fprintf(&b, "quotadb %d\nlife %d %016x\nstart %d\n", m.version(), m.Node, m.Life, m.Start)
	if m.Clustered {
		fmt.Fprintf(&b, "run %016x", m.Run)
		for _, run := range m.Earlier.list() {
			fmt.Fprintf(&b, " %016x", run)
		}
		b.WriteByte('\n')
	}
	if m.version() == placedVersion {
		fmt.Fprintf(&b, "place %s %s %s\n", m.place.Object, orDash(m.place.Device), orDash(m.place.Boot))
	}
	fmt.Fprintf(&b, "hash %x %x\nclock %d %d\n", m.Hash[0], m.Hash[1], m.Wall, m.Age)
	if m.clean {
		b.WriteString("stopped clean\n")
	} else {
		b.WriteString("running\n")
	}
	for _, s := range m.segments {
		switch {
		case s.kind == snapshotSegment:
			fmt.Fprintf(&b, "snapshot %d %d %d\n", s.number, s.size, s.records)
		case s.open:
			fmt.Fprintf(&b, "log %d open %d\n", s.number, s.safe)
		default:
			fmt.Fprintf(&b, "log %d %d\n", s.number, s.size)
		}
	}
	return AppendSum([]byte(b.String()))
}

func orDash(word string) string {
	if word == "" {
		return "-"
	}
	return word
}

func fromDash(word string) string {
	if word == "-" {
		return ""
	}
	return word
}

// parseManifest reads exactly what text writes. A later version keeps the form of the first and the last line. Errors:
// ErrVersion, ErrEarlier, or the reason why the text is damaged.
func parseManifest(text []byte) (*manifest, error) {
	var version int
	if n, _ := fmt.Sscanf(string(text), "quotadb %d\n", &version); n == 1 && version > placedVersion && hasSum(text) {
		return nil, ErrVersion
	}
	m := &manifest{}
	for line := range strings.Lines(string(text)) {
		m.parseLine(strings.Fields(line))
	}
	switch {
	case string(m.text()) == string(text):
	case hasSum(text): // undamaged: an earlier release wrote other lines
		return nil, ErrEarlier
	default:
		return nil, errors.New("it is not as it was written: a line is damaged, or the checksum is wrong")
	}
	return m, m.check()
}

// hasSum reports whether the last line is the checksum of the lines before.
func hasSum(text []byte) bool {
	lines := bytes.LastIndex(text, []byte("\ncrc ")) + 1
	return bytes.Equal(AppendSum(text[:lines:lines]), text)
}

// AppendSum appends the last line of a text file of a directory: the CRC-32C of the lines before.
func AppendSum(lines []byte) []byte {
	return fmt.Appendf(lines, "crc %08x\n", crc32.Checksum(lines, castagnoli))
}

// parseLine reads what it knows from a line. The caller compares text with the whole input, so parseLine reports no
// errors.
func (m *manifest) parseLine(f []string) {
	number := func(i int) uint64 {
		if i >= len(f) {
			return 0
		}
		n, _ := strconv.ParseUint(f[i], 10, 64)
		return n
	}
	if len(f) == 0 {
		return
	}
	switch f[0] {
	case "life":
		m.Node = uint16(number(1))
		if len(f) > 2 {
			m.Life, _ = strconv.ParseUint(f[2], 16, 64)
		}
	case "start":
		m.Start = number(1)
	case "run":
		if m.Clustered = true; len(f) > 1 {
			m.Run, _ = strconv.ParseUint(f[1], 16, 64)
			for i := range min(len(f)-2, len(m.Earlier)) {
				m.Earlier[i], _ = strconv.ParseUint(f[2+i], 16, 64)
			}
		}
	case "place":
		if len(f) == 4 {
			m.place = vfs.Place{Object: f[1], Device: fromDash(f[2]), Boot: fromDash(f[3])}
		}
	case "hash":
		for i := range m.Hash {
			if len(f) > i+1 {
				m.Hash[i], _ = strconv.ParseUint(f[i+1], 16, 64)
			}
		}
	case "clock":
		m.Clock = Clock{int64(number(1)), int64(number(2))}
	case "stopped":
		m.clean = true
	case "log", "snapshot":
		s := segmentEntry{kind: logSegment, number: number(1)}
		if f[0] == "snapshot" {
			s.kind = snapshotSegment
		}
		if len(f) > 2 && f[2] == "open" {
			s.open, s.safe = true, int64(number(3))
		} else {
			s.size = int64(number(2))
			if s.kind == snapshotSegment {
				s.records = number(3)
			}
		}
		m.segments = append(m.segments, s)
	}
}

// check checks that the segments fit together: at most one snapshot, as the first; then logs with increasing numbers;
// only the last may be open.
func (m *manifest) check() error {
	for i, s := range m.segments {
		last := i == len(m.segments)-1
		switch {
		case s.kind == snapshotSegment && (i > 0 || s.open),
			s.kind == logSegment && i > 0 && s.number < m.segments[i-1].number,
			s.kind == logSegment && i > 0 && s.number == m.segments[i-1].number && m.segments[i-1].kind == logSegment,
			s.open && (!last || m.clean):
			return fmt.Errorf("segment %d does not follow the one before", s.number)
		}
	}
	return nil
}

// readManifest reads a directory's manifest. Errors: fs.ErrNotExist, ErrVersion, ErrEarlier, DamageError.
func readManifest(files vfs.FS, dir string) (*manifest, error) {
	name := filepath.Join(dir, manifestFile)
	text, err := readText(files, name, maxManifest)
	if err != nil {
		return nil, err
	}
	m, err := parseManifest(text)
	if errors.Is(err, ErrVersion) || errors.Is(err, ErrEarlier) {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if err != nil {
		return nil, &DamageError{name, 0, err.Error()}
	}
	return m, nil
}

// readText reads a text of at most so many bytes. Errors: fs.ErrNotExist, DamageError.
func readText(files vfs.FS, name string, most int64) ([]byte, error) {
	f, err := files.Open(name)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	size, err := f.Size()
	if err != nil {
		return nil, err
	}
	if size > most {
		return nil, &DamageError{name, 0, "too long"}
	}
	text := make([]byte, size)
	if _, err := f.ReadAt(text, 0); err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	return text, nil
}

// write replaces the manifest of a directory. The new one is safe when write returns. After an error the old or the new
// one is there.
func (m *manifest) write(files vfs.FS, dir string) error {
	if err := replace(files, dir, manifestFile, newManifest, m.text()); err != nil {
		return fmt.Errorf("write manifest: %w", err)
	}
	return nil
}

// replace gives a file of a directory a new text, by writing a file named fresh and renaming it. The text is safe when
// replace returns. After an error the old or the new text is there.
func replace(files vfs.FS, dir, name, fresh string, text []byte) error {
	fresh = filepath.Join(dir, fresh)
	if err := files.Remove(fresh); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	f, err := files.Create(fresh)
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = files.Rename(fresh, filepath.Join(dir, name))
	}
	if err == nil {
		err = files.SyncDir(dir)
	}
	return err
}
