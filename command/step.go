package command

// step runs one command that must be looked at by itself: it may have to wait for CLIENT PAUSE, be queued for EXEC, be
// shown to MONITOR, or have no reply. batch has this one command.
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
		// The end of a pause rouses the clients that wait. This client did not wait before waitUntil, so the pause may
		// have ended without rousing it.
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
		client.muted = false // runGroup does not look at muted
		client.attend()
	}
}

// show shows the command that runs next to the clients of MONITOR. The command holds the locks of its shards. Another
// command on these shards runs, and is shown, before or after it. So the lines have an order in which the commands
// could have run one after the other.
func (x *Executor) show() {
	if x.call.row.flags&(unseen|admin) == 0 {
		x.server.monitors.feed(&x.call)
	}
}

// replyMode is the mode of CLIENT REPLY.
type replyMode uint8

const (
	replyAll  replyMode = iota
	replySkip           // no reply to the next command
	replyOff
)

// mute decides whether the reply to the next command is dropped.
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
