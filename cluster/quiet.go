package cluster

import (
	"log/slog"
	"strings"
	"sync"
	"time"
)

const (
	repeatAfter = time.Minute // before the same line about the same peer is logged again
	maxRepeats  = 1024        // largest number of remembered lines; beyond it, further lines are not logged
)

// quietLog logs lines that may repeat for long, or that strangers can cause, only once in a while.
type quietLog struct {
	log *slog.Logger

	mu   sync.Mutex // protects said
	said map[string]time.Time
}

func newQuietLog(log *slog.Logger) *quietLog {
	return &quietLog{log: log, said: map[string]time.Time{}}
}

func (q *quietLog) warn(message, peer, reason string) {
	if q.isDue(message+"\x00"+peer+"\x00"+reason, time.Now()) {
		q.log.Warn(message, "peer", peer, "reason", reason)
	}
}

// warnOnce is warn for a reason that the peer has written: another reason does not make another line.
func (q *quietLog) warnOnce(message, peer, reason string) {
	if q.isDue(message+"\x00"+peer, time.Now()) {
		q.log.Warn(message, "peer", peer, "reason", reason)
	}
}

// forget is called when all is well with a peer: lines about it are logged again when they occur again.
func (q *quietLog) forget(peer string) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for line := range q.said {
		if _, rest, _ := strings.Cut(line, "\x00"); rest == peer || strings.HasPrefix(rest, peer+"\x00") {
			delete(q.said, line)
		}
	}
}

func (q *quietLog) isDue(line string, now time.Time) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if last, ok := q.said[line]; ok && now.Sub(last) < repeatAfter {
		return false
	}
	if len(q.said) >= maxRepeats {
		for other, last := range q.said {
			if now.Sub(last) >= repeatAfter {
				delete(q.said, other)
			}
		}
		if len(q.said) >= maxRepeats {
			return false
		}
	}
	q.said[line] = now
	return true
}
