package command

import (
	"errors"

	"github.com/quotadb/quota-db/resp"
)

// Errors of Executor.Call: the command did not run.
var (
	// ErrNeedsConnection is for a command that changes the state of its connection: AUTH, HELLO, MULTI, MONITOR, CLIENT
	// REPLY.
	ErrNeedsConnection = errors.New("the command belongs to a connection")
	// ErrAnswersLate is for a command whose reply comes after its handler has returned, such as SAVE. Such a command
	// cannot stand in MULTI either.
	ErrAnswersLate = errors.New("the command answers later than it runs")
	// ErrNoReply is for a client that has to wait (Paused) or that ends (Bye).
	ErrNoReply = errors.New("the command has no reply: its client has to wait, or ends")
)

// Call runs one command for a caller inside the server, and returns the reply as a value. An error reply is a Value
// too. args has at least one word; the caller may use its memory again afterwards.
//
// The command runs as it would for the client: the user's rights, maxmemory, MONITOR, CLIENT PAUSE and the figures of
// INFO all apply. Two kinds of commands cannot be called: see ErrNeedsConnection and ErrAnswersLate. No other command
// waits. As in MULTI, KEYS and FLUSHALL do all their work at once, and WAITAOF replies with the present state.
//
// The turn is as that of Run. The value may be shown to others when Turn.Hold is fulfilled. With ErrNoReply, Turn.Next
// gives the reason. The client may be one without a connection, made by Server.Connect. A handler must not use Call of
// the executor that runs it, because the executor has only one call.
func (x *Executor) Call(c *Client, args [][]byte) (resp.Value, Turn, error) {
	if p := x.resolve(args); p.problem == none {
		switch flags := p.row.flags; {
		case flags&connectionOnly != 0:
			return resp.Value{}, Turn{}, ErrNeedsConnection
		case flags&(noMulti|takesLong) != 0:
			return resp.Value{}, Turn{}, ErrAnswersLate
		}
	}
	var t tape
	x.call.tape = &t
	defer func() { x.call.tape = nil }()
	_, turn := x.Run(c, [][][]byte{args}, nil)
	if len(t.values) == 0 {
		return resp.Value{}, turn, ErrNoReply
	}
	return t.take(), turn, nil
}

// nothingWaits reports whether the command must reply before its handler returns: within a transaction, and in a call
// from inside the server.
func (c *call) nothingWaits() bool { return c.x.inExec || c.tape != nil }
