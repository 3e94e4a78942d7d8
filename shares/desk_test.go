package shares

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/quotadb/quota-db/quota"
)

func perMinute(key string, limit uint64) quotaName {
	return quotaName{key, quota.Rate{Capacity: limit, Count: limit, Period: time.Minute}}
}

// mustGrant checks that an order was filled.
func (w *deskWorld) mustGrant(o *deskOrder) {
	w.t.Helper()
	if o == nil {
		w.t.Fatal("there was no hope")
	}
	if n, over := o.Result(); !over || n != o.want {
		w.t.Fatalf("%d of %d tokens, over: %v", n, o.want, over)
	}
}

// mustDeny checks that an order has ended without tokens.
func (w *deskWorld) mustDeny(o *deskOrder) {
	w.t.Helper()
	if n, over := o.Result(); !over || n != 0 {
		w.t.Fatalf("%d of %d tokens, over: %v", n, o.want, over)
	}
}

func (w *deskWorld) messages() uint64 { return w.desk.Stats().Asks + w.desk.Stats().Looks }

func TestADeskAsksAtMostUntilEnoughIsHopedFor(t *testing.T) {
	w := newDeskWorld(t, 4, 1).connectAll()
	name := perMinute("k", 40)
	w.mustGrantIn(1, w.order(name, 10, time.Second)) // the part of one member
	if got := w.messages(); got != 1 {
		t.Errorf("%d messages for what one member has", got)
	}
	w.mustGrantIn(1, w.order(name, 15, time.Second)) // two others together
	if got := w.messages(); got != 3 {
		t.Errorf("%d messages", got)
	}
	if w.taken != 25 || w.back != 0 {
		t.Errorf("%d tokens were taken, %d came back", w.taken, w.back)
	}
	if o := w.order(name, 6, time.Second); o != nil {
		t.Error("an order of 6 waits for the last 5 tokens")
	}
	w.mustGrantIn(1, w.order(name, 5, time.Second))
}

// mustGrantIn checks that an order is filled within so many round trips.
func (w *deskWorld) mustGrantIn(trips int, o *deskOrder) {
	w.t.Helper()
	for range trips {
		w.roundTrip()
	}
	w.mustGrant(o)
	w.use()
}

// TestAllTokensAreReachedWithinOneRoundTripMoreThanPeers: others have taken tokens of which this node knows nothing.
func TestAllTokensAreReachedWithinOneRoundTripMoreThanPeers(t *testing.T) {
	for limit := uint64(1); limit <= 30; limit++ {
		for members := 2; members <= 9; members++ {
			w := newDeskWorld(t, members, limit).connectAll()
			name := perMinute("k", limit)
			left := uint64(0)
			for i, p := range w.peers {
				part := w.desk.partOf(p.node, []byte("k"), name.rate)
				b := quota.Bucket{}
				if i%2 == 0 {
					b.Take(part, part.Capacity/2+part.Capacity%2, w.now)
				}
				p.keys[name] = b
				left += b.Remaining(part, w.now)
			}
			if left == 0 {
				continue
			}
			o := w.order(name, left, time.Second)
			trips := 0
			for ; trips <= members; trips++ {
				if _, over := o.Result(); over {
					break
				}
				w.roundTrip()
			}
			if w.mustGrant(o); trips > members {
				t.Errorf("limit %d, %d members: %d round trips", limit, members, trips)
			}
		}
	}
}

func TestOrdersThatComeLaterAreAskedForTogether(t *testing.T) {
	w := newDeskWorld(t, 2, 1).connectAll()
	name := perMinute("k", 100)
	var all []*deskOrder
	for range 10 {
		all = append(all, w.order(name, 1, time.Second))
	}
	p := w.peers[0]
	w.send(p, 10, 0) // on its way
	for range 20 {
		all = append(all, w.order(name, 1, time.Second))
	}
	w.settle()
	for _, o := range all {
		w.mustGrant(o)
	}
	if got := w.messages(); got != 2 {
		t.Errorf("%d messages", got)
	}
}

