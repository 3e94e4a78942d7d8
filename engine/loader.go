package engine

import (
	"encoding/binary"
	"fmt"

	"github.com/quotadb/quota-db/crdt"
	"github.com/quotadb/quota-db/quota"
)

// tokensRecord begins the record that says what a quota's bucket is. The quota's own record follows:
//
//	+------+---------+----------+---------+
//	| 0x81 | full at | fraction | reserve |
//	+------+---------+----------+---------+
//
// in unsigned varints: quota.Bucket on the clock of Moment.Mono, and how many tokens may be given that it has.
const tokensRecord = 0x81

func appendTokens(dst []byte, b quota.Bucket, reserve uint64) []byte {
	dst = append(dst, tokensRecord)
	dst = binary.AppendUvarint(dst, uint64(b.FullAt))
	dst = binary.AppendUvarint(dst, b.Fraction)
	return binary.AppendUvarint(dst, reserve)
}

// UnknownWriter is the number of no writer.
const UnknownWriter = 1<<32 - 1

// Loader brings back what Take and Walk gave: records of package crdt, each quota's with a record of its tokens before it. The caller sees to it that
// the last state of each key comes last. It is used by one goroutine; several may load different keys at once.
type Loader struct {
	DB      *DB
	Now     Moment
	Writers []uint32 // by the number in the records: what DB.Writer gave, or UnknownWriter
	Crashed bool     // the quotas' reserves may have been given
	Changed bool     // the follower is to take what is loaded
	// Part and Parts choose keys: those whose hash is Part modulo Parts. 0 parts: all.
	Part, Parts uint64

	// The records of a key, as decode has read them.
	name    []byte
	entry   crdt.Entry
	quoted  bool // with tokens
	bucket  quota.Bucket
	reserve uint64
}

// Load loads records and says how many keys' they were. Errors: crdt.ErrShort, crdt.ErrCorrupt.
func (l *Loader) Load(records []byte) (n int, err error) {
	for len(records) > 0 {
		if records, err = l.decode(records); err != nil {
			return n, err
		}
		if err := l.renumber(); err != nil {
			return n, err
		}
		k := l.DB.Key(l.name)
		if l.Parts > 1 && k.Hash%l.Parts != l.Part {
			continue
		}
		t := tokens{Bucket: l.bucket}
		if l.quoted {
			if err := l.settle(&t, l.reserve); err != nil {
				return n, err
			}
		}
		l.DB.restore(k, &l.entry, t, l.Now, l.Changed, l.quoted && l.Crashed && l.reserve > 0)
		n++
	}
	return n, nil
}

// decode reads the first key's records. There are directories with tokens before a quota that had ended, whose register has a stamp and
// nothing else: commits before the first release wrote them. Such tokens mean nothing, and are dropped.
func (l *Loader) decode(records []byte) (rest []byte, err error) {
	l.bucket, l.reserve = quota.Bucket{}, 0
	if l.quoted = records[0] == tokensRecord; l.quoted {
		if l.bucket, l.reserve, records, err = decodeTokens(records); err != nil {
			return nil, err
		}
	}
	if l.name, rest, err = crdt.DecodeRecord(records, &l.entry); err != nil {
		return nil, err
	}
	if l.quoted && l.entry.Quota.Capacity == 0 {
		if l.entry.Quota == (crdt.Quota{}) {
			return nil, fmt.Errorf("%w: tokens without a quota", crdt.ErrCorrupt)
		}
		l.quoted, l.bucket, l.reserve = false, quota.Bucket{}, 0
	}
	return rest, nil
}

// renumber gives the rows the numbers that Writers has for theirs.
func (l *Loader) renumber() error {
	for i := range l.entry.Rows {
		w := l.entry.Rows[i].Writer
		if w >= uint32(len(l.Writers)) || l.Writers[w] == UnknownWriter {
			return fmt.Errorf("%w: unknown writer %d", crdt.ErrCorrupt, w)
		}
		l.entry.Rows[i].Writer = l.Writers[w]
	}
	return nil
}

func decodeTokens(src []byte) (b quota.Bucket, reserve uint64, rest []byte, err error) {
	rest = src[1:]
	var fields [3]uint64
	for i := range fields {
		v, n := binary.Uvarint(rest)
		if n <= 0 {
			return b, 0, nil, fmt.Errorf("%w: tokens", crdt.ErrShort)
		}
		fields[i], rest = v, rest[n:]
	}
	return quota.Bucket{FullAt: int64(fields[0]), Fraction: fields[1]}, fields[2], rest, nil
}

// settle makes of a quota's tokens what is certain of them now.
func (l *Loader) settle(t *tokens, reserve uint64) error {
	rate := rateOf(&l.entry.Quota)
	if err := l.checkTokens(); err != nil {
		return err
	}
	if latest := l.Now.Mono + int64(rate.Window()); t.FullAt > latest {
		t.Bucket = quota.Bucket{FullAt: latest} // cannot be: empty is the least that it is
	}
	if !l.Crashed {
		t.bound, t.written = reserve, reserve
		return nil
	}
	t.afterCrash(rate, reserve, l.Now.Mono)
	return nil
}

// checkTokens says what cannot be of a quota's tokens.
func (l *Loader) checkTokens() error {
	rate := rateOf(&l.entry.Quota)
	if _, err := quota.New(rate.Capacity, rate.Count, rate.Period); err != nil {
		return fmt.Errorf("%w: %w", crdt.ErrCorrupt, err)
	}
	if l.bucket.FullAt < 0 || l.bucket.Fraction >= rate.Count {
		return fmt.Errorf("%w: tokens", crdt.ErrCorrupt)
	}
	return nil
}

// restore makes e the state of k. It is no change to the follower, unless changed says so, or drained: a quota without a reserve is written
// soon, to have one again. What has expired meanwhile is no quota any more, and nothing to tell: the disk knows the deadline, and may have a later
// record of the same name, which is no change and would not follow. e's bytes are copied.
func (db *DB) restore(k Key, e *crdt.Entry, t tokens, now Moment, changed, drained bool) {
	s := db.shard(k.Hash)
	s.mu.Lock()
	defer s.mu.Unlock()
	r, _, at := s.find(k)
	if s.clock.Observe(e.Latest()); e.Expired(now.Wall) && !db.replicated {
		e.Close()
	}
	wanted := s.changes.wanted
	if s.changes.wanted &= marked; !changed && !(drained && e.Exists()) {
		s.changes.wanted = 0
	}
	s.tokens, s.ended = t, false
	s.store(k, e, r, at, now)
	s.changes.wanted = wanted
	db.digests.touch(k.Hash)
}
