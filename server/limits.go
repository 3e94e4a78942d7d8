package server

import (
	"time"

	"github.com/quotadb/quota-db/command"
	"github.com/quotadb/quota-db/params"
)

// keepAliveSeconds is the tcp-keepalive that listeners set; another value is set for each connection. keepAliveProbes
// is how many probes a host may leave unanswered before it counts as gone.
const (
	keepAliveSeconds = params.DefaultKeepAlive
	keepAliveProbes  = 3
)

// Sizes of work that is done at once.
const (
	// batchCommands is how many pipelined commands the executor gets together: enough for the cache misses of their
	// keys to overlap.
	batchCommands = 128
	// batchArgs is how many arguments end a batch; the command that reaches the number still belongs to the batch.
	batchArgs = 4096
	// flushBytes is how many bytes of replies are collected before they are written.
	flushBytes = command.ReplyBytes
	// keptReplyBytes is the largest reply buffer that a loop keeps for the next client.
	keptReplyBytes = 2 * flushBytes
	// readAhead is how many bytes of input are held for a client whose commands wait. With more, no further input is
	// read.
	readAhead = 64 << 10
	// shedAtOnce is how many clients are closed before a pause of shedPause, when clients hold too much: no loop must
	// be busy with closing for long.
	shedAtOnce = 16
	// drainChunk is how many bytes are read at once from a connection at shutdown.
	drainChunk = 64 << 10
)

// refusedAtOnce is how many refused clients may be reading why, at one time, for refuseTimeout each. Each of them has
// an open file, out of those that package node reserves.
const refusedAtOnce = 16

// Intervals.
const (
	tendInterval  = time.Second           // between two looks for idle clients
	acceptBackoff = 50 * time.Millisecond // after a failed accept, for example without free file descriptors
	refuseTimeout = time.Second           // for a refused client to read why
	endSeconds    = 10                    // for a client to take some of its last replies, for example after QUIT
	shedPause     = 200 * time.Microsecond
	endedSeconds  = 60 // for a client that has half-closed to get the replies it waits for
	activeSeconds = 2  // a client that has sent something within this time may be sending now
)

// limits bound how many bytes clients can make the server hold. Tests use smaller ones.
type limits struct {
	// softOutput is how many bytes of replies may wait for a client before its further commands wait too.
	softOutput int
	// hardOutput is how many bytes of replies may wait for a client at all. A client whose commands make more at once
	// is disconnected.
	hardOutput int
	// unread and unsent are how many bytes of input and of replies may be held for all clients together: see
	// budgets.go. The bounds of one client are resp.Limits and hardOutput.
	unread, unsent int64
	// strangers is the same for all clients together that have not logged in: for input, and again for replies.
	strangers int64
}

func defaultLimits() limits {
	return limits{softOutput: 1 << 20, hardOutput: 1 << 30, unread: 1 << 30, unsent: 1 << 30, strangers: 64 << 20}
}