func TestAnOrderFailsWhenTheLastPeerThatCouldHaveTheRestHasNot(t *testing.T) {
	w := newDeskWorld(t, 3, 1).connectAll()
	name := perMinute("k", 30)
	w.peers[1].keys[name] = quota.Bucket{FullAt: w.now + int64(time.Minute)} // empty
	all, few := w.order(name, 20, time.Second), w.order(name, 3, time.Second)
	if few != nil {
		t.Error("20 of the 20 tokens are ordered, and there is hope for 3 more")
	}
	w.roundTrip()
	w.mustDeny(all)
	w.settle()
	if w.taken != 10 || w.back != 10 {
		t.Errorf("%d tokens were taken, %d came back", w.taken, w.back)
	}
}

func TestWhatOneOrderCannotUseTheNextOneGets(t *testing.T) {
	w := newDeskWorld(t, 3, 1).connectAll()
	name := perMinute("k", 30)
	w.peers[1].keys[name] = quota.Bucket{FullAt: w.now + int64(time.Minute)}
	many := w.order(name, 15, time.Second)
	few := w.order(name, 5, time.Second)
	w.roundTrip()
	w.settle()
	w.mustDeny(many)
	w.mustGrant(few)
	if w.taken-w.back != 5 {
		t.Errorf("%d tokens were taken, %d came back", w.taken, w.back)
	}
}

// TestADeniedStormCostsNoMessages: everything is used up, and clients ask 10,000 times a second.
func TestADeniedStormCostsNoMessages(t *testing.T) {
	for _, limit := range []uint64{1, 3, 100} {
		w := newDeskWorld(t, 3, limit).connectAll()
		name, others := perMinute("k", limit), uint64(0)
		for ; others == 0; name.key += "k" { // the last token of a limit of 1 is elsewhere
			others = w.desk.Others([]byte(name.key+"k"), name.rate, w.now)
		}
		w.mustGrantIn(1, w.order(name, others, time.Second))
		before := w.messages()
		const seconds = 62
		granted, storm := uint64(0), w.now
		for ; w.now-storm < seconds*int64(time.Second); w.now += int64(100 * time.Microsecond) {
			if o := w.order(name, 1, 20*time.Millisecond); o != nil {
				w.settle()
				granted += w.use()
			}
			w.settle() // looks
			w.desk.Tick(w.now)
		}
		// One look a second, and one ask for each token that refills.
		if got, most := w.messages()-before, seconds+8+granted+2; got > most {
			t.Errorf("limit %d: %d messages in %d seconds, at most %d are right; %d tokens came", limit, got, seconds, most, granted)
		}
		if granted < others {
			t.Errorf("limit %d: %d of %d tokens came in a window", limit, granted, others)
		}
		if s := w.desk.Stats(); s.Hopeless < 500_000 {
			t.Errorf("%+v", s)
		}
	}
}

// TestATokenComesAtTheMomentAtWhichItIsThere: what the peer has told is exact, so there is one ask, in time.
func TestATokenComesAtTheMomentAtWhichItIsThere(t *testing.T) {
	w := newDeskWorld(t, 2, 1).connectAll()
	name := quotaName{"k", quota.Rate{Capacity: 2, Count: 2, Period: 10 * time.Second}}
	w.mustGrantIn(1, w.order(name, 1, time.Second))
	w.now += int64(3 * time.Second)
	w.look(name, time.Second)
	w.settle()
	if o := w.order(name, 1, time.Second); o != nil {
		t.Fatal("a token is hoped for before it has refilled")
	}
	w.now += int64(7*time.Second) - int64(2*time.Millisecond)
	if o := w.order(name, 1, time.Second); o != nil {
		t.Fatal("a token is hoped for before it has refilled")
	}
	w.now += int64(2 * time.Millisecond)
	w.mustGrantIn(1, w.order(name, 1, time.Second))
}

// TestTokensThatAreLeftOverAreFoundByALook: the estimate of a peer's level is too low, since its clients gave back.
func TestTokensThatAreLeftOverAreFoundByALook(t *testing.T) {
	w := newDeskWorld(t, 3, 1).connectAll()
	name := perMinute("k", 300)
	w.mustGrantIn(1, w.order(name, 200, time.Second))
	for range 2000 { // looks are a second apart
		w.order(name, 1, time.Second)
		w.settle()
		w.use()
		w.now += int64(time.Millisecond)
	}
	w.peers[1].keys[name] = quota.Bucket{}
	began, found := w.now, uint64(0)
	for ; found == 0 && w.now-began < int64(10*time.Second); w.now += int64(time.Millisecond) {
		w.order(name, 100, time.Second)
		w.settle()
		found = w.use()
	}
	if found != 100 || w.now-began > int64(2*mostPause+50*time.Millisecond) {
		t.Errorf("%d tokens were found after %v", found, time.Duration(w.now-began))
	}
}

