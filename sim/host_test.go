package sim

import (
	"context"
	"fmt"
	"time"

	"github.com/quotadb/quota-db/crdt"
	"github.com/quotadb/quota-db/disk"
	"github.com/quotadb/quota-db/disk/vfs"
	"github.com/quotadb/quota-db/engine"
	"github.com/quotadb/quota-db/internal/history"
	"github.com/quotadb/quota-db/lives"
	"github.com/quotadb/quota-db/persist"
	"github.com/quotadb/quota-db/replica"
	"github.com/quotadb/quota-db/shares"
)

var levels = []persist.Durability{persist.Interval, persist.Interval, persist.Always, persist.None}

// host is a machine: its clock, its disk, and the process that runs on it, if any.
type host struct {
	world   *world
	index   int // number of the host, and of its node in the history
	id      uint16
	level   persist.Durability
	shards  int
	offset  time.Duration // of the clock
	floor   int64         // the clock never goes back below this
	files   *vfs.Memory
	process *process      // nil: down
	claims  *lives.Claims // the process's; set earlier than process, while it starts
	asleep  time.Duration
	left    left // valid after the process has ended
	backups []backup
	old     bool // the disk is a copy
}

// left is the content of a disk after its process has ended.
type left struct {
	holds history.Disk // what the next process finds
	safe  history.Disk // the part of it that survives a power loss
	clean bool         // the process was stopped, not killed
	gave  *ledgers     // tokens that clients got of the quotas on it; nil: an older disk, or none
}

// backup is an earlier content of a disk.
type backup struct {
	files *vfs.Memory
	left
}

// process is a running node.
type process struct {
	host     *host
	run      uint64
	store    *persist.Store
	machine  *replica.Machine
	began    time.Duration
	mono     int64 // when it began
	ticked   time.Duration
	dialed   time.Duration
	groups   []group
	answered history.Mark // the last reply that waited for the disk
	ledgers  *ledgers
	shared   map[string]crdt.Stamp // stamps of the quota registers that peers are sent, at the last look
	rounds   []span                // for each round of the machine: the two looks between which it was taken
	looked   int64
	runs     map[uint16][]uint64 // by peer: its runs, in order
	lacks    map[uint16]uint64   // by peer: the first round that it lacked at the last look
	council  *shares.Council
	desk     *shares.Desk
	old      bool        // started with a copy of a disk
	book     shares.Book // of the council at the start
}

// group: the disk's group contains everything that clients were told up to the mark.
type group struct {
	number uint64
	mark   history.Mark
}

// wall is the host's clock in unix ms.
func (h *host) wall() int64 {
	h.floor = max(h.floor, epoch+int64((h.world.now+h.offset)/time.Millisecond))
	return h.floor
}

func (p *process) now() engine.Moment {
	return engine.Moment{Wall: p.host.wall(), Mono: p.mono + int64(p.host.world.now-p.began) + 1}
}

// start starts a process with the content of the disk.
func (h *host) start(why string) {
	w := h.world
	p := &process{host: h, run: w.random.Uint64() | 1, began: w.now}
	before := uint64(0)
	asked, confirmed := false, false
	w.history.Start(h.index, h.left.holds)
	p.old, h.old = h.old, false
	store, err := h.open(p, func(id disk.Identity) bool {
		before, asked = id.Life, true
		confirmed = w.confirm(h, id, p.run)
		return confirmed
	})
	if err != nil {
		w.t.Fatalf("host %d does not start: %v", h.index, err)
	}
	p.store, h.process, h.left.clean = store, p, false
	p.ledgers, p.shared = h.left.gave.begin(p.mono), map[string]crdt.Stamp{}
	life := store.DB().Writers(0)[0].Life
	if asked && !confirmed {
		w.saw("a life is not confirmed")
	}
	if confirmed {
		if life != before {
			w.fail("host %d was confirmed life %x and counts under %x", h.index, before, life)
		}
		w.saw("a life goes on")
	}
	p.machine = replica.New(replica.Options{Node: h.id, Run: p.run, Life: life, Earlier: store.Earlier(), DB: store.DB(), Disk: store, BatchSize: 1 + w.random.IntN(4), Interval: w.interval(), Window: w.window, Council: p.council, Desk: p.desk, Log: quiet})
	p.machine.Attend(p.missing, func() {})
	if w.clients.quotas != nil {
		w.clients.quotas.common.started()
	}
	w.note("host %d starts as node %d, %s: life %x, run %x, disk %+v, %s", h.index, h.id, why, life, p.run, h.left.holds, h.level)
}

