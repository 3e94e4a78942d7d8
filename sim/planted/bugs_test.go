package planted

// bug is a fault to plant: in a file, the text old, which must occur exactly once, is replaced by new. If two rules
// prevent the same history, a bug replaces two texts: old, new and file are then two texts each, joined by and.
type bug struct {
	name     string // the wrong behaviour
	file     string
	old, new string
}

const and = "\x00"

// byNodeOnly is planted as well in bugs about a peer that has begun a new life and must not confirm.
const (
	byLife     = "!slices.Contains(confirmed, w)"
	byNodeOnly = "!slices.ContainsFunc(confirmed, func(o Witness) bool { return o.Node == w.Node })"
)

// bugs are faults that were made, or nearly made. The history that each brings back is described at the rule that it
// breaks: in docs/design, and in the comments of the code.
var bugs = []bug{
	// What a delta is.
	{
		"a row goes without the floors of others", "engine/unsent.go",
		"} else if row.FP|row.FN != 0 {\n\t\t\treturn\n\t\t}", "}",
	},
	{
		"a deadline goes without what it is for", "engine/unsent.go",
		"if !whole && e.Deadline.At == 0 {", "if !whole {",
	},
	{
		"a row goes without its floors", "engine/unsent.go",
		"if s.lives.owns(row.Writer) {", "if s.lives.owns(row.Writer) {\n\t\t\trow.FP, row.FN = 0, 0",
	},
	{
		"a SET that loses has removed nothing", "crdt/merge.go",
		"	m.joinRows(e, remote.Rows)",
		"	if e.Base.compare(&remote.Base) > 0 {\n\t\tfor i := range remote.Rows {\n\t\t\tremote.Rows[i].FP, remote.Rows[i].FN = 0, 0\n\t\t}\n\t}\n\tm.joinRows(e, remote.Rows)",
	},
	{
		"rows are added where they are merged", "crdt/merge.go",
		"l.P, l.N, l.FP, l.FN = max(l.P, r.P), max(l.N, r.N), max(l.FP, r.FP), max(l.FN, r.FN)",
		"if r.P > l.P && l.P > l.FP {\n\t\t\tl.P += r.P\n\t\t}\n\t\tl.P, l.N, l.FP, l.FN = max(l.P, r.P), max(l.N, r.N), max(l.FP, r.FP), max(l.FN, r.FN)",
	},
	{
		"what is not visible is deleted", "engine/tx.go",
		"if !existed && s.db.replicated {", "if false {",
	},
	{
		"a write comes before what its node had merged", "engine/merge.go",
		"s.clock.Observe(d.Latest())", "",
	},

	// Numbers.
	{
		"a row that was reset counts from zero", "engine/lives.go",
		"r.P, r.N, r.FP, r.FN = high, high, high, high", "r.P, r.N, r.FP, r.FN = 0, 0, 0, 0",
	},
	{
		"rows of old lives are folded into the new one", "engine/loader.go",
		"	s.store(k, &draft{", `	for i := range e.Rows {
		old := e.Rows[i]
		if old.Writer == primary || old.AtFloor() || db.Writers(0)[old.Writer].Node != db.node {
			continue
		}
		e.Rows[i].FP, e.Rows[i].FN = old.P, old.N
		own := ownRow(e, primary, 0)
		own.P, own.N = own.P+old.P-old.FP, own.N+old.N-old.FN
		told = toAll
	}
	s.store(k, &draft{`,
	},

	// Expiry.
	{
		"what ended a window is not asked of a deadline that was replaced, by an expiry", "crdt/merge.go",
		"if reset && other.expiryBase() {", "if false {",
	},
	{
		"nor by a later reset", "crdt/merge.go",
		"if e.Expired(now) && (reset || other.Deadline.Stamp.isHalf() || e.Base.Kind == None && other.Deadline.Stamp.isOfReset()) {", "if false {",
	},
	{
		"a window that ended joins what was made after it", "crdt/merge.go",
		"return other.Since >= e.Deadline.At || reset && other.Base.Stamp.Millis() >= e.Deadline.At", "return false",
	},
	{
		"nobody notes when a key was made", "engine/draft.go",
		"d.Begin(now.Wall)", "d.Begin(0)",
	},
	{
		"a consequence has the stamp of its cause", "crdt/stamp.go",
		"return Stamp{s.Time | halfBit, s.Node}", "return s",
	},
	{
		"a closing stands at the deadline: a SET KEEPTTL later than that is immortal", "crdt/entry.go",
		"	e.Delete(e.Base.Stamp.Later(e.Deadline.Stamp).Half())",
		"	base := e.Base\n\te.Delete(e.Deadline.Stamp.Half())\n\tif e.Base.Stamp.Less(base.Stamp) {\n\t\te.Base = base\n\t}",
	},
	{
		"a closing is a write of now", "engine/draft.go",
		"		e.Close()\n\tcase e.Quota.Transient",
		"		e.Close()\n\t\te.Base.Stamp = s.clock.Next(now.Wall, s.db.node)\n\t\te.Deadline.Stamp = e.Base.Stamp\n\tcase e.Quota.Transient",
	},
	{
		"a sweep closes", "engine/wheel.go",
		"if s.db.replicated && rec.expired(now.Wall) {", "if false {",
	},
	{
		"a leftover deadline ends what is made after it", "crdt/entry.go",
		"	if e.Deadline.At != 0 {\n\t\te.Deadline = Deadline{Stamp: e.Deadline.Stamp.Half()}\n\t}\n\te.Since =", "	e.Since =",
	},

	// Rounds.
	{
		"a merge takes the mark of a change that is unsent", "engine/shard.go",
		"h |= old.header() & (unwritten | unsent | stale)", "h |= old.header() & (unwritten | stale)",
	},
	{
		"rounds beyond the window are dropped", "replica/peer.go",
		"	for _, r := range p.queue {\n\t\tp.miss(r.number, r.hashes, r.origin())\n\t}", "",
	},
	{
		"rounds for a peer that is away are dropped", "replica/peer.go",
		"		p.miss(r.number, r.hashes, r.origin())\n\t\treturn", "		return",
	},
	{
		"a round counts as passed when a part of what was missed is sent", "replica/peer.go",
		"	if len(p.catching) == 0 {\n\t\tnumber = p.caught\n\t}", "	number = p.caught",
	},
	{
		"what was on its way when a connection ended is not sent again", "replica/peer.go",
		"if s.through > received {", "if false {",
	},
	{
		"what waited when a connection ended is forgotten", "replica/peer.go",
		"	for _, r := range p.queue {\n\t\tp.sent = append(p.sent, sending{through: r.number, hashes: r.hashes, origin: r.origin()})\n\t}", "",
	},
	{
		"what was about to be sent again when a connection ended is forgotten", "replica/peer.go",
		"		p.sent = append(p.sent, sending{through: p.caught, hashes: p.catching, origin: p.lagging})\n", "",
	},
	{
		"positions outlive a run", "replica/peer.go",
		"p.received, p.points, p.stable = 0, nil, 0", "p.points = nil",
	},

	// Comparing.
	{
		"repairs leave out the rows of others", "replica/task.go",
		"DB.AppendState(d, t.hashes[n], true)", "DB.AppendState(d, t.hashes[n], false)",
	},
	{
		"empty nodes are not given the rows of others", "engine/unsent.go",
		"s.addState(d, rec, hash, true)", "s.addState(d, rec, hash, false)",
	},

	{
		"FLUSHALL in slices tells no peer", "engine/flush.go",
		"			tx.Delete(Key{*name, hash})", "			wanted := s.changes.wanted\n\t\t\ts.changes.wanted &= toDisk\n\t\t\ttx.Delete(Key{*name, hash})\n\t\t\ts.changes.wanted = wanted",
	},

	// Sums of digests, and merges in place.
	{
		"a merge in place forgets the difference that it makes to a sum", "engine/rise.go",
		"	s.sums.add(hash, digest)\n", "	_ = digest\n",
	},
	{
		"an increment forgets that a sum has the number before it", "engine/tx.go",
		"		s.changing(rec, k.Hash)\n", "",
	},
	{
		"a key that expires stays in a sum", "engine/wheel.go",
		"	s.hiding(rec)\n", "",
	},
	{
		"a merge in place takes a number that is not larger", "engine/rise.go",
		"P: max(l.P, r.P),", "P: r.P,",
	},
	{
		"a merge in place is not written", "engine/merge.go",
		"				s.markFor(rec, k.Hash, s.changes.wanted&toDisk)\n", "",
	},

	// Disk and lives.
	{
		"what peers have sent is not written", "engine/merge.go",
		"told := toDisk", "told := toNobody",
	},
	{
		"a life goes on though no peer was asked", "lives/decide.go",
		"if clustered && (s.Confirm == nil || !s.Confirm(before)) {", "if false {",
	},
	{
		"a life goes on after a crash", "lives/decide.go",
		"case clustered && !dir.StoppedClean():", "case false:",
	},
	{
		"a peer does not note which run goes on", "lives/claims.go",
		"	if err := c.put(claim{node, life, run}); err != nil {\n\t\treturn 0, err\n\t}\n\treturn c.own, nil", "	return c.own, nil",
	},
	{
		"a peer with an older disk confirms a life by it", "lives/claims.go",
		"	if !goesOn && len(c.table) > 0 {" + and + byLife, "	if false {" + and + byNodeOnly,
	},
	{
		"a peer confirms a life before it knows whether its own goes on", "lives/decide.go",
		"why = whyNew(dir, before, s)", "_ = s.Claims.Decide(before.Life, true)\n\twhy = whyNew(dir, before, s)",
	},
	{
		"a peer confirms a life that it does not know", "lives/claims.go",
		"	case at < 0:\n\t\treturn 0, nil" + and + byLife, "	case at < 0:\n\t\treturn c.own, nil" + and + byNodeOnly,
	},
	{
		"a peer confirms a life that has gone on elsewhere", "lives/claims.go",
		"	case c.table[at].run != before:\n\t\treturn 0, nil\n", "",
	},
	{
		"a life goes on without a peer that was known", "lives/claims.go",
		byLife, "w.Node == 0",
	},
	{
		"a peer confirms a life by another life of its own", "lives/claims.go",
		byLife, byNodeOnly,
	},

	// Quotas.
	{
		"tokens are written of a quota that has ended, and a start refuses them", "engine/changes.go" + and + "engine/loader.go",
		"		if rec.isQuota() {" + and + "if l.entry.Quota == (crdt.Quota{}) {", "		if rec.header()&hasQuota != 0 {" + and + "if true {",
	},
	{
		"a smaller limit forgets what is used beyond it", "quota/change.go",
		"	used.whole -= to.Capacity\n\t*b = to.owing(used, PaceOf(faster(owed, to)), now)", "	_ = owed\n\t*b = at(now, to.earn(to.Capacity))",
	},
	{
		"the end of a quota is lost under a transient one", "crdt/entry.go",
		"	case q.Stamp.isHalf():\n\t\treturn Quota{Stamp: q.Stamp}\n", "",
	},
	{
		"the end of a quota is not sent", "engine/unsent.go",
		"	e.Quota = e.Quota.Shared()", "	if e.Quota = e.Quota.Shared(); e.Quota.Capacity == 0 {\n\t\te.Quota = crdt.Quota{}\n\t}",
	},
	{
		"a peer's quota fills the bucket of a transient one", "engine/merge.go",
		"	case before.Capacity == 0:", "	case before.Capacity == 0 || before.Transient:",
	},
	{
		"a crash forgets what was given under another limit", "engine/tokens.go",
		"	if t.varies {\n\t\tt.Owe", "	if false {\n\t\tt.Owe",
	},
	{
		"a take beyond the reserve waits for nothing", "engine/tokens.go",
		"		rec.put64(off+quotaSpent, spent+n)\n\t\treturn\n\t}\n\ttx.unsafe = true", "		rec.put64(off+quotaSpent, spent+n)\n\t\treturn\n\t}",
	},
	{
		"a quota that is made waits for nothing", "engine/tokens.go",
		"		*t = s.fresh()\n\t\treturn true" + and + "	case t.bound-t.spent >= n:", "		*t = s.fresh()\n\t\treturn false" + and + "	case true:",
	},

	// Quotas of the whole cluster.
	{
		"each node has the whole of a quota", "shares/part.go",
		"	if p.Table == nil {\n\t\treturn whole", "	if true {\n\t\treturn whole",
	},
	{
		"a part that is withheld is used", "shares/part.go" + and + "engine/quota_part.go",
		"return p.State == Whole || p.State == InForce" + and + "	if db.part.Load().State != shares.InForce {", "return true" + and + "	if false {",
	},

	// Others.
	{
		"a window with a SET KEEPTTL in it ends itself", "crdt/merge.go",
		"at.Less(other.Base.Stamp) && other.Base.Stamp != e.Base.Stamp", "at.Less(other.Base.Stamp)",
	},
	{
		"SET KEEPTTL clears the deadline", "engine/tx.go",
		"	if !keepDeadline {\n\t\td.Deadline =", "	if true {\n\t\td.Deadline =",
	},
	{
		"an expiry is a write of the next tick", "crdt/stamp.go",
		"return Stamp{s.Time | halfBit, s.Node}", "return Stamp{s.Time + tickStep, s.Node}",
	},
	{
		"what is hidden here stays in sight elsewhere", "replica/session.go",
		"if hidden && done.Ahead && lacking != nil {", "if hidden && done.Ahead && lacking != nil && k.Hash == 1 {",
	},
	{
		"an increment does not see that its key has expired", "engine/inplace.go",
		"if h&hasDeadline != 0 && r.expired(now) {", "if false {",
	},
	{
		"FLUSHALL forgets instead of deleting", "engine/flush.go",
		"	if a.db.replicated {\n\t\ta.deleteAll()\n\t\treturn\n\t}", "",
	},
	{
		"remains are dropped", "engine/shard.go",
		"	if !s.db.replicated {\n\t\ts.trim(e)\n\t}", "	s.trim(e)",
	},
	{
		"a peer is behind since the last change that it missed", "replica/peer.go",
		"if p.missed.len() == 0 || oldest.round < p.since.round {", "if true {",
	},
	{
		"a peer is behind since the first change that it ever missed", "replica/peer.go",
		"if p.missed.len() == 0 || oldest.round < p.since.round {", "if p.since.at == 0 || oldest.round < p.since.round {",
	},
	{
		"what differed at one comparison is left out of the next, however it differs then", "replica/apart.go",
		"futile := same && now.Mono < last.next", "futile := known",
	},
	{
		"nodes that have compared once never do again", "replica/exchange.go",
		"s.nextExchange = now.Mono + int64(m.Interval)", "s.nextExchange = 1 << 62",
	},
	{
		"a start does not hear of the stamps on its disk", "engine/loader.go",
		"if s.clock.Observe(e.Latest()); e.Expired", "if e.Expired",
	},
	{
		"a peer with an older disk refuses a life for ever", "lives/claims.go",
		"c.table[at].run == 0 || !slices.Contains(s.Earlier[:], c.table[at].run)", "s.Life != 0",
	},
}
