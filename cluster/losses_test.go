package cluster

import (
	"net"
	"testing"
	"time"
)

// vanish ends a node as a kill does: its connections end without an announcement.
func (n *testNode) vanish() {
	n.cancel()
	_ = n.listener.Close()
	o := n.owner.Load()
	o.do(func() {
		for l := range o.links {
			_ = l.conn.(*net.TCPConn).SetLinger(0)
			_ = l.conn.Close()
		}
	})
}

// lost is the number of peers about whose loss a node has yet to warn.
func (n *testNode) lost() (count int) {
	o := n.owner.Load()
	o.do(func() { count = len(o.losses) })
	return count
}

func TestAPeerThatIsLostIsAWarning(t *testing.T) {
	a := open(t, 1)
	b := open(t, 2, a)
	a.meets(1)
	b.meets(1)
	b.vanish()
	a.logs(`level=WARN msg="a peer was lost" node=2`)
}

func TestAPeerThatIsStartedAgainAtOnceWithoutHavingStoppedIsAWarning(t *testing.T) {
	a := open(t, 1)
	b := open(t, 2, a)
	a.meets(1)
	b.vanish()
	eventually(t, "the connection has ended", func() bool { return a.connected() == 0 })
	again := listen(t, 2, func(o *Options) { o.Peers = addresses([]*testNode{a}) }).begin()
	again.meets(1)
	a.logs("level=WARN msg=\"a peer was lost") // either warning is right: the machine may be slow
}

func TestAPeerThatStopsIsNoWarning(t *testing.T) {
	a := open(t, 1)
	b := open(t, 2, a)
	a.meets(1)
	b.meets(1)
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	a.logs("peer disconnected")
	if a.lost() != 0 || a.log.count("was lost") > 0 {
		t.Error("it is taken for lost")
	}
}

// TestWhatDoesNotAgreeIsNotConnected: a peer that knows another process with the same id dials this one.
func TestWhatDoesNotAgreeIsNotConnected(t *testing.T) {
	a := open(t, 1)
	copied := open(t, 1)
	b := open(t, 2, a, copied)
	b.meets(1)
	if b.Status().Peers[0].Run != a.o.Run {
		a, copied = copied, a
	}
	a.meets(1)
	copied.logs("two processes are node 1")
	if copied.log.count("peer connected")+copied.log.count("peer disconnected")+copied.log.count("was lost") > 0 {
		t.Error("it says that a peer was connected")
	}
}

func TestALineIsSaidAgainOnceThePeerWasWell(t *testing.T) {
	n := listen(t, 1, nil)
	warn := func() { n.quiet.warn("a peer cannot be reached", "b:1", "connection refused") }
	warn()
	warn()
	n.quiet.forget("b:10") // another peer
	warn()
	if got := n.log.count("cannot be reached"); got != 1 {
		t.Fatalf("%d lines", got)
	}
	n.quiet.forget("b:1")
	warn()
	if got := n.log.count("cannot be reached"); got != 2 {
		t.Errorf("%d lines", got)
	}
}

// freeAddress is an address without a listener.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}

// TestAPeerThatHasConnectedIsNotShownAsUnreachable: the peer connects long before this node would dial it again.
func TestAPeerThatHasConnectedIsNotShownAsUnreachable(t *testing.T) {
	address := freeAddress(t)
	a := listen(t, 1, func(o *Options) {
		o.Peers, o.Interval = []string{address}, time.Hour
	}).begin()
	a.logs("a peer cannot be reached")
	eventually(t, "it is shown as unreachable", func() bool { return len(a.Status().Dials) == 1 })
	for run := range 2 {
		b := listen(t, 2, func(o *Options) { o.Peers, o.Address = addresses([]*testNode{a}), address }).begin()
		eventually(t, "it connects", func() bool {
			s := a.Status()
			connected := len(s.Peers) == 1 && s.Peers[0].State > 0
			if connected && len(s.Dials) > 0 {
				t.Fatalf("start %d: connected, and %+v", run, s.Dials)
			}
			return connected
		})
		b.vanish()
		eventually(t, "it is gone", func() bool { return a.connected() == 0 && len(a.Status().Dials) == 1 })
		_ = b.Close()
	}
}

func TestAnUnreachablePeerHasAReasonAtAllTimes(t *testing.T) {
	b := open(t, 2)
	a := open(t, 1, b)
	a.meets(1)
	b.vanish()
	shown := 0
	for deadline := time.Now().Add(patience); shown < 500 && time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		for _, d := range a.Status().Dials {
			if shown++; d.Error == "" {
				t.Fatalf("%+v", d)
			}
		}
	}
	if shown < 500 {
		t.Errorf("it was shown %d times", shown)
	}
}
