package engine

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/bits"
	"time"

	"github.com/quotadb/quota-db/crdt"
	"github.com/quotadb/quota-db/quota"
)

// tokensRecord begins the record of a quota's bucket. The record of the quota's key follows:
//
//	+------+---------+----------+---------+
//	| 0x81 | full at | fraction | reserve |
//	+------+---------+----------+---------+
//
// in unsigned varints: quota.Bucket on the clock of Moment.Mono, and the reserve: how many of the tokens in the bucket
// may have been given since. A quota whose limit has changed, or that owes tokens, has
//
//	+------+---------+----------+---------+--------+------+
//	| 0x82 | full at | fraction | reserve | varies | pace |
//	+------+---------+----------+---------+--------+------+
//
// varies is 0 or 1, pace that of the bucket. Where there is a pace the fraction is 0.
const (
	tokensRecord = 0x81
	variesRecord = 0x82
)

func appendTokens(dst []byte, t *tokens, reserve uint64) []byte {
	if !t.varies && t.Pace == 0 {
		dst = append(dst, tokensRecord)
	} else {
		dst = append(dst, variesRecord)
	}
	dst = binary.AppendUvarint(dst, uint64(t.FullAt))
	dst = binary.AppendUvarint(dst, t.Fraction)
	dst = binary.AppendUvarint(dst, reserve)
	if !t.varies && t.Pace == 0 {
		return dst
	}
	varies := uint64(0)
	if t.varies {
		varies = 1
	}
	return binary.AppendUvarint(binary.AppendUvarint(dst, varies), uint64(t.Pace))
}

// UnknownWriter is an index that no writer has.
const UnknownWriter = 1<<32 - 1

// Loader loads the records that Take and Walk gave: records of package crdt, each quota's with a record of its tokens
// before it. The caller gives the last state of each key last. One goroutine uses a Loader; several Loaders may load
// different keys at once.
type Loader struct {
	DB  *DB
	Now Moment
	// On the clock of Moment.Mono: every take from a quota before then is in the records.
	Age     int64
	Writers []uint32 // by the number in the records: the index from DB.Writer, or UnknownWriter
	Crashed bool     // the quotas' reserves may have been given: the last run was not stopped clean
	Changed bool     // the follower is to take everything that is loaded
	// Part and Parts choose keys: those whose hash is Part modulo Parts. Parts 0: all keys.
	Part, Parts uint64

	// The records of one key, as decode has read them.
	name    []byte
	entry   crdt.Entry
	quoted  bool // there was a record of tokens before entry
	tokens  tokens
	reserve uint64
}

// Load loads records and returns the number of keys. Errors: crdt.ErrShort, crdt.ErrCorrupt, crdt.ErrLater.
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
		late := l.entry.SetBack(l.Now.Wall+(MaxAhead+lateSlack).Milliseconds(), l.Now.Wall)
		if l.quoted {
			if err := l.settle(); err != nil {
				return n, err
			}
		}
		l.DB.restore(k, &l.entry, l.tokens, l.Now, l.Changed || late && l.DB.replicated, late || l.quoted && l.Crashed && l.reserve > 0)
		n++
	}
	return n, nil
}

// lateSlack is how much further than MaxAhead ahead of the clock a stamp may be: each write to a shard gets a later
// stamp than all writes before it. Still later stamps exist only in a directory whose clock was set back
// (disk.SetBack); Load brings them back to the present too.
const lateSlack = time.Minute

