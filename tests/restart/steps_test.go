package restart

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"
)

// step is one thing that happens in a world. Besides node and conn, exactly one of its fields is set.
type step struct {
	node int // whose
	conn int // of the node, for a command

	args  []string      // a command
	bulk  int           // count on so many counters
	pause time.Duration // let time pass
	copy  bool          // make a backup of the running node, and check it
	end   *end          // end the life
}

// end is how a life ends, and the next one begins.
type end struct {
	how    []ending // by node
	apart  bool     // do not wait until the nodes are equal before they end; then their contents are not compared
	starts []start  // of the nodes that have ended
}

type ending string

const (
	runs ending = "runs on"
	term ending = "SIGTERM"
	down ending = "SHUTDOWN"
	kill ending = "SIGKILL"
)

// start is how a node runs.
type start struct {
	shards     int
	durability string
	from       origin
}

// origin is the directory with which a node continues.
type origin string

const (
	itself  origin = "its directory"
	backup  origin = "a backup of it"
	salvage origin = "what was salvaged of it"
)

// plan is a whole world.
type plan struct {
	seed  uint64
	nodes int
	lost  bool // the only node has a peer that never runs
	first []start
	steps []step
}

const lives = 3

// makePlan makes the world of a number. writes are the templates of commands that write.
func makePlan(seed uint64, nodes int, writes []string) *plan {
	random := rand.New(rand.NewPCG(seed, uint64(nodes)))
	p := &plan{seed: seed, nodes: nodes, lost: nodes == 1 && random.IntN(3) == 0}
	few := random.IntN(8) == 0 // few shards for many keys, so that their index has pages
	for range nodes {
		p.first = append(p.first, newStart(random, few))
	}
	for range lives {
		p.live(random, writes, few)
		p.steps = append(p.steps, step{end: p.newEnd(random, few)})
	}
	return p
}

func newStart(random *rand.Rand, few bool) start {
	s := start{shards: 1 + random.IntN(64), durability: []string{"interval", "always", "none"}[random.IntN(3)], from: itself}
	if few {
		s.shards = 1 + random.IntN(6)
	}
	if random.IntN(6) == 0 {
		s.from = []origin{backup, salvage}[random.IntN(2)]
	}
	return s
}

func (p *plan) newEnd(random *rand.Rand, few bool) *end {
	e := &end{apart: p.nodes > 1 && random.IntN(6) == 0}
	all, alone := random.IntN(2) == 0, random.IntN(p.nodes)
	for n := range p.nodes {
		how := runs
		if all || n == alone {
			how = []ending{term, down, kill, kill}[random.IntN(4)]
		}
		e.how = append(e.how, how)
		e.starts = append(e.starts, newStart(random, few))
	}
	return e
}

// live adds what happens in a life.
func (p *plan) live(random *rand.Rand, writes []string, few bool) {
	if few {
		p.many(random)
	}
	if random.IntN(4) == 0 {
		p.again(random)
	}
	commands := 5 + random.IntN(60)
	if random.IntN(2) == 0 {
		// few commands: most of what the earlier life has left stays, and the start after this one must still know it
		commands = random.IntN(5)
	}
	for range commands {
		s := step{node: random.IntN(p.nodes), conn: random.IntN(2)}
		switch n := random.IntN(100); {
		case n < 6:
			s.pause = time.Duration(10+random.IntN(300)) * time.Millisecond
		case n < 7:
			s.copy = true
		case n < 15:
			p.transaction(random, s, writes)
			continue
		case n < 30:
			s.args = fill(random, templates[random.IntN(len(templates))])
		default:
			s.args = fill(random, writes[random.IntN(len(writes))])
		}
		if s.args != nil && (s.args[0] == "SHUTDOWN" || seldom(s.args) && random.IntN(4) > 0) { // SHUTDOWN ends a life
			continue
		}
		p.steps = append(p.steps, s)
	}
	if random.IntN(8) == 0 {
		p.steps = append(p.steps, step{pause: shortDeadline})
	}
}

