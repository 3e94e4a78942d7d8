package server

import (
	"time"

	"github.com/quotadb/quota-db/command"
	"github.com/quotadb/quota-db/params"
)

// keepAliveSeconds is what listeners set; another tcp-keepalive is set by connection. keepAliveProbes is how many signs of
// life are asked for in vain before a host counts as gone.
const (
	keepAliveSeconds = params.DefaultKeepAlive
	keepAliveProbes  = 3
)

// Sizes of the work that is done at once.
const (
	// batchCommands is how many pipelined commands the executor gets together: enough for the cache misses of
	// their keys to overlap.
	batchCommands = 128
	// batchArgs is how many arguments end a batch, with the command that reaches it.
	batchArgs = 4096
	// flushBytes is how many bytes of replies are collected before they are written.
	flushBytes = command.ReplyBytes
	// keptReplyBytes is the largest reply buffer that a loop keeps for the next client.
	keptReplyBytes = 2 * flushBytes
	// readAhead is how many bytes of input a client whose commands wait may have us hold before it is no longer read from.
	readAhead = 64 << 10
	// shedAtOnce is how many clients are closed before a shedPause, when all hold too much: no loop is to be busy with
	// closing for long.
	shedAtOnce = 16
	// drainChunk is how many bytes are read at once from a connection at shutdown.
	drainChunk = 64 << 10
)

// refusedAtOnce is how many clients that are not served are given refuseTimeout to read why, at one time. Each has an open file, of those that node
// keeps from clients.
const refusedAtOnce = 16

// Intervals.
const (
	tendInterval  = time.Second           // between two looks for idle clients
	acceptBackoff = 50 * time.Millisecond // after accepting failed, as when file descriptors run out
	refuseTimeout = time.Second           // for telling a client that it is not served
	endSeconds    = 10                    // for a client to take some of its last replies, as after QUIT
	shedPause     = 200 * time.Microsecond
	endedSeconds  = 60 // for a client that sends no more to have what it waits for
	activeSeconds = 2  // a client that has sent something since may be sending just now
)

// limits bound what clients can make us hold. Tests use smaller ones.
type limits struct {
	// softOutput is how many bytes of replies may wait for a client before its further commands wait too.
	softOutput int
	// hardOutput is how many may wait at all; a client that makes more in one go is disconnected.
	hardOutput int
	// unread and unsent are how many bytes of input and of replies all clients together may have us hold: see budgets.go.
	// One client's own bounds are resp.Limits and hardOutput.
	unread, unsent int64
	// strangers is either for all clients that have not logged in.
	strangers int64
}

func defaultLimits() limits {
	return limits{softOutput: 1 << 20, hardOutput: 1 << 30, unread: 1 << 30, unsent: 1 << 30, strangers: 64 << 20}
}