// open opens the disk, as a node does.
func (h *host) open(p *process, confirm func(disk.Identity) bool) (*persist.Store, error) {
	w := h.world
	dir, err := disk.Open(h.files, dataDir)
	if err != nil {
		return nil, err
	}
	clock := dir.Identity().Clock
	h.floor, p.mono = max(h.floor, clock.Wall), clock.Age
	text, err := disk.ReadPeers(h.files, dataDir)
	if err != nil {
		return nil, err
	}
	if h.claims, err = lives.NewClaims(text, func(text []byte) error { return disk.WritePeers(h.files, dataDir, text) }); err != nil {
		return nil, err
	}
	newLife := func() uint64 { return w.random.Uint64() | 1 }
	before := dir.Identity()
	members, err := disk.ReadMembers(h.files, dataDir)
	if err != nil {
		return nil, err
	}
	files := h.files
	p.council, err = shares.NewCouncil(shares.CouncilOptions{
		Node: h.id, Text: members, Save: func(text []byte) error { return disk.WriteMembers(files, dataDir, text) },
		Founders: w.founders(), Fresh: dir.IsNew() || before.Life == 0 || before.Node != h.id, Age: clock.Age, Random: newLife, Log: quiet,
	}, p.now().Mono)
	if err != nil {
		return nil, err
	}
	p.desk, p.book = shares.NewDesk(h.id), p.council.Status().Book
	id, _, err := lives.Decide(dir, lives.Start{Node: h.id, Run: p.run, NewLife: newLife, Claims: h.claims, Confirm: confirm})
	if err != nil {
		return nil, err
	}
	return persist.OpenStepped(dir, persist.Options{
		Engine:   engine.Options{Shards: h.shards, HashKey: [2]uint64{3, 5}, TickMillis: 10, NewLife: newLife, Part: p.council.Part(), MaxBytes: 1 << 22},
		Identity: id, Peers: true, Durability: h.level, Prewritten: 4 << 10, Delay: tick, Now: p.now, Log: quiet,
		Time: func() time.Time { return time.UnixMilli(epoch).Add(w.now) },
	})
}

// founders is how many nodes found the cluster, if --peers is a name.
func (w *world) founders() int {
	if w.names {
		return w.members
	}
	return 0
}

// missing names the members without a connection.
func (p *process) missing() (names []string) {
	w := p.host.world
	if w.names {
		return nil
	}
	for _, other := range w.hosts[:w.members] {
		if other.id != p.host.id && !w.areConnected(p, other) {
			names = append(names, fmt.Sprint("node ", other.id))
		}
	}
	return names
}

// areConnected reports whether there is a connection of p with the process of a host.
func (w *world) areConnected(p *process, h *host) bool {
	for _, pipe := range w.pipes {
		for i := range pipe.ends {
			if e, other := &pipe.ends[i], &pipe.ends[1-i]; e.process == p && !e.gone && other.process.host == h {
				return true
			}
		}
	}
	return false
}

