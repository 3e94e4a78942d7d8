package cluster

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/quotadb/quota-db/tests/internal/wire"
)

// Quotas among the writes of the clients. These rules must hold:
//
//   - over every interval, all nodes together admit at most the quota's capacity and what it earns in the interval,
//     whatever happens to nodes, disks and links; if the limits change, the largest one bounds;
//   - in the end the limits are the same on all nodes;
//   - an end is never undone by a change that it has seen, even if a transient quota is made on the key after it.
const (
	// quotaKeys is how many keys of each kind are used at a time, and usesPerQuota how often each, about.
	quotaKeys    = 2
	usesPerQuota = 60
	// quotaWindow is so long that hardly any token is earned in a test.
	quotaWindow = 1000 // seconds
	// briefWindow is that of transient quotas on keys whose permanent one has ended.
	briefWindow = 1 // second
)

// quotaKind is how the quotas of a key are made. It begins the key's name.
type quotaKind string

const (
	permanent quotaKind = "quota:"     // by QUOTASET, and ended by something
	transient quotaKind = "transient:" // by QUOTAINCR
	throttled quotaKind = "throttle:"  // by CL.THROTTLE
)

var quotaKinds = []quotaKind{permanent, transient, throttled}

func isQuota(key string) bool {
	for _, kind := range quotaKinds {
		if strings.HasPrefix(key, string(kind)) {
			return true
		}
	}
	return false
}

// quotaKey is a key of which clients take tokens.
type quotaKey struct {
	name   string
	kind   quotaKind
	limits []int // one, or two in turns
	uses   int

	// Of a permanent one.
	known   map[incarnation]bool // it has acknowledged a QUOTASET: all its clients find the quota
	changes int                  // commands on their way that may set a limit
	setters map[int]bool         // the places to which such commands were sent
	set     []change             // acknowledged QUOTASETs
	ended   *change              // by this change
	ending  bool
	by      []string // the command that has ended it, or may have
}

// incarnation is one run in a place.
type incarnation struct{ place, run int }

// change is an acknowledged change of a quota's limits.
type change struct {
	incarnation
	at time.Time
}

func (c change) mayBeLost(losses []loss) bool {
	i := increment{place: c.place, run: c.run, acked: c.at}
	return i.mayBeLost(losses)
}

// taking is tokens that a node has admitted.
type taking struct {
	key          *quotaKey
	place        int
	tokens       int
	begun, ended time.Time
}

// quotas are the keys, and what clients know of them.
type quotas struct {
	mu    sync.Mutex // protects the fields below and the keys
	all   []*quotaKey
	open  map[quotaKind][]*quotaKey
	taken []taking
}

// pick is a key that is in use.
func (q *quotas) pick(rng *rand.Rand) *quotaKey {
	kind := quotaKinds[rng.IntN(len(quotaKinds))]
	if q.open == nil {
		q.open = map[quotaKind][]*quotaKey{}
	}
	for len(q.open[kind]) < quotaKeys {
		k := &quotaKey{name: string(kind) + itoa(len(q.all)), kind: kind, limits: []int{5 + rng.IntN(20)}, known: map[incarnation]bool{}, setters: map[int]bool{}}
		if rng.IntN(2) == 0 {
			k.limits = append(k.limits, 1+rng.IntN(k.limits[0]))
		}
		q.all, q.open[kind] = append(q.all, k), append(q.open[kind], k)
	}
	at := rng.IntN(quotaKeys)
	k := q.open[kind][at]
	if k.uses++; k.uses >= usesPerQuota {
		q.open[kind] = append(q.open[kind][:at:at], q.open[kind][at+1:]...)
	}
	return k
}

// use sends a command on a quota. broken: the connection is.
func (q *quotas) use(l *load, conn *wire.Conn, p incarnation, rng *rand.Rand) (broken error) {
	q.mu.Lock()
	k := q.pick(rng)
	limit, n := itoa(k.limits[rng.IntN(len(k.limits))]), 1+rng.IntN(2)
	q.mu.Unlock()
	switch k.kind {
	case transient:
		return q.take(l, conn, k, p, n, "QUOTAINCR", k.name, limit, itoa(quotaWindow), itoa(n))
	case throttled:
		burst, _ := strconv.Atoi(limit)
		return q.take(l, conn, k, p, n, "CL.THROTTLE", k.name, itoa(burst-1), itoa(k.limits[0]), itoa(quotaWindow), itoa(n))
	}
	return q.usePermanent(l, conn, k, p, limit, n, rng)
}

