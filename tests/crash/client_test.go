package crash

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/quotadb/quota-db/tests/internal/wire"
)

const (
	// sharedCounters are written by all clients.
	sharedCounters = 4
	// maxPipeline is the number of steps that are sent before their replies are read.
	maxPipeline = 40
)

func sharedKey(i int) string { return fmt.Sprintf("shared:%d", i) }

// unit is keys that one client owns, and what happened to them in this life.
type unit struct {
	kind *kind
	history
}

// client writes over one connection at a time, one life after the other.
type client struct {
	rng       *rand.Rand
	hasQuotas bool
	units     []*unit
	// wheel has the index of each unit as often as it is to be chosen.
	wheel []int
	// shared is what was added to each shared counter in this life.
	shared [sharedCounters][]addition
	// tokens are what it was given from each limit in this life.
	tokens [][]token
	// flushed is when FLUSHALL was acknowledged, before all else in this life; zero: there was none.
	flushed time.Time
}

// newClient makes a client with units of every kind. A server that does not repair torn ends of its log sometimes keeps
// half a transaction, so it gets no transactions.
func newClient(id int, s system) *client {
	c := &client{hasQuotas: s.hasQuotas, tokens: make([][]token, len(limits))}
	for i := range kinds {
		k := &kinds[i]
		if k.name == "together" && !s.mendsTails || k.quotas && !s.hasQuotas {
			continue
		}
		for n := range k.units {
			u := &unit{kind: k}
			for part := range k.keys {
				u.keys = append(u.keys, fmt.Sprintf("%s:%d:%d:%d", k.name, id, n, part))
			}
			u.steps = []step{{command: "(nothing yet)", after: make([]count, k.keys)}}
			for range k.hot {
				c.wheel = append(c.wheel, len(c.units))
			}
			c.units = append(c.units, u)
		}
	}
	return c
}

// sent is a step that waits for its reply.
type sent struct {
	command string
	replies int    // only the last one is checked
	want    string // empty: any reply except an error
	ack     func(time.Time, wire.Value)
}

// work sends steps until the connection ends, and calls acked after it has noted a reply. It returns the reason of the
// end: an error of the connection, or a wrong reply.
func (c *client) work(conn *wire.Conn, acked func()) (broken, wrong error) {
	for {
		n := 1
		if c.rng.IntN(2) == 0 {
			n = 1 + c.rng.IntN(maxPipeline)
		}
		var raw []byte
		batch := make([]sent, 0, n)
		for range n {
			var s sent
			if raw, s = c.step(raw); s.ack != nil {
				batch = append(batch, s)
			}
		}
		if err := conn.Send(raw); err != nil {
			return err, nil
		}
		for _, s := range batch {
			if broken, wrong = s.receive(conn); broken != nil || wrong != nil {
				return broken, wrong
			}
			acked()
		}
	}
}

// step appends a step's commands, and notes it as sent.
func (c *client) step(raw []byte) ([]byte, sent) {
	if c.rng.IntN(8) == 0 {
		return c.addShared(raw)
	}
	if c.hasQuotas && c.rng.IntN(20) == 0 {
		return c.addLimited(raw)
	}
	u := c.units[c.wheel[c.rng.IntN(len(c.wheel))]]
	m, ok := u.kind.next(c.rng, u.keys, u.steps[len(u.steps)-1])
	if !ok {
		return raw, sent{}
	}
	for _, words := range m.commands {
		raw = wire.AppendCommand(raw, words...)
	}
	at := len(u.steps)
	command := fmt.Sprint(m.commands)
	u.steps = append(u.steps, step{command: command, sent: time.Now(), after: m.after})
	return raw, sent{command, len(m.commands), m.reply, func(now time.Time, _ wire.Value) { u.steps[at].acked = now }}
}

func (c *client) addShared(raw []byte) ([]byte, sent) {
	i, by := c.rng.IntN(sharedCounters), 1+c.rng.Int64N(maxAmount)
	at := len(c.shared[i])
	c.shared[i] = append(c.shared[i], addition{by: by})
	raw = wire.AppendCommand(raw, "INCRBY", sharedKey(i), strconv.FormatInt(by, 10))
	return raw, sent{"INCRBY " + sharedKey(i), 1, "", func(now time.Time, _ wire.Value) { c.shared[i][at].acked = now }}
}

// receive reads the replies of a step and notes when the last one came.
func (s sent) receive(conn *wire.Conn) (broken, wrong error) {
	for i := range s.replies {
		v, err := conn.Receive()
		if err != nil {
			return err, nil
		}
		if i < s.replies-1 {
			continue
		}
		s.ack(time.Now(), v)
		if s.want != "" && v.String() != s.want || v.IsError() {
			return nil, fmt.Errorf("%s: answered %s, not %s", s.command, v, s.want)
		}
	}
	return nil, nil
}
