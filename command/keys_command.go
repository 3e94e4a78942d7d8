package command

import (
	"github.com/quotadb/quota-db/engine"
	"github.com/quotadb/quota-db/resp"
)

const (
	// keysAtOnce: with at most this many keys KEYS runs in the event loop, whose other clients wait; with more it runs
	// in the background, and only its own client waits.
	keysAtOnce = 1 << 14
	// keysPerScan is how many keys KEYS visits in one part of its work.
	keysPerScan = 1024
)

// listKeys is KEYS. A key that is created or deleted meanwhile may be in the list or not.
func listKeys(c *call) {
	l := keyList{all: c.all(), client: c.client}
	l.setPattern(c.args[1])
	if c.nothingWaits() || l.all.Len() <= keysAtOnce {
		l.names = c.x.names[:0]
		l.collect()
		if l.problem != "" {
			c.x.keepNames(l.names)
			c.fail(l.problem)
			return
		}
		c.answerNames(l.names, l.n)
		return
	}
	server, refuse := c.server, c.refuser()
	c.beside(func() ending {
		server.listing.Lock() // one list at a time, because each may take maxReplyBytes
		defer server.listing.Unlock()
		l.collect()
		if l.problem != "" {
			return refuse(l.problem)
		}
		return l.append
	})
}

// keyList is the reply of KEYS while it is made.
type keyList struct {
	filter
	all     engine.All
	client  *Client // the client that waits for the list
	names   []byte  // by appendName
	n       int
	problem string
}

// collect visits all keys, or stops when the client has gone.
func (l *keyList) collect() {
	for cursor := uint64(0); !l.client.killed.Load(); {
		cursor = l.all.Scan(cursor, keysPerScan, func(name []byte, v engine.Value) {
			if l.match(name, v) {
				l.names = appendName(l.names, name)
				l.n++
			}
		})
		switch {
		case l.budget.Exceeded():
			l.problem = errPattern
			return
		case len(l.names) > maxReplyBytes:
			l.names, l.problem = nil, errReplySize
			return
		case cursor == 0:
			return
		}
	}
}

// append appends the list as a reply.
func (l *keyList) append(dst []byte) []byte {
	dst = resp.AppendArray(dst, l.n)
	for names := l.names; len(names) > 0; {
		var name []byte
		name, names = nextName(names)
		dst = resp.AppendBulk(dst, name)
	}
	return dst
}
