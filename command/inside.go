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
	// ErrAnswersLate is for a command whose reply comes later than it runs, such as SAVE. It cannot stand in MULTI
	// either.
	ErrAnswersLate = errors.New("the command answers later than it runs")
	// ErrNoReply is for a client that has to wait (Paused) or that ends (Bye).
	ErrNoReply = errors.New("the command has no reply: its client has to wait, or ends")
)

// Call runs one command for a caller inside the server and returns the reply as a value: a reply that is an error is a
// Value too. The words of the command, of which there is at least one, may be used again afterwards.
//
// The command runs as it would for the client: the user's rights, maxmemory, MONITOR, CLIENT PAUSE and the figures of
// INFO all apply. Two kinds of commands cannot be called, see ErrNeedsConnection and ErrAnswersLate. Nothing else
// waits: as in MULTI, KEYS and FLUSHALL do all their work at once, and WAITAOF answers how things are now.
//
// The turn is as that of Run: the value may be shown to others when what Turn.Hold names has happened, and with
// ErrNoReply Turn.Next says why. The client may be one that no connection has, as Server.Connect makes it. A handler
// must not use Call of the executor that runs it: the call would take the place of its own.
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

// nothingWaits reports whether the command has to answer before its handler returns: within a transaction, and when it
// is called from inside the server.
func (c *call) nothingWaits() bool { return c.x.inExec || c.tape != nil }