// confirm asks all other members about a life; if --peers is a name for the running nodes, it leaves out those that are
// down. Nodes that start at the same time may have come as far.
func (w *world) confirm(h *host, id disk.Identity, run uint64) bool {
	if w.atOnce {
		w.startDue()
	}
	var confirmed []lives.Witness
	for _, other := range w.hosts[:w.members] {
		if other.id == h.id { // itself, or the original of a copy, which has the same --peers
			continue
		}
		if copied := w.hosts[w.members]; other.claims == nil && copied.id == other.id { // the copy has its place
			other = copied
		}
		if other.claims == nil && w.names {
			w.saw("a name stands for fewer peers")
			continue
		}
		if other.claims == nil || other.isAsleep() || w.isBlocked(h, other) {
			return false
		}
		life, err := other.claims.Claim(h.id, id.Life, id.Run, run)
		if err != nil || life == 0 {
			return false
		}
		confirmed = append(confirmed, lives.Witness{Node: other.id, Life: life})
	}
	missing, known := h.claims.Missing(confirmed)
	return known && len(missing) == 0
}

func (h *host) isAsleep() bool { return h.world.now < h.asleep }

// step does the work of a process besides answering clients.
func (h *host) step() {
	p, w := h.process, h.world
	if p == nil || h.isAsleep() {
		return
	}
	if w.now-p.ticked >= tick {
		p.ticked = w.now
		p.flush()
		p.machine.Tick(p.now())
		p.checkLag()
		if q := w.clients.quotas; q != nil {
			if q.common.step(p); h.process != p {
				return
			}
		}
		if w.chance(10) {
			p.store.DB().Sweep(p.now(), 100)
		}
	}
	if p.machine.RefreshDue() {
		p.store.DB().RefreshDigests(p.now())
		p.machine.Refreshed(p.now())
	}
	if w.now-p.dialed >= 10*tick {
		p.dialed = w.now
		for _, other := range w.hosts {
			w.dial(h, other)
		}
	}
}

// flush writes the changes to the disk.
func (p *process) flush() {
	number, mark := p.store.Group(), p.host.world.history.Mark()
	p.store.Step()
	if p.store.Group() > number {
		p.groups = append(p.groups, group{number, mark})
	}
}

// held describes the content of the disk: everything written, or the part that is synced.
func (p *process) held(safe bool) history.Disk {
	h := p.host
	disk := h.left.holds
	if safe {
		disk = h.left.safe
	}
	for _, g := range p.groups {
		if !safe || p.store.Safe(g.number) {
			disk = history.DiskAt(h.index, g.mark)
		}
	}
	return disk
}

// leave ends the process and its memory.
func (p *process) leave() {
	p.leaveQuotas()
	p.host.world.drop(p)
	p.host.process, p.host.claims = nil, nil
	if err := p.store.DB().Close(); err != nil {
		p.host.world.t.Fatal(err)
	}
}

// leaveQuotas ends the waits of the process's clients.
func (p *process) leaveQuotas() {
	if q := p.host.world.clients.quotas; q != nil {
		q.common.left(p)
	}
}

// stop ends a process as SIGTERM does.
func (h *host) stop() {
	p, w := h.process, h.world
	p.leaveQuotas()
	w.saw("a clean stop")
	w.note("host %d stops", h.index)
	for range 3 { // what it still has to send
		p.machine.Tick(p.now())
		w.carryFrom(p)
	}
	w.drop(p)
	all := history.DiskAt(h.index, w.history.Mark())
	p.ledgers.last = p.now().Mono
	h.process, h.claims, h.left = nil, nil, left{all, all, true, p.ledgers}
	if err := p.council.Stop(); err != nil {
		w.t.Fatalf("host %d does not stop: %v", h.index, err)
	}
	if err := p.store.Close(context.Background()); err != nil {
		w.t.Fatalf("host %d does not stop: %v", h.index, err)
	}
	h.files = h.files.Kill()
}