// usePermanent sends a command on a key that QUOTASET makes a quota.
func (q *quotas) usePermanent(l *load, conn *wire.Conn, k *quotaKey, p incarnation, limit string, n int, rng *rand.Rand) (broken error) {
	q.mu.Lock()
	known, ended, quiet := k.known[p], k.ended, k.changes == 0
	q.mu.Unlock()
	choice := rng.IntN(10)
	switch {
	case ended != nil && ended.incarnation == p: // this process itself has ended it
		_, broken = l.answer(conn, "QUOTAINCR", k.name, "3", itoa(briefWindow))
		return broken
	case ended != nil || k.isEnding(q):
		_, broken = l.answer(conn, "QUOTAGET", k.name)
		return broken
	case !known || choice == 0:
		return q.change(l, conn, k, p, func() error { return nil }, "QUOTASET", k.name, limit, itoa(quotaWindow))
	case choice < 5:
		return q.take(l, conn, k, p, n, "INCRBY", k.name, itoa(n))
	case choice < 7:
		return q.change(l, conn, k, p, nil, "QUOTAINCR", k.name, limit, itoa(quotaWindow), itoa(n))
	case choice == 7 && quiet && k.uses > usesPerQuota/3:
		return q.end(l, conn, k, p, rng)
	}
	_, broken = l.answer(conn, "QUOTAGET", k.name)
	return broken
}

func (k *quotaKey) isEnding(q *quotas) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return k.ending
}

// change sends a command that may set a limit, unless the key is about to be ended: a command that arrives at another
// node after the end may make a quota again.
func (q *quotas) change(l *load, conn *wire.Conn, k *quotaKey, p incarnation, sets func() error, words ...string) (broken error) {
	q.mu.Lock()
	if k.ending {
		q.mu.Unlock()
		return nil
	}
	k.changes++
	k.setters[p.place] = true
	q.mu.Unlock()
	if sets == nil {
		broken = q.take(l, conn, k, p, tokens(words[len(words)-1]), words...)
	} else {
		var v wire.Value
		if v, broken = l.answer(conn, words...); broken == nil && v.String() == "+OK" {
			q.mu.Lock()
			k.known[p] = true
			k.set = append(k.set, change{p, time.Now()})
			q.mu.Unlock()
		}
	}
	if broken != nil {
		return broken // the command may still run: then the key is never ended
	}
	q.mu.Lock()
	k.changes--
	q.mu.Unlock()
	return nil
}

// end ends a quota in one of the possible ways. No client changes it meanwhile or later.
func (q *quotas) end(l *load, conn *wire.Conn, k *quotaKey, p incarnation, rng *rand.Rand) (broken error) {
	words := [][]string{{"QUOTADEL", k.name}, {"DEL", k.name}, {"UNLINK", k.name}, {"GETDEL", k.name}, {"SET", k.name, "7"}, {"PEXPIRE", k.name, "1"}}[rng.IntN(6)]
	q.mu.Lock()
	if k.changes > 0 || k.ending {
		q.mu.Unlock()
		return nil
	}
	k.ending, k.by = true, words
	q.mu.Unlock()
	for began := time.Now(); time.Since(began) < 2*time.Millisecond; { // a later stamp than that of any change
		time.Sleep(time.Millisecond)
	}
	v, broken := l.answer(conn, words...)
	if broken != nil || v.IsError() || v.IsNull() || v.String() == ":0" {
		return broken
	}
	at := time.Now()
	if words[0] == "PEXPIRE" { // the quota ends at the deadline, when a write closes it; peers are sent the deadline
		time.Sleep(5 * time.Millisecond)
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	k.ended = &change{p, at}
	return nil
}

// take takes tokens, and notes them if they were admitted.
func (q *quotas) take(l *load, conn *wire.Conn, k *quotaKey, p incarnation, n int, words ...string) (broken error) {
	begun := time.Now()
	v, broken := l.answer(conn, words...)
	if broken != nil {
		return broken
	}
	admitted := false
	if left, ok := v.Int(); ok {
		admitted = left >= 0
	} else if len(v.Elems) > 0 {
		refused, _ := v.Elems[0].Int()
		admitted = refused == 0
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	if admitted && !k.ending { // if the quota has ended meanwhile, the command may have counted
		q.taken = append(q.taken, taking{key: k, place: p.place, tokens: n, begun: begun, ended: time.Now()})
	}
	return nil
}

// answer sends a command that the history does not record. An error reply is one that no client should get, except that
// of a node that does not know yet which cluster it belongs to.
func (l *load) answer(conn *wire.Conn, words ...string) (v wire.Value, broken error) {
	if v, broken = conn.Do(words...); broken == nil && v.IsError() && !strings.HasPrefix(v.Text, "TRYAGAIN ") {
		l.complain("%q: %v", words, v)
	}
	return v, broken
}

func tokens(text string) int {
	n, err := strconv.Atoi(text)
	if err != nil {
		panic(fmt.Sprintf("cluster: %q is not a number", text))
	}
	return n
}