func TestLooksAtAPeerAreLimited(t *testing.T) {
	w := newDeskWorld(t, 2, 1).connectAll()
	var names []quotaName
	for i := range 5000 {
		name := perMinute(fmt.Sprint("k", i), 2)
		w.mustGrantIn(1, w.order(name, 1, time.Second))
		names = append(names, name)
	}
	w.peers[0].looks = nil
	began := w.now
	for ; w.now-began < int64(3*time.Second); w.now += int64(10 * time.Millisecond) {
		for _, name := range names {
			w.order(name, 1, time.Second)
		}
		w.settle()
		w.desk.Tick(w.now)
	}
	if got := len(w.peers[0].looks); got > 4*mostLooks || got < 2*mostLooks {
		t.Errorf("%d looks in 3 seconds", got)
	}
}

func TestALookTellsTheLevelsOfAllConnectedMembers(t *testing.T) {
	w := newDeskWorld(t, 4, 1)
	name := perMinute("k", 40)
	if o := w.look(name, time.Second); o != nil {
		t.Error("a look at nobody")
	}
	w.connect(w.peers[0])
	w.connect(w.peers[1])
	for i, p := range w.peers {
		b := quota.Bucket{}
		b.Take(w.desk.partOf(p.node, []byte("k"), name.rate), uint64(i)+2, w.now)
		p.keys[name] = b
	}
	if got := w.desk.Others([]byte("k"), name.rate, w.now); got != 20 {
		t.Errorf("before anybody was asked there are %d tokens elsewhere", got)
	}
	if got := w.desk.Stranded([]byte("k"), name.rate); got != 10 {
		t.Errorf("%d tokens are stranded", got)
	}
	first, second := w.look(name, time.Second), w.look(name, time.Second)
	w.roundTrip()
	for _, o := range []*deskOrder{first, second} {
		if n, over := o.Result(); n != 0 || !over {
			t.Errorf("%d tokens, over: %v", n, over)
		}
	}
	if got := w.messages(); got != 2 {
		t.Errorf("two looks at two members cost %d messages", got)
	}
	if got := w.desk.Others([]byte("k"), name.rate, w.now); got != 15 {
		t.Errorf("there are %d tokens elsewhere", got)
	}
	if o := w.look(name, time.Second); o != nil {
		t.Error("a look for what was told a moment ago")
	}
	w.now += int64(fresh)
	if o := w.look(name, time.Second); o == nil {
		t.Error("no look for what was told some time ago")
	}
	w.cut(w.peers[0])
	w.roundTrip()
	if w.desk.Others([]byte("k"), name.rate, w.now) != 7 || len(w.orders) != 3 || w.orders[2].ends != 1 {
		t.Error("a look waits for a peer that has gone")
	}
}

// TestALookThatJoinsAnAskIsAnsweredThoughTheOrderEnds: an ask that has lost its order is not sent, unless a look waits.
func TestALookThatJoinsAnAskIsAnsweredThoughTheOrderEnds(t *testing.T) {
	w := newDeskWorld(t, 2, 1).connectAll()
	name := perMinute("k", 10)
	o := w.order(name, 2, time.Second)
	look := w.look(name, time.Second)
	w.desk.Cancel(o.Order)
	w.roundTrip()
	if s := w.desk.Stats(); s.Asks != 0 || s.Looks != 1 || w.taken != 0 {
		t.Errorf("%+v", s)
	}
	if _, over := look.Result(); !over {
		t.Error("the look waits")
	}
}

func TestWhatACancelledOrderGotIsGivenBack(t *testing.T) {
	w := newDeskWorld(t, 2, 1).connectAll()
	name := perMinute("k", 20)
	granted := w.order(name, 4, time.Second)
	w.roundTrip()
	w.desk.Cancel(granted.Order)
	w.desk.Cancel(granted.Order)
	if n, over := granted.Result(); n != 0 || !over {
		t.Errorf("%d tokens, over: %v", n, over)
	}
	waiting := w.order(name, 3, time.Second)
	w.send(w.peers[0], 10, 0)
	w.desk.Cancel(waiting.Order)
	w.settle()
	if s := w.desk.Stats(); w.taken != 7 || w.back != 7 || s.GivenBack != 7 || s.Late != 3 || s.Cancelled != 1 {
		t.Errorf("%d taken, %d back: %+v", w.taken, w.back, s)
	}
	unsent := w.order(name, 3, time.Second)
	w.desk.Cancel(unsent.Order)
	if w.settle(); w.taken != 7 {
		t.Error("an order that was cancelled before its ask left is asked for")
	}
}