// die ends a process without a stop: by kill -9, or with the power of its machine.
func (h *host) die(power bool) {
	p, w := h.process, h.world
	p.ledgers.last = p.now().Mono
	h.left = left{holds: p.held(power), safe: p.held(true), gave: p.ledgers}
	if h.level == persist.Always && p.answered > 0 { // every reply left after its group was synced
		for _, d := range []*history.Disk{&h.left.holds, &h.left.safe} {
			if d.Node != h.index {
				*d = history.Disk{Node: h.index}
			}
			d.Acked = p.answered
		}
	}
	p.leave()
	if power {
		w.saw("a loss of power")
		h.files = h.files.Crash(w.random)
	} else {
		w.saw("a kill")
		h.files = h.files.Kill()
	}
	w.note("host %d dies, power %t", h.index, power)
}

// backUp copies the disk; its process may be running.
func (h *host) backUp() {
	if h.world.plain {
		return
	}
	b := backup{h.files.Kill(), h.left}
	if h.process != nil {
		b.left = left{holds: h.process.held(false), safe: h.process.held(true)}
	}
	b.gave = nil
	h.backups = append(h.backups, b)
	h.world.note("the disk of host %d is copied", h.index)
}

// snapshot replaces the disk's log by a snapshot.
func (h *host) snapshot() {
	if h.process != nil {
		h.process.store.Snapshot(true)
		h.world.saw("a snapshot")
	}
}

// pause stops the process for a while.
func (h *host) pause() {
	if h.process != nil {
		w := h.world
		h.asleep = w.now + time.Duration(w.random.IntN(4000))*time.Millisecond
		w.saw("a process pauses")
		w.note("host %d sleeps until %.3f", h.index, h.asleep.Seconds())
	}
}

// misfortune ends a process, or starts one with some disk.
func (h *host) misfortune() {
	w := h.world
	spare := w.hosts[w.members]
	switch {
	case h.process != nil:
		switch w.random.IntN(3) {
		case 0:
			h.stop()
		case 1:
			h.die(false)
		case 2:
			h.die(true)
		}
		if h == spare {
			return
		}
		if h.left.clean && w.chance(2) {
			w.saw("a copy of a disk that was stopped clean")
			h.backUp()
			for _, other := range w.hosts[:w.members] {
				if other != h && w.chance(2) {
					other.backUp()
				}
			}
		}
	case h == spare && w.chance(5):
		w.restore()
	case h == spare:
		h.becomeCopy()
	// start the disk and a copy of it, before others have heard of either
	case h.left.clean && spare.process == nil && !w.plain && w.chance(2):
		h.backUp()
		w.saw("a disk and its copy are started at once")
		spare.become(h, h.backups[len(h.backups)-1])
		h.start("beside its copy")
	default:
		h.startAgain()
	}
}

// startAgain starts a process with its disk, with an empty one, or with an old one.
func (h *host) startAgain() {
	w := h.world
	switch {
	case w.chance(8) || w.limits && w.chance(2):
		h.files, h.left, h.old = vfs.NewMemory(pageSize), left{}, false
		w.saw("a wiped disk")
		h.start("with an empty disk")
		for range 4 { // before it knows anything
			if w.limits && !w.healed {
				w.clients.command(h)
			}
		}
	case len(h.backups) > 0 && w.chance(3):
		b := h.backups[w.random.IntN(len(h.backups))]
		h.files, h.left, h.old = b.files.Kill(), b.left, true
		w.saw("an old disk")
		if b.clean {
			w.saw("an old disk that was stopped clean")
		}
		h.start("with an old disk")
	default:
		h.start("again")
	}
}

// becomeCopy starts a copy of the disk of some host.
func (h *host) becomeCopy() {
	w := h.world
	of := w.hosts[w.random.IntN(w.members)]
	if len(of.backups) == 0 {
		return
	}
	h.become(of, of.backups[w.random.IntN(len(of.backups))])
}

// become starts a copy of the disk of another host.
func (h *host) become(of *host, b backup) {
	w := h.world
	h.id, h.files, h.left, h.old = of.id, b.files.Kill(), b.left, true
	w.saw("a copied disk")
	if of.process != nil {
		w.saw("two processes are one node")
	}
	h.start("as a copy of " + string(rune('0'+of.index)))
}
