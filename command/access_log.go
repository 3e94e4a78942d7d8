package command

import (
	"slices"
	"strconv"
	"sync"
	"sync/atomic"

	"github.com/quotadb/quota-db/resp"
)

// Reasons of entries in the access log, in Redis's words.
const (
	deniedCommand = "command"
	deniedKey     = "key"
	deniedAuth    = "auth"
)

const (
	// sameAccess: refusals of the same kind within this many milliseconds are one entry.
	sameAccess = 60_000
	// objectBytes is how many bytes of a key or a name an entry keeps.
	objectBytes = 256
)

// accessEntry is one kind of refusal, and how often it happened.
type accessEntry struct {
	id, count                         int64
	reason, context, object, userName string
	client                            string // as in CLIENT LIST
	created, updated                  int64  // unix milliseconds
}

// accessLog keeps the entries of ACL LOG, the newest first. It also counts refusals by reason, for INFO.
type accessLog struct {
	auth, command, key atomic.Int64 // refusals since the start or CONFIG RESETSTAT

	mu      sync.Mutex // protects the fields below
	entries []accessEntry
	last    int64
}

// add enters a refusal.
func (l *accessLog) add(c *call, reason, object, userName string) {
	switch reason {
	case deniedAuth:
		l.auth.Add(1)
	case deniedCommand:
		l.command.Add(1)
	case deniedKey:
		l.key.Add(1)
	}
	most := int(c.server.Params.AccessLogLen.Load())
	if most == 0 {
		return
	}
	e := accessEntry{
		count: 1, reason: reason, context: "toplevel", userName: clipText(userName), object: clipText(object),
		created: c.now.Wall, updated: c.now.Wall,
	}
	if c.x.inExec || c.client.isOpen() {
		e.context = "multi"
	}
	c.server.Clients.change(func() { e.client = c.describe(c.client) })
	l.mu.Lock()
	defer l.mu.Unlock()
	if i := slices.IndexFunc(l.entries, e.isLike); i >= 0 {
		e.count, e.id, e.created = l.entries[i].count+1, l.entries[i].id, l.entries[i].created
		l.entries = slices.Delete(l.entries, i, i+1)
	} else {
		e.id = l.last
		l.last++
	}
	l.entries = slices.Insert(l.entries, 0, e)
	l.entries = l.entries[:min(len(l.entries), most)]
}

func clipText(text string) string { return text[:min(len(text), objectBytes)] }

// isLike reports whether two refusals are one entry: the same kind, within sameAccess.
func (e accessEntry) isLike(o accessEntry) bool {
	return e.reason == o.reason && e.context == o.context && e.object == o.object && e.userName == o.userName && e.updated-o.updated <= sameAccess
}

func (l *accessLog) reset() {
	l.mu.Lock()
	l.entries = nil
	l.mu.Unlock()
}

func (l *accessLog) resetCounts() {
	l.auth.Store(0)
	l.command.Store(0)
	l.key.Store(0)
}

// newest returns the newest n entries.
func (l *accessLog) newest(n int) []accessEntry {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.entries[:min(len(l.entries), n)])
}

// aclLog is ACL LOG [count | RESET].
func aclLog(c *call) {
	l := &c.server.accessLog
	n := int64(10)
	if len(c.args) > 2 {
		if is(c.args[2], "reset") {
			l.reset()
			c.ok()
			return
		}
		var ok bool
		if n, ok = resp.ParseInt(c.args[2]); !ok {
			c.fail(errNotInteger)
			return
		}
	}
	entries := l.newest(int(min(max(n, 0), 1<<20)))
	c.array(len(entries))
	for _, e := range entries {
		c.pairs(10)
		c.bulk("count")
		c.integer(e.count)
		for _, field := range [][2]string{
			{"reason", e.reason}, {"context", e.context}, {"object", e.object}, {"username", e.userName},
			{"age-seconds", strconv.FormatFloat(float64(max(0, c.now.Wall-e.created))/1000, 'f', -1, 64)}, {"client-info", e.client[:max(0, len(e.client)-1)]},
		} {
			c.bulk(field[0])
			c.bulk(field[1])
		}
		for _, field := range []struct {
			name  string
			value int64
		}{{"entry-id", e.id}, {"timestamp-created", e.created}, {"timestamp-last-updated", e.updated}} {
			c.bulk(field.name)
			c.integer(field.value)
		}
	}
}