func TestAnOrderEndsAtItsDeadline(t *testing.T) {
	w := newDeskWorld(t, 2, 1).connectAll()
	name := perMinute("k", 20)
	o := w.order(name, 4, 20*time.Millisecond)
	w.send(w.peers[0], 10, 0)
	w.now += int64(20*time.Millisecond) - 1
	if w.desk.Tick(w.now); o.ends != 0 {
		t.Error("it ends early")
	}
	w.now++
	w.desk.Tick(w.now)
	w.mustDeny(o)
	w.settle()
	if w.back != 4 {
		t.Errorf("%d of 4 tokens that came late are back", w.back)
	}
	if o := w.order(name, 1, 0); o != nil {
		t.Error("an order that has no time waits")
	}
}

func TestAPeerWithAnotherPartThanThoughtIsNotAskedAgainAndAgain(t *testing.T) {
	w := newDeskWorld(t, 2, 1).connectAll()
	name := perMinute("k", 20)
	o := w.order(name, 4, time.Second)
	n := 0
	w.desk.Send(2, w.now, func() bool { return true }, func(*Ask) { n++ }, func(Back) {})
	if err := w.desk.Heard(2, Took{Number: 1}, w.now); err != nil { // it took none, and says that it is full
		t.Fatal(err)
	}
	w.desk.Send(2, w.now, func() bool { return true }, func(*Ask) { n++ }, func(Back) {})
	if w.mustDeny(o); n != 1 {
		t.Errorf("%d asks", n)
	}
}

func TestNobodyWaitsForAPeerThatDoesNotAnswer(t *testing.T) {
	w := newDeskWorld(t, 2, 1).connectAll()
	name := perMinute("k", 20)
	o := w.order(name, 4, 20*time.Millisecond)
	p := w.peers[0]
	w.send(p, 10, int64(5*time.Second))
	for range 100 {
		w.now += int64(10 * time.Millisecond)
		w.desk.Tick(w.now)
	}
	w.mustDeny(o)
	if w.order(name, 1, time.Second) != nil || !w.desk.Hopeless([]byte("k"), name.rate, 1, w.now) {
		t.Error("there is hope for a peer that has not answered for a second")
	}
	w.now += int64(5 * time.Second)
	w.settle()
	if w.desk.Hopeless([]byte("k"), name.rate, 1, w.now) {
		t.Error("there is no hope though it has answered")
	}
	w.mustGrantIn(1, w.order(name, 10, time.Second))
	if got := w.desk.RoundTrip(); got != mostAnswer-mostAnswer/8+time.Millisecond/8 {
		t.Errorf("the round trip is %v", got)
	}
}

func TestTheMemberThatShouldHaveMostIsAskedFirst(t *testing.T) {
	w := newDeskWorld(t, 3, 1).connectAll()
	name := perMinute("k", 30)
	w.mustGrantIn(1, w.order(name, 8, time.Second)) // the first one asked has 2 left, the other has 10
	w.mustGrantIn(1, w.order(name, 5, time.Second))
	if got := w.messages(); got != 2 {
		t.Errorf("%d messages: the member with 2 tokens was asked for some of 5", got)
	}
}

func TestWhatAPeerToldIsForgottenWithTheSession(t *testing.T) {
	w := newDeskWorld(t, 2, 1).connectAll()
	name := perMinute("k", 20)
	w.mustGrantIn(1, w.order(name, 10, time.Second))
	if !w.desk.Hopeless([]byte("k"), name.rate, 1, w.now) {
		t.Error("there is hope of an empty bucket")
	}
	w.cut(w.peers[0])
	w.peers[0].keys[name] = quota.Bucket{} // it may be another directory
	w.connect(w.peers[0])
	w.mustGrantIn(1, w.order(name, 10, time.Second))
}