// many adds many keys; in most lives after a snapshot of still more keys, which are flushed.
func (p *plan) many(random *rand.Rand) {
	node := random.IntN(p.nodes)
	add := func(s step) {
		if random.IntN(5) > 0 {
			s.node = node
			p.steps = append(p.steps, s)
		}
	}
	add(step{bulk: 2000 * (1 + random.IntN(8))})
	add(step{args: []string{"SAVE"}})
	add(step{args: []string{"FLUSHALL"}})
	add(step{bulk: 500 * (1 + random.IntN(8))})
}

// again adds a key that ends by its deadline, and then another key of the same name.
func (p *plan) again(random *rand.Rand) {
	s := step{node: random.IntN(p.nodes)}
	key := keys[random.IntN(len(keys))]
	for _, words := range [][]string{{"SET <value>", "INCR", "QUOTASET <limit> <window>", "QUOTAINCR <limit> <window>"}, {"PEXPIRE 60"}, {"INCRBY <amount>", "SET <value>", "QUOTASET <limit> <window>"}} {
		template := fill(random, words[random.IntN(len(words))])
		s.args = append([]string{template[0], key}, template[1:]...)
		p.steps = append(p.steps, s, step{pause: time.Duration(10+random.IntN(80)) * time.Millisecond})
	}
}

// transaction adds a transaction, sometimes with watched keys to which another client writes meanwhile.
func (p *plan) transaction(random *rand.Rand, at step, writes []string) {
	add := func(template string) {
		at.args = fill(random, template)
		p.steps = append(p.steps, at)
	}
	if random.IntN(3) == 0 {
		add("WATCH <key> <key>")
		if random.IntN(3) == 0 {
			other := at
			other.conn = 1 - at.conn
			other.args = fill(random, writes[random.IntN(len(writes))])
			p.steps = append(p.steps, other)
		}
	}
	add("MULTI")
	for range random.IntN(6) {
		add(writes[random.IntN(len(writes))])
	}
	if random.IntN(8) == 0 {
		add("DISCARD")
		return
	}
	add("EXEC")
}

// seldom reports whether a command should be rare, since it leaves little to compare.
func seldom(args []string) bool {
	return strings.HasPrefix(args[0], "FLUSH") || args[0] == "CONFIG"
}

func (s step) String() string {
	switch {
	case s.args != nil:
		var b strings.Builder
		fmt.Fprintf(&b, "node %d, client %d:", s.node+1, s.conn)
		for _, a := range s.args {
			if len(a) > 40 {
				a = a[:8] + fmt.Sprintf("... (%d bytes)", len(a))
			}
			fmt.Fprintf(&b, " %q", a)
		}
		return b.String()
	case s.bulk > 0:
		return fmt.Sprintf("node %d: counts %d keys", s.node+1, s.bulk)
	case s.pause > 0:
		return fmt.Sprintf("%v pass", s.pause)
	case s.copy:
		return fmt.Sprintf("node %d: backup", s.node+1)
	}
	text := "the life ends:"
	if s.end.apart {
		text = "the life ends, at once:"
	}
	for n, how := range s.end.how {
		text += fmt.Sprintf(" node %d %s", n+1, how)
		if how != runs {
			text += fmt.Sprintf(" (then from %s, %v)", s.end.starts[n].from, s.end.starts[n])
		}
	}
	return text
}

func (s start) String() string { return fmt.Sprintf("%d shards, %s", s.shards, s.durability) }

// String is the whole world.
func (p *plan) String() string {
	text := fmt.Sprintf("seed %d on %d nodes (a peer that never comes: %v), %v\n", p.seed, p.nodes, p.lost, p.first)
	for _, s := range p.steps {
		text += "  " + s.String() + "\n"
	}
	return text
}
