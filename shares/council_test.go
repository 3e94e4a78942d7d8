package shares

import (
	"bytes"
	"errors"
	"log/slog"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// seats are random numbers of a test.
func seats(seed uint64) func() uint64 { return rand.New(rand.NewPCG(seed, 1)).Uint64 }

// meet connects councils of the nodes 1, 2, ... with each other, and lets them talk until nothing is due.
func meet(t *testing.T, councils []*Council, now int64) {
	t.Helper()
	for i, c := range councils {
		for j := range councils {
			if i != j {
				c.Connect(uint16(j + 1))
			}
		}
	}
	talk(t, councils, now)
}

// talk delivers notices between councils that are all connected until nothing is due.
func talk(t *testing.T, councils []*Council, now int64) {
	t.Helper()
	for range 50 {
		quiet := true
		for i, c := range councils {
			quiet = !c.Tick(now, 0, nil) && quiet
			for j, peer := range councils {
				if i == j || !c.Due(uint16(j+1), now) {
					continue
				}
				quiet = false
				if err := peer.Hear(uint16(i+1), c.Notice(nil, uint16(j+1), now), now); err != nil {
					t.Fatal(err)
				}
			}
		}
		if quiet {
			return
		}
	}
	t.Fatal("they do not stop talking")
}

func newCouncil(t *testing.T, o CouncilOptions, now int64) *Council {
	t.Helper()
	if o.Random == nil {
		o.Random = seats(uint64(o.Node))
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	c, err := NewCouncil(o, now)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestNodesThatHaveAllMetFoundTheCluster(t *testing.T) {
	var councils []*Council
	for node := range uint16(3) {
		c := newCouncil(t, CouncilOptions{Node: node + 1, Fresh: true}, 0)
		c.Tick(0, 0, []string{"10.0.0.3:6380"})
		if p := c.Part(); p.State != Waiting || p.Why != "10.0.0.3:6380" {
			t.Errorf("node %d: %v", node+1, p)
		}
		councils = append(councils, c)
	}
	meet(t, councils, 1)
	sum := uint64(0)
	for i, c := range councils {
		p := c.Part()
		if p.State != InForce || p.Since != 0 || len(p.Table.Members) != 3 || !p.Table.equal(councils[0].table) {
			t.Errorf("node %d: %+v", i+1, p)
		}
		if rank, ok := p.Table.Rank([]byte("key"), p.Node); ok {
			sum += 1 << rank
		}
	}
	if sum != 7 {
		t.Errorf("ranks %b", sum)
	}
}

// councilDisk keeps the text of a council.
type councilDisk struct {
	text []byte
	fail error
}

func (d *councilDisk) save(text []byte) error {
	if d.fail == nil {
		d.text = slices.Clone(text)
	}
	return d.fail
}

// foundThree is a founded cluster of the nodes 1 to 3, with their disks.
func foundThree(t *testing.T, whole ...uint16) (councils []*Council, disks []*councilDisk) {
	t.Helper()
	for node := range uint16(3) {
		d := &councilDisk{}
		disks = append(disks, d)
		isWhole := slices.Contains(whole, node+1)
		o := CouncilOptions{Node: node + 1, Fresh: !isWhole, Whole: isWhole, Save: d.save}
		councils = append(councils, newCouncil(t, o, 0))
	}
	meet(t, councils, 1)
	return councils, disks
}

func TestAWipedMemberHasNoTokensUntilItHasMetAllOthers(t *testing.T) {
	councils, _ := foundThree(t)
	wiped := newCouncil(t, CouncilOptions{Node: 3, Fresh: true, Random: seats(33)}, 10)
	councils[2] = wiped
	for i, c := range councils[:2] {
		c.Disconnect(3)
		if i == 0 {
			c.Connect(3)
		}
	}
	wiped.Connect(1)
	for range 5 {
		hear(t, councils[0], wiped, 11)
		hear(t, wiped, councils[0], 11)
	}
	if p := wiped.Part(); p.State != Withheld || !strings.Contains(p.Why, "node 2") {
		t.Errorf("one of two is connected: %+v", p)
	}
	wiped.Tick(11+5*rollCall, 0, nil)
	if p := wiped.Part(); p.State != Withheld {
		t.Errorf("one of two is connected, after a while: %+v", p)
	}
	councils[1].Connect(3)
	wiped.Connect(2)
	talk(t, councils, 100*rollCall)
	if p := wiped.Part(); p.State != InForce || p.Since != 100*rollCall {
		t.Errorf("all are connected: %+v", p)
	}
}

// hear lets a node hear what another one has to tell it.
func hear(t *testing.T, to, from *Council, now int64) {
	t.Helper()
	from.Tick(now, 0, nil)
	if err := to.Hear(from.node, from.Notice(nil, to.node, now), now); err != nil {
		t.Fatal(err)
	}
	to.Tick(now, 0, nil)
}

func TestAStartWaitsForWhatOthersKnowForASecond(t *testing.T) {
	_, disks := foundThree(t)
	c := newCouncil(t, CouncilOptions{Node: 1, Text: disks[0].text}, 1000)
	for _, step := range []struct {
		now  int64
		want State
	}{{1000, Withheld}, {1000 + rollCall - 1, Withheld}, {1000 + rollCall, InForce}} {
		c.Tick(step.now, 0, nil)
		if p := c.Part(); p.State != step.want || p.Since != 0 {
			t.Errorf("%d after the start: %+v", step.now-1000, p)
		}
	}
}

func TestAnOlderDirectoryIsNoticedAlsoWhenItHasGrownSince(t *testing.T) {
	councils, disks := foundThree(t)
	older := slices.Clone(disks[0].text) // of the moment 1
	councils[0].Tick(5000, 5000, nil)    // what has been served until then is told
	hear(t, councils[1], councils[0], 1+ageEvery)

	d := &councilDisk{text: older}
	alone := newCouncil(t, CouncilOptions{Node: 1, Text: d.text, Save: d.save, Age: 1, Random: seats(11)}, 6000)
	alone.Tick(6000, 6000, nil)
	alone.Tick(6000+rollCall, 9000, nil) // nobody is connected, so it goes on
	if p := alone.Part(); p.State != InForce {
		t.Fatalf("alone: %+v", p)
	}
	again := newCouncil(t, CouncilOptions{Node: 1, Text: d.text, Age: 9000, Random: seats(12)}, 10_000)
	again.Connect(2)
	councils[1].Connect(1)
	hear(t, again, councils[1], 10_001)
	if p := again.Part(); p.State != Withheld || again.book.Number != 2 {
		t.Errorf("a peer knows more: %+v, book %v", p, again.book)
	}
}

func TestAStartWithTheNewestDirectoryGoesOn(t *testing.T) {
	councils, disks := foundThree(t)
	councils[0].Tick(5000, 5000, nil)
	hear(t, councils[1], councils[0], 1+ageEvery)
	for start := range uint64(2 * maxRuns) {
		c := newCouncil(t, CouncilOptions{Node: 1, Text: disks[0].text, Save: disks[0].save, Age: 5000, Random: seats(100 + start)}, 6000)
		if start%3 > 0 {
			continue // it ends before it meets anybody
		}
		councils[0] = c
		meet(t, councils, 6000)
		if p := c.Part(); p.State != InForce || p.Since != 0 || c.book.Number != 1 {
			t.Fatalf("start %d: %+v, book %v", start, p, c.book)
		}
	}
}

func TestADirectoryIsOlderIfAnotherOneOfTheNodeWasHeardAfterIt(t *testing.T) {
	councils, disks := foundThree(t)
	wiped := newCouncil(t, CouncilOptions{Node: 1, Fresh: true, Random: seats(101)}, 10)
	wiped.Connect(2)
	councils[1].Connect(1)
	hear(t, councils[1], wiped, 11) // it ends before it has heard that node 2 knows another book of it

	before := newCouncil(t, CouncilOptions{Node: 1, Text: disks[0].text, Random: seats(102)}, 12)
	before.Connect(2)
	councils[1].Connect(1)
	hear(t, before, councils[1], 13)
	if p := before.Part(); p.State != Withheld || before.book.Number != 2 {
		t.Errorf("%+v, book %v", p, before.book)
	}
}

func TestWholeQuotasBeginEmptyAtTheFounding(t *testing.T) {
	councils, _ := foundThree(t, 2)
	for i, c := range councils {
		if p := c.Part(); p.State != InForce || p.Since != 1 {
			t.Errorf("node %d: %+v", i+1, p)
		}
	}
}

// TestWholeQuotasWaitForWhatOthersKnow: the cluster may be founded, and this directory older than that.
func TestWholeQuotasWaitForWhatOthersKnow(t *testing.T) {
	c := newCouncil(t, CouncilOptions{Node: 2, Whole: true}, 0)
	for _, x := range []struct {
		now  int64
		want State
	}{{1, Waiting}, {rollCall, Waiting}, {rollCall + 1, Whole}} {
		c.Tick(x.now, 1, []string{"10.0.0.1:6380"})
		if p := c.Part(); p.State != x.want {
			t.Errorf("at %d, before the founding: %+v", x.now, p)
		}
	}
}

// TestTheRollCallBeginsWithTheFirstLook: until then the directory was loaded, and nobody could be asked.
func TestTheRollCallBeginsWithTheFirstLook(t *testing.T) {
	_, disks := foundThree(t)
	c := newCouncil(t, CouncilOptions{Node: 1, Text: disks[0].text, Age: 1, Random: seats(11)}, 10)
	c.Tick(10+5*rollCall, 10, nil)
	if p := c.Part(); p.State != Withheld {
		t.Errorf("at the first look: %+v", p)
	}
	c.Tick(10+6*rollCall, 10, nil)
	if p := c.Part(); p.State != InForce {
		t.Errorf("a second later: %+v", p)
	}
}

// TestANodeWithoutPeersThatIsNoMemberHasWholeQuotas: the cluster was never founded. A founding later begins empty.
func TestANodeWithoutPeersThatIsNoMemberHasWholeQuotas(t *testing.T) {
	d := &councilDisk{}
	c := newCouncil(t, CouncilOptions{Node: 1, Fresh: true, Save: d.save}, 0)
	c.Tick(1, 1, nil)
	if p := c.Part(); p.State != Waiting {
		t.Errorf("with peers: %+v", p)
	}
	c = newCouncil(t, CouncilOptions{Node: 1, Text: d.text, Save: d.save, Alone: true, Random: seats(11)}, 2)
	c.Tick(3, 3, nil)
	if p := c.Part(); p.State != Whole {
		t.Errorf("without peers: %+v", p)
	}
	c = newCouncil(t, CouncilOptions{Node: 1, Text: d.text, Random: seats(12)}, 4)
	if !c.whole {
		t.Error("with peers again it does not know that it had whole quotas")
	}
}

// TestAStartWithoutRoomOnTheDiskHasNoPartUntilThereIsRoom: also that of a node that is no member.
func TestAStartWithoutRoomOnTheDiskHasNoPartUntilThereIsRoom(t *testing.T) {
	_, disks := foundThree(t)
	for node := uint16(1); node <= 4; node++ { // node 4 is no member
		d := &councilDisk{fail: errors.New("no space")}
		c := newCouncil(t, CouncilOptions{Node: node, Text: disks[0].text, Save: d.save, Age: 1, Random: seats(11)}, 10)
		c.Tick(11, 10, nil)
		c.Tick(12+rollCall, 10, nil)
		if p := c.Part(); p.State != Withheld {
			t.Errorf("node %d without room: %+v", node, p)
		}
		d.fail = nil
		c.Tick(20+2*rollCall+saveEvery, 10, nil)
		if p := c.Part(); node == 1 && p.State != InForce || p.State == Whole || p.State == Waiting {
			t.Errorf("node %d with room: %+v", node, p)
		}
	}
}

// TestSinceIsNeverAheadOfTheClock: after a crash the clock goes on from the last group, which may lie before the proof.
func TestSinceIsNeverAheadOfTheClock(t *testing.T) {
	councils, disks := foundThree(t, 2)
	if councils[0].since != 1 {
		t.Fatalf("since %d", councils[0].since)
	}
	if c := newCouncil(t, CouncilOptions{Node: 1, Text: disks[0].text, Random: seats(11)}, 0); c.since != 1 {
		t.Errorf("since %d at the start", c.since)
	}
}

func TestANodeThatComesLaterLearnsTheTableAndHasNoPart(t *testing.T) {
	councils, _ := foundThree(t)
	late := newCouncil(t, CouncilOptions{Node: 4, Fresh: true}, 5)
	late.Connect(2)
	councils[1].Connect(4)
	hear(t, late, councils[1], 6)
	if p := late.Part(); p.State != InForce || !p.Table.equal(councils[0].table) || p.Table.Has(4) {
		t.Errorf("%+v", p)
	}
}

func TestNothingIsToldOrUsedBeforeItIsDurable(t *testing.T) {
	disk := &councilDisk{}
	one := newCouncil(t, CouncilOptions{Node: 1, Fresh: true, Save: disk.save}, 0)
	two := newCouncil(t, CouncilOptions{Node: 2, Fresh: true}, 0)
	one.Connect(2)
	two.Connect(1)
	hear(t, two, one, 1)
	disk.fail = errors.New("no space")
	hear(t, one, two, 1)
	if one.Due(2, 1+ageEvery) || len(one.Notice(nil, 2, 1+ageEvery)) > 0 || one.promise == nil {
		t.Error("a promise is told that is not on the disk")
	}
	two.Tick(2, 0, nil)
	disk.fail = nil
	one.Tick(2, 0, nil)
	if !one.unsaved {
		t.Error("it does not wait between two attempts")
	}
	talk(t, []*Council{one, two}, 2*saveEvery)
	disk.fail = errors.New("no space")
	if p := one.Part(); p.State != InForce || bytes.Contains(disk.text, []byte("promise")) || !bytes.Contains(disk.text, []byte("table")) {
		t.Errorf("%+v\n%s", p, disk.text)
	}
}

func TestAgesAreToldFourTimesASecondAndKeptByACleanStop(t *testing.T) {
	councils, disks := foundThree(t)
	one, two := councils[0], councils[1]
	told := 0
	for now := int64(2); now <= 2+4*ageEvery; now += ageEvery / 10 {
		one.Tick(now, now, nil)
		if text := one.Notice(nil, 2, now); len(text) > 0 {
			told++
			if err := two.Hear(1, text, now); err != nil || len(text) > 20 {
				t.Errorf("%d bytes: %v", len(text), err)
			}
		}
	}
	age := two.known[1].run.age
	if told != 4 || age == 0 || bytes.Equal(disks[1].text, two.text()) {
		t.Errorf("told %d times, the last age is %d", told, age)
	}
	if err := two.Stop(); err != nil {
		t.Fatal(err)
	}
	if r, err := parseRecord(disks[1].text); err != nil || r.known[1].run.age != age {
		t.Errorf("%v: %+v", err, r.known)
	}
}

func TestTwoClustersThatMeetGoOnAndTellTheOperator(t *testing.T) {
	var log bytes.Buffer
	var councils []*Council
	for node := range uint16(4) {
		o := CouncilOptions{Node: node + 1, Fresh: true, Log: slog.New(slog.NewTextHandler(&log, nil))}
		councils = append(councils, newCouncil(t, o, 0))
	}
	meet(t, councils[:2], 1)
	councils[2].Connect(4)
	councils[3].Connect(3)
	for range 5 {
		hear(t, councils[2], councils[3], 1)
		hear(t, councils[3], councils[2], 1)
	}
	councils[0].Connect(3)
	councils[2].Connect(1)
	log.Reset()
	for range 3 {
		hear(t, councils[0], councils[2], 2)
		hear(t, councils[2], councils[0], 2)
	}
	for _, i := range []int{0, 2} {
		if s := councils[i].Status(); s.State != InForce || len(s.Table.Members) != 2 || !slices.Equal(s.Conflicts, []uint16{uint16(3 - i)}) {
			t.Errorf("node %d: %+v", i+1, s)
		}
	}
	if n := strings.Count(log.String(), "another cluster"); n != 2 {
		t.Errorf("%d lines:\n%s", n, &log)
	}
}

func TestAStatusShowsTheMembersAndWhatTheyHaveTold(t *testing.T) {
	councils, _ := foundThree(t)
	councils[0].Disconnect(3)
	councils[0].Tick(2, 0, nil)
	s := councils[0].Status()
	want := []MemberStatus{
		{Node: 2, Connected: true, Proven: true, Book: councils[1].book},
		{Node: 3, Book: councils[2].book},
	}
	if s.Seat != councils[0].seat || s.Book != councils[0].book || s.Promise != nil || !slices.Equal(s.Members, want) {
		t.Errorf("%+v", s)
	}
}

func TestAFileThatWasNotWrittenSoIsRefused(t *testing.T) {
	r := fullRecord()
	text := r.text()
	if again, err := parseRecord(text); err != nil || !bytes.Equal(again.text(), text) {
		t.Fatalf("%v\n%s", err, text)
	}
	for bit := range len(text) * 8 {
		damaged := slices.Clone(text)
		damaged[bit/8] ^= 1 << (bit % 8)
		if _, err := parseRecord(damaged); err == nil {
			t.Fatalf("bit %d", bit)
		}
	}
	for n := range text {
		if _, err := NewCouncil(CouncilOptions{Text: text[:n:n], Random: seats(1)}, 0); err == nil {
			t.Fatalf("the first %d bytes", n)
		}
	}
	_, err := NewCouncil(CouncilOptions{Text: []byte(recordName + "2\nnode 1\n"), Random: seats(1)}, 0)
	if err == nil || !strings.Contains(err.Error(), "later release") {
		t.Errorf("a later format: %v", err)
	}
}

func TestWhatACouncilKeepsAndTellsIsBounded(t *testing.T) {
	c := newCouncil(t, CouncilOptions{Node: 0, Fresh: true}, 0)
	for node := uint16(1); node <= MaxMembers; node++ {
		c.Connect(node)
	}
	met := c.met()
	for node := uint16(1); node <= MaxMembers; node++ {
		n := notice{self: &identity{seat: uint64(node), book: Book{1, 1}}, met: met}
		if err := c.Hear(node, n.append(nil), 1); err != nil {
			t.Fatal(err)
		}
	}
	c.Tick(1, 1, nil)
	if p := c.Part(); c.promise != nil || !strings.Contains(p.Why, "at most 256") {
		t.Errorf("257 nodes: %+v", p)
	}
	c.Disconnect(MaxMembers)
	for node := uint16(1); node < MaxMembers; node++ {
		n := notice{self: &identity{seat: uint64(node), book: Book{1, 1}}, met: c.met()}
		if err := c.Hear(node, n.append(nil), 1); err != nil {
			t.Fatal(err)
		}
	}
	c.Tick(2, 2, nil)
	text := c.Notice(nil, 1, 2)
	if len(c.promise) != MaxMembers || len(text) == 0 || len(text) > MaxNotice {
		t.Errorf("256 nodes: %d promised, %d bytes", len(c.promise), len(text))
	}
	for node := uint16(1000); node < 3000; node++ {
		c.Connect(node)
		n := notice{self: &identity{seat: uint64(node), book: Book{1, 1}}}
		if err := c.Hear(node, n.append(nil), 3); err != nil {
			t.Fatal(err)
		}
		c.Disconnect(node)
	}
	if len(c.known) != maxKnown {
		t.Errorf("%d books are remembered", len(c.known))
	}
}