func TestHopelessSaysWhatOrderWould(t *testing.T) {
	w := newDeskWorld(t, 2, 1)
	name := perMinute("k", 20)
	if !w.desk.Hopeless([]byte("k"), name.rate, 1, w.now) {
		t.Error("there is hope without a connection")
	}
	w.connectAll()
	if w.desk.Hopeless([]byte("k"), name.rate, 1, w.now) {
		t.Error("there is no hope of a full bucket")
	}
	w.mustGrantIn(1, w.order(name, 8, time.Second))
	for n, want := range map[uint64]bool{1: false, 2: false, 3: true} {
		if got := w.desk.Hopeless([]byte("k"), name.rate, n, w.now); got != want {
			t.Errorf("2 tokens are there, %d are wanted: hopeless is %v", n, got)
		}
	}
	if s := w.desk.Stats(); s.Hopeless != 2 {
		t.Errorf("%+v", s)
	}
}

func TestAnswersToNothingAreErrors(t *testing.T) {
	w := newDeskWorld(t, 2, 1).connectAll()
	w.order(perMinute("k", 20), 4, time.Second)
	for _, took := range []Took{{Number: 1}, {Number: 0}} {
		if err := w.desk.Heard(2, took, w.now); !errors.Is(err, ErrAnswer) {
			t.Errorf("before anything was asked: %v", err)
		}
	}
	w.desk.Send(2, w.now, func() bool { return true }, func(*Ask) {}, func(Back) {})
	for _, took := range []Took{{Number: 2}, {Number: 1, Tokens: 5}, {Number: 1, Full: -1}, {Number: 1, Full: 3 * quota.MaxPeriod}} {
		if err := w.desk.Heard(2, took, w.now); !errors.Is(err, ErrAnswer) {
			t.Errorf("%+v: %v", took, err)
		}
	}
	if err := w.desk.Heard(9, Took{Number: 1}, w.now); !errors.Is(err, ErrAnswer) {
		t.Errorf("of a stranger: %v", err)
	}
	if err := w.desk.Heard(2, Took{Number: 1, Tokens: 4}, w.now); err != nil {
		t.Error(err)
	}
	if err := w.desk.Heard(2, Took{Number: 1, Tokens: 4}, w.now); !errors.Is(err, ErrAnswer) {
		t.Errorf("a second time: %v", err)
	}
}

func TestANewTableEndsAllOrders(t *testing.T) {
	w := newDeskWorld(t, 3, 1).connectAll()
	name := perMinute("k", 20)
	sent := w.order(name, 4, time.Second)
	w.send(w.peers[0], 10, 0)
	w.send(w.peers[1], 10, 0)
	waiting := w.order(name, 1, time.Second)
	look := w.look(name, time.Second)
	table := &Table{Seed: 5, Members: []Member{{Node: 1, Seat: 1}, {Node: 2, Seat: 2}, {Node: 3, Seat: 3}, {Node: 4, Seat: 4}}}
	w.desk.SetPart(Part{State: InForce, Table: table, Node: 1})
	w.mustDeny(sent)
	w.mustDeny(waiting)
	if _, over := look.Result(); !over {
		t.Error("a look goes on")
	}
	w.settle()
	if w.check(); w.taken != w.back {
		t.Errorf("%d tokens were taken, %d came back", w.taken, w.back)
	}
	if got := w.desk.Others([]byte("k"), name.rate, w.now); got != 10 {
		t.Errorf("two of four members have %d tokens of 20", got)
	}
	w.mustGrantIn(2, w.order(name, 10, time.Second))
}

func TestWithoutATableThereIsNoHope(t *testing.T) {
	d := NewDesk(1)
	d.Connect(2, 1)
	rate := perMinute("k", 20).rate
	want := Want{Rate: rate, Transient: true, Tokens: 1}
	if d.Order([]byte("k"), want, 100, 1, nil) != nil || d.Look([]byte("k"), want, 100, 1, nil) != nil || d.Others([]byte("k"), rate, 1) != 0 {
		t.Error("there is")
	}
	d.SetPart(Part{State: InForce, Table: &Table{Members: []Member{{Node: 2, Seat: 2}, {Node: 3, Seat: 3}}}, Node: 1})
	if got := d.Others([]byte("k"), rate, 1); got != 10 { // this node is no member, and has no part
		t.Errorf("%d tokens are elsewhere", got)
	}
	if d.Order([]byte("k"), want, 100, 1, func() {}) == nil {
		t.Error("there is none with a table")
	}
}

