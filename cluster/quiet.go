package cluster

import (
	"log/slog"
	"strings"
	"sync"
	"time"
)

const (
	repeatAfter = time.Minute // a line that says the same of the same peer
	maxRepeats  = 1024        // lines that are remembered; while there are more, others are not logged
)

// quietLog logs what may go on for long, and what others can have happen as often as they like, now and then only.
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

// warnOnce is warn with a reason that the peer has made: other ones are the same line.
func (q *quietLog) warnOnce(message, peer, reason string) {
	if q.isDue(message+"\x00"+peer, time.Now()) {
		q.log.Warn(message, "peer", peer, "reason", reason)
	}
}

// forget has what is said of the peer be said again when it happens again: it is well now.
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
