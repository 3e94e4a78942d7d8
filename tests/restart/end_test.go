package restart

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"
	"time"

	"github.com/quotadb/quota-db/tests/internal/wire"
)

// end ends some nodes, starts them again, and compares all nodes with what they were.
func (w *world) end(e *end) error {
	if !e.apart {
		if err := w.settle(); err != nil {
			return err
		}
	}
	if err := w.each(func(n *node) error { return n.lookBefore() }); err != nil {
		return err
	}
	if err := w.each(func(n *node) error { return n.finish(e.how[n.id-1]) }); err != nil {
		return err
	}
	if err := w.each(func(n *node) error {
		if n.server != nil {
			return nil
		}
		n.start = e.starts[n.id-1]
		if err := n.goOnFrom(w.binary, n.start.from); err != nil {
			return err
		}
		return n.run(w.binary)
	}); err != nil {
		return err
	}
	if err := w.settle(); err != nil {
		return err
	}
	if e.apart {
		return nil
	}
	return w.each(func(n *node) error { return n.lookAgain(n.peers != "" && w.ending.Before(n.before.from)) })
}

// settle waits until all nodes hold the same, and have their parts of quotas.
func (w *world) settle() error {
	if len(w.nodes) == 1 {
		return nil
	}
	for deadline := time.Now().Add(patience); ; time.Sleep(5 * time.Millisecond) {
		digests := make([]string, len(w.nodes))
		if err := w.each(func(n *node) error {
			c, err := n.fresh()
			if err != nil {
				return err
			}
			if digests[n.id-1], err = digest(c); err != nil {
				return err
			}
			v, err := c.Do("INFO", "quotas")
			if err == nil && !strings.Contains(v.Text, "quota_state:in_force\r\n") {
				digests[n.id-1] = v.Text
			}
			return err
		}); err != nil {
			return err
		}
		same := true
		for _, d := range digests {
			same = same && d == digests[0]
		}
		if same {
			return nil
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("after %v the nodes do not hold the same: %v", patience, digests)
		}
	}
}

// fresh is a connection without a transaction.
func (n *node) fresh() (*wire.Conn, error) {
	n.hangUp()
	return n.client(0)
}

// lookBefore writes down what the node has, and waits until that is safe.
func (n *node) lookBefore() error {
	n.hangUp()
	c, err := n.client(0)
	if err != nil {
		return err
	}
	if n.before, err = look(c); err != nil {
		return err
	}
	v, err := c.Do("WAITAOF", "1", "0", "20000")
	if err == nil && (len(v.Elems) != 2 || v.Elems[0].Text != "1") {
		err = fmt.Errorf("WAITAOF: %v", v)
	}
	return err
}

// finish ends the node.
func (n *node) finish(how ending) error {
	var sig os.Signal
	switch n.hangUp(); how {
	case runs:
		n.clean = true
		return nil
	case term:
		sig = syscall.SIGTERM
	case kill:
		sig = syscall.SIGKILL
	case down:
		c, err := n.client(0)
		if err != nil {
			return err
		}
		if err := c.Send(wire.AppendCommand(nil, "SHUTDOWN")); err != nil {
			return err
		}
		_, _, _ = c.ReceiveOrEnd()
		n.hangUp()
	}
	server := n.server
	n.server, n.clean = nil, how != kill
	code, err := server.Stop(sig)
	if err == nil && how != kill && code != 0 {
		err = fmt.Errorf("%s: exit code %d\n%s", how, code, server.Output())
	}
	return err
}

// goOnFrom makes sure that the directory is sound, and exchanges it for another one.
func (n *node) goOnFrom(binary string, from origin) error {
	if err := tool(binary, "check", n.dir); err != nil || from == itself {
		return err
	}
	n.clean = false
	out := n.dir + ".out"
	var err error
	if from == backup {
		err = tool(binary, "backup", n.dir, out)
	} else {
		err = tool(binary, "check", "--salvage", n.dir, out)
	}
	if err != nil {
		return err
	}
	return errors.Join(tool(binary, "check", out), os.RemoveAll(n.dir), os.Rename(out, n.dir))
}

// lookAgain compares what the node has with what it had; stored: what nobody can see of it, too.
func (n *node) lookAgain(stored bool) error {
	c, err := n.client(0)
	if err != nil {
		return err
	}
	now, err := look(c)
	if err != nil {
		return err
	}
	n.hangUp()
	lost := aReserve
	switch {
	case n.clean:
		lost = nothing
	case n.peers != "" && n.start.from != itself:
		lost = everything
	}
	return now.compare(n.before, lost, stored)
}
