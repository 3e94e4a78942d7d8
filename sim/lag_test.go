package sim

import (
	"slices"
	"time"

	"github.com/quotadb/quota-db/replica"
)

// span is the time between two moments, in Moment.Mono.
type span struct{ from, to int64 }

// checkLag checks the lag of peers that a node shows. No history would find a wrong lag, since clients do not read it.
// The age of the oldest unacknowledged change must be that of the first unacknowledged round; a round is taken at some
// moment between two ticks.
func (p *process) checkLag() {
	now := p.now()
	st := p.machine.Status(now)
	for uint64(len(p.rounds)) < st.Round {
		p.rounds = append(p.rounds, span{p.looked, now.Mono})
	}
	p.looked = now.Mono
	for i := range st.Peers {
		q := &st.Peers[i]
		first := st.Round - q.BehindRounds + 1 // the first round that the peer lacks: it never goes back
		if first < p.lacks[q.Node] {
			p.host.world.fail("host %d: node %d lacks rounds from %d on; it lacked rounds from %d on before", p.host.index, q.Node, first, p.lacks[q.Node])
		}
		if p.lacks == nil {
			p.lacks = map[uint16]uint64{}
		}
		p.lacks[q.Node] = first
		if p.isByTurns(q) {
			continue
		}
		switch {
		case q.BehindKeys == 0 && (q.Behind != 0 || q.BehindRounds != 0):
			p.host.world.fail("host %d: node %d lacks nothing and is %v and %d rounds behind", p.host.index, q.Node, q.Behind, q.BehindRounds)
		case q.BehindKeys > 0 && (q.BehindRounds == 0 || q.BehindRounds > st.Round):
			p.host.world.fail("host %d: node %d lacks %d keys, and %d rounds of %d", p.host.index, q.Node, q.BehindKeys, q.BehindRounds, st.Round)
		case q.BehindKeys > 0:
			first := p.rounds[st.Round-q.BehindRounds]
			if least, most := time.Duration(now.Mono-first.to), time.Duration(now.Mono-first.from); q.Behind < least || q.Behind > most {
				p.host.world.fail("host %d: node %d is %v behind; the first round that it lacks is from %v to %v old", p.host.index, q.Node, q.Behind, least, most)
			}
		}
		if least := st.Round - p.mergedBy(q, st.Round); q.BehindRounds < least {
			p.host.world.fail("host %d: node %d is %d rounds behind; it lacks %d", p.host.index, q.Node, q.BehindRounds, least)
		}
		if q.Progress < 0 || q.Progress > 1 {
			p.host.world.fail("host %d: a comparison with node %d has come to %v of 1", p.host.index, q.Node, q.Progress)
		}
	}
}

// mergedBy is the last round of this process that the peer has merged, by the word of the peer itself. It is round if
// the peer's process does not run, or has merged none: rounds from before the two have met do not count as lag.
func (p *process) mergedBy(q *replica.PeerStatus, round uint64) uint64 {
	for _, h := range p.host.world.hosts {
		if h.process == nil || h.id != q.Node || h.process.run != q.Run {
			continue
		}
		for _, own := range h.process.machine.Peers(h.process.now()) {
			if own.Node == p.host.id && own.Run == p.run && own.Received > 0 {
				return own.Received
			}
		}
	}
	return round
}

// isByTurns reports whether two processes with one peer's id were connected in turns. Then some changes that one of
// them has count as missing at the other.
func (p *process) isByTurns(q *replica.PeerStatus) bool {
	if p.runs == nil {
		p.runs = map[uint16][]uint64{}
	}
	runs := p.runs[q.Node]
	if len(runs) == 0 || runs[len(runs)-1] != q.Run {
		runs = append(runs, q.Run)
		p.runs[q.Node] = runs
	}
	return hasTwice(runs)
}

func hasTwice(runs []uint64) bool {
	for i, run := range runs {
		if slices.Contains(runs[:i], run) {
			return true
		}
	}
	return false
}