func TestTheBoundsOfADeskHold(t *testing.T) {
	w := newDeskWorld(t, 2, 1).connectAll()
	// So many orders that no more can wait
	name := perMinute("k", 1_000_000)
	for i := range mostOrders {
		if w.desk.Order([]byte("k"), Want{Rate: name.rate, Transient: true, Tokens: 1}, w.now+1000, w.now, func() {}) == nil {
			t.Fatalf("order %d does not wait", i)
		}
	}
	if w.order(name, 1, time.Second) != nil || w.look(name, time.Second) != nil {
		t.Error("one order more waits")
	}
	w.now += 1000
	w.desk.Tick(w.now)
	// So many quotas that the oldest are forgotten
	for i := range mostQuotas + 1000 {
		w.mustGrantIn(1, w.order(perMinute(fmt.Sprint(i), 2), 1, time.Second))
	}
	if n := len(w.desk.quotas); n != mostQuotas {
		t.Errorf("%d quotas", n)
	}
	if got := w.desk.Others([]byte("0"), perMinute("", 2).rate, w.now); got != 1 {
		t.Errorf("the oldest quota is known to have %d tokens", got)
	}
	// Long keys
	if w.order(perMinute(string(make([]byte, MaxAskedKey+1)), 2), 1, time.Second) != nil {
		t.Error("a key that is too long for a message")
	}
	for i := range mostQuotaBytes/MaxAskedKey + 10 {
		key := make([]byte, MaxAskedKey)
		copy(key, fmt.Sprint(i))
		w.mustGrantIn(1, w.order(perMinute(string(key), 2), 1, time.Second))
	}
	if w.check(); w.desk.bytes > mostQuotaBytes {
		t.Errorf("%d bytes", w.desk.bytes)
	}
	// What is full again for sure is not remembered
	w.now += int64(time.Minute)
	for range mostQuotas/mostForgotten + 1 {
		w.desk.Tick(w.now)
	}
	if n := len(w.desk.quotas); n != 0 || w.desk.bytes != 0 {
		t.Errorf("%d quotas with %d bytes are left", n, w.desk.bytes)
	}
}

// TestADeskIsSafeForConcurrentUse is for the race detector: event loops order, while an owner carries messages.
func TestADeskIsSafeForConcurrentUse(t *testing.T) {
	w := newDeskWorld(t, 3, 1).connectAll()
	var clients sync.WaitGroup
	var mu sync.Mutex
	ended, waited := 0, 0
	for i := range 4 {
		clients.Go(func() {
			for j := range 500 {
				name := perMinute(fmt.Sprint(j%3), 1000)
				now := int64(1e9) + int64(j)
				o := w.desk.Order([]byte(name.key), Want{Rate: name.rate, Transient: true, Tokens: 1}, now+int64(time.Second), now, func() {
					mu.Lock()
					ended++
					mu.Unlock()
				})
				if o == nil {
					continue
				}
				mu.Lock()
				waited++
				mu.Unlock()
				o.Result()
				if (i+j)%5 == 0 {
					w.desk.Cancel(o)
					mu.Lock()
					waited--
					mu.Unlock()
				}
				w.desk.Others([]byte(name.key), name.rate, now)
			}
		})
	}
	stopped := make(chan struct{})
	go func() { clients.Wait(); close(stopped) }()
	w.desk.SetRouse(func() {})
	for over := false; !over; {
		select {
		case <-stopped:
			over = true
		default:
		}
		w.settle()
		w.desk.Tick(w.now)
		w.desk.IsIdle()
		w.desk.Stats()
		w.desk.RoundTrip()
	}
	if !w.desk.IsIdle() {
		t.Error("something waits")
	}
	if mu.Lock(); ended < waited {
		t.Errorf("%d of %d orders ended", ended, waited)
	}
	mu.Unlock()
}

func BenchmarkAHopelessOrder(b *testing.B) {
	w := newDeskWorld(b, 3, 1).connectAll()
	name := perMinute("k", 90)
	w.mustGrantIn(1, w.order(name, 60, time.Second))
	key := []byte("k")
	for b.Loop() {
		if !w.desk.Hopeless(key, name.rate, 1, w.now) {
			b.Fatal("there is hope")
		}
	}
}
