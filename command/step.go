package command

// step runs, queues or holds back one command of a client that is special, or of any client while all are to be looked
// at. The batch has that one command.
func (x *Executor) step(batch [][][]byte) {
	c, client := &x.call, x.call.client
	x.prepare(batch)
	p := x.plan[0]
	x.took = 0
	for p.problem == none {
		until := x.server.pause.holdsUntil(p.row, client, c.now.Mono)
		if until == 0 {
			break
		}
		// The end of a pause rouses the clients that wait. Before waitUntil this client does not wait, so a pause that
		// was stopped just now has not roused it.
		client.waitUntil(until)
		if x.server.pause.end() == until {
			return
		}
		client.endWait()
	}
	start := len(c.out)
	client.mute()
	if p.problem == none && client.isOpen() && p.row.flags&atOnce == 0 {
		x.queue(p.row, batch[0])
		x.took = 1
	} else {
		x.showing = true
		x.execute(batch)
		x.showing = false
	}
	x.ran += x.took
	if client.muted {
		c.out = c.out[:start]
		client.muted = false // it may go on as a plain client, for whom nobody asks
		client.attend()
	}
}

// show tells those who MONITOR of the command that is about to run. It holds its shards: whoever needs one of them runs
// and is shown before or after it, so that the order of lines is one in which the commands could have run, one after
// the other.
func (x *Executor) show() {
	if x.call.row.flags&(unseen|admin) == 0 {
		x.server.monitors.feed(&x.call)
	}
}

// replyMode is what CLIENT REPLY has ordered.
type replyMode uint8

const (
	replyAll  replyMode = iota
	replySkip           // no reply to the next command
	replyOff
)

// mute finds out whether the next command's reply is kept from the client.
func (c *Client) mute() {
	c.muted = c.replies != replyAll
	if c.replies == replySkip {
		c.replies = replyAll
	}
}

// clientReply is CLIENT REPLY. Only ON has a reply.
func clientReply(c *call) {
	switch mode := c.args[2]; {
	case is(mode, "on"):
		c.client.replies, c.client.muted = replyAll, false
		c.ok()
	case is(mode, "off"):
		c.client.replies = replyOff
	case is(mode, "skip"):
		if c.client.replies == replyAll {
			c.client.replies = replySkip
		}
	default:
		c.fail(errSyntax)
	}
	c.client.attend()
}