// decode reads the records of the first key. Commits before the first release wrote tokens before a quota that had
// ended, whose register has a stamp and nothing else. Such tokens mean nothing and are dropped.
func (l *Loader) decode(records []byte) (rest []byte, err error) {
	l.tokens, l.reserve = tokens{}, 0
	if l.quoted = records[0] == tokensRecord || records[0] == variesRecord; l.quoted {
		if l.reserve, records, err = decodeTokens(records, &l.tokens); err != nil {
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
		l.quoted, l.tokens, l.reserve = false, tokens{}, 0
	}
	if q := &l.entry.Quota; q.Capacity != 0 {
		if _, err := quota.New(q.Capacity, q.Count, time.Duration(q.Period)); err != nil {
			return nil, fmt.Errorf("%w: %w", crdt.ErrCorrupt, err)
		}
	}
	return rest, nil
}

// renumber replaces the writers' numbers in the rows by their indexes in this DB.
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

// decodeTokens reads a record of tokens of either kind.
func decodeTokens(src []byte, t *tokens) (reserve uint64, rest []byte, err error) {
	rest = src[1:]
	var fields [5]uint64
	n := len(fields)
	if src[0] == tokensRecord {
		n = 3
	}
	for i := range fields[:n] {
		v, n := binary.Uvarint(rest)
		if n <= 0 {
			return 0, nil, fmt.Errorf("%w: tokens", crdt.ErrShort)
		}
		fields[i], rest = v, rest[n:]
	}
	if fields[3] > 1 {
		return 0, nil, fmt.Errorf("%w: tokens", crdt.ErrCorrupt)
	}
	*t = tokens{Bucket: quota.Bucket{FullAt: int64(fields[0]), Fraction: fields[1], Pace: quota.Pace(fields[4])}, varies: fields[3] == 1}
	return fields[2], rest, nil
}

// settle computes the tokens that a quota certainly still has now. After a crash its whole reserve may have been given
// on top of the record. Every take before Age is in the record, so a transient quota that was full by then has ended,
// and stays ended.
func (l *Loader) settle() error {
	if err := l.checkTokens(); err != nil {
		return err
	}
	t := &l.tokens
	rate := l.DB.ownOf(l.name, &l.entry.Quota, t)
	most := rate.Window() // a bucket that owes nothing cannot be emptier than empty
	if t.Pace != 0 {      // one that owes tokens can
		most = 3 * quota.MaxPeriod
	}
	if latest := l.Now.Mono + int64(most); t.FullAt > latest {
		t.FullAt, t.Fraction = latest, 0
	}
	if !l.Crashed {
		t.bound, t.written = l.reserve, l.reserve
		return nil
	}
	if l.entry.Quota.Transient && t.FullAfter(l.Age-int64(lateTake)) == 0 {
		l.entry.Quota, l.quoted, l.tokens = l.entry.Quota.Shared(), false, tokens{}
		return nil
	}
	t.afterCrash(rate, l.reserve, l.Now.Mono)
	return nil
}

// lateTake is an upper bound of the age of a clock reading that a take from a quota goes by.
const lateTake = 10 * time.Millisecond

// checkTokens checks the tokens of a quota. Errors: crdt.ErrCorrupt.
func (l *Loader) checkTokens() error {
	q, t := &l.entry.Quota, &l.tokens
	if t.FullAt < 0 || t.Fraction >= largestCount(q) || t.Pace != 0 && (t.Fraction != 0 || !t.Pace.IsValid()) || l.reserve > quota.MaxTokens {
		return fmt.Errorf("%w: tokens", crdt.ErrCorrupt)
	}
	return nil
}

// largestCount is a count that no part of a quota exceeds: see quota.Rate.Share.
func largestCount(q *crdt.Quota) uint64 {
	if hi, count := bits.Mul64(q.Count, q.Capacity); hi == 0 {
		return count
	}
	return math.MaxUint64
}

// restore makes e the state of k. changed makes it a change that the follower takes. So does drained, because a quota
// without a reserve should be written soon, to get one. But an expired key is not announced: the disk knows its
// deadline, and may have a later record of the same name. Bytes of e are copied.
func (db *DB) restore(k Key, e *crdt.Entry, t tokens, now Moment, changed, drained bool) {
	s := db.shard(k.Hash)
	s.mu.Lock()
	defer s.mu.Unlock()
	r, rec, at := s.find(k)
	if r != 0 && !db.replicated && e.Row(primary) == nil {
		s.droppedAll(rec)
	}
	if s.clock.Observe(e.Latest()); e.Expired(now.Wall) && !db.replicated {
		e.Close()
	}
	told := toNobody
	if changed || drained && e.Exists() {
		told = toDisk
	}
	n := len(s.sums.list)
	s.store(k, &draft{Entry: *e, tokens: t, record: r, at: at}, now, told)
	s.settle(n, now)
}
