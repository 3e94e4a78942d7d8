package command

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/quotadb/quota-db/shares"
)

// takers are the commands that take n tokens of a quota of 9 per 90 s, and what they answer.
var takers = []struct {
	name    string
	words   func(key string, n int) []string
	taken   func(left int) string
	refused string // as far as it is the same for all
}{
	{"INCRBY", func(key string, n int) []string { return []string{"INCRBY", key, fmt.Sprint(n)} },
		func(left int) string { return fmt.Sprintf(":%d\r\n", left) }, ":-1\r\n"},
	{"QUOTAINCR", func(key string, n int) []string { return []string{"QUOTAINCR", key, "9", "90", fmt.Sprint(n)} },
		func(left int) string { return fmt.Sprintf(":%d\r\n", left) }, ":-1\r\n"},
	{"QUOTAINCR FULL", func(key string, n int) []string { return []string{"QUOTAINCR", key, "9", "90", fmt.Sprint(n), "FULL"} },
		func(left int) string { return fmt.Sprintf("*5\r\n:1\r\n:9\r\n:%d\r\n:0\r\n:", left) }, "*5\r\n:0\r\n:9\r\n"},
	{"CL.THROTTLE", func(key string, n int) []string { return []string{"CL.THROTTLE", key, "8", "9", "90", fmt.Sprint(n)} },
		func(left int) string { return fmt.Sprintf("*5\r\n:0\r\n:9\r\n:%d\r\n:-1\r\n:", left) }, "*5\r\n:1\r\n:9\r\n"},
}

// TestOneNodeReachesAllTokensOfTheCluster takes 3 of the node's own 3 tokens, then those of the other two.
func TestOneNodeReachesAllTokensOfTheCluster(t *testing.T) {
	for _, by := range takers {
		c := newCompany(t, 3, nil)
		c.do(0, "QUOTASET", "k", "9", "90")
		if by.name != "INCRBY" {
			c.do(0, "DEL", "k")
		}
		begins := func(got, want string) {
			t.Helper()
			if !strings.HasPrefix(got, want) {
				t.Fatalf("%s: got %q, want %q", by.name, got, want)
			}
		}
		begins(c.do(0, by.words("k", 2)...), by.taken(7))
		begins(c.doLate(0, by.words("k", 3)...), by.taken(4))
		begins(c.doLate(0, by.words("k", 4)...), by.taken(0))
		asks := c.asks
		begins(c.do(0, by.words("k", 1)...), by.refused)
		begins(c.do(0, by.words("k", 10)...), by.refused)
		c.deliver()
		if c.asks != asks {
			t.Errorf("%s: %d messages for takes that were refused", by.name, c.asks-asks)
		}
		c.pass(10 * time.Second) // each node has earned a third of a token
		begins(c.do(0, by.words("k", 1)...), by.refused)
		c.pass(20*time.Second + 1)
		begins(c.do(0, by.words("k", 1)...), by.taken(2))
		begins(c.doLate(0, by.words("k", 2)...), by.taken(0))
	}
}

func TestNothingWaitsInATransactionOrInsideTheServerOrWithoutAWait(t *testing.T) {
	c := newCompany(t, 3, nil)
	c.do(0, "QUOTASET", "k", "3", "60")
	if got := c.do(0, "INCR", "k"); got != ":2\r\n" {
		t.Fatalf("the own token: %q", got)
	}
	c.do(0, "MULTI")
	c.do(0, "INCR", "k")
	c.do(0, "GET", "k")
	if got := c.do(0, "EXEC"); got != "*2\r\n:-1\r\n$1\r\n2\r\n" {
		t.Errorf("MULTI: %q", got)
	}
	inside := c.nodes[0].Connect("inside", "", Connection{})
	if v, turn, err := c.nodes[0].x.Call(inside, words([]string{"INCR", "k"})); err != nil || v.Int != -1 || turn.Next != Done {
		t.Errorf("inside: %v, %v, %v", v, turn, err)
	}
	c.do(0, "CONFIG", "SET", "quota-wait-ms", "0")
	if got := c.do(0, "INCR", "k"); got != ":-1\r\n" {
		t.Errorf("without a wait: %q", got)
	}
	if c.deliver(); c.asks != 0 {
		t.Errorf("%d messages", c.asks)
	}
}

func TestATakeThatWaitsHoldsOnlyItsOwnClient(t *testing.T) {
	c := newCompany(t, 2, nil)
	b := c.nodes[0]
	c.do(0, "QUOTASET", "k", "2", "60")
	c.do(0, "INCR", "k")
	batch := [][][]byte{words([]string{"INCR", "n"}), words([]string{"INCR", "k"}), words([]string{"INCR", "n"}), words([]string{"PING"})}
	if got := b.run(b.client, batch); got != ":1\r\n" || b.turn.Next != Late || b.turn.Ran != 2 || b.turn.Wait != 20*time.Millisecond {
		t.Fatalf("got %q, turn %+v", got, b.turn)
	}
	other := b.Connect("other:1", "b:2", Connection{})
	if got := b.run(other, [][][]byte{words([]string{"INCR", "n"})}); got != ":2\r\n" {
		t.Errorf("another client: %q", got)
	}
	if got := b.run(b.client, batch[2:]); got != "" || b.turn.Next != Late {
		t.Errorf("roused too early: %q, %+v", got, b.turn)
	}
	if c.deliver(); c.roused == 0 {
		t.Error("the client was not roused")
	}
	if got := b.run(b.client, batch[2:]); got != ":0\r\n:3\r\n+PONG\r\n" || b.turn.Next != Done {
		t.Errorf("got %q, turn %+v", got, b.turn)
	}
}

// TestTokensThatAreNotUsedGoBack lets clients end while others have taken tokens for them.
func TestTokensThatAreNotUsedGoBack(t *testing.T) {
	for name, end := range map[string]func(c *company, b *bench) (reply string){
		"the client disconnects": func(_ *company, b *bench) string {
			b.Disconnect(b.client)
			return ""
		},
		"the server stops": func(_ *company, b *bench) string {
			b.client.Hurry()
			return b.run(b.client, nil)
		},
		"the time is over": func(c *company, b *bench) string {
			c.pass(20 * time.Millisecond)
			return b.run(b.client, nil)
		},
		"the tokens here are gone": func(c *company, b *bench) string { // and nobody has others
			other := b.Connect("other:1", "b:2", Connection{})
			b.run(other, [][][]byte{words([]string{"INCRBY", "k", "1"})})
			c.deliver()
			return b.run(b.client, nil)
		},
	} {
		for _, early := range []bool{false, true} { // before the ask has left, or while the answer is on its way
			c := newCompany(t, 2, nil)
			b := c.nodes[0]
			c.do(0, "QUOTASET", "k", "4", "600000")
			c.do(0, "INCR", "k")
			if out := c.do(0, "INCRBY", "k", "3"); out != "" {
				t.Fatalf("%s: %q", name, out)
			}
			if !early && name != "the tokens here are gone" {
				c.deliver()
			}
			reply, want := end(c, b), uint64(2)
			c.deliver()
			if reply == ":0\r\n" { // all have come in time
				want = 0
			}
			if left, known := c.level(1, "k"); known && left != want {
				t.Errorf("%s, early %v, reply %q: %d tokens are left at the other node, want %d", name, early, reply, left, want)
			} else if !known && !early {
				t.Errorf("%s: the other node was never asked", name)
			}
		}
	}
}

// TestTokensThatComeAfterTheReplyGoBack: this node's own tokens refill while another node is slow. So the command is
// answered without that node's tokens.
func TestTokensThatComeAfterTheReplyGoBack(t *testing.T) {
	for _, test := range []struct {
		name    string
		second  bool // the first order has brought its tokens, and the second one is under way
		sent    bool // the ask has left before the reply
		hurried bool // the server stops; otherwise the time is over
	}{{"before the ask has left", false, false, false}, {"the ask has left", false, true, false},
		{"the second order", true, true, false}, {"the server stops", false, true, true}} {
		c := newCompany(t, 2, nil)
		b := c.nodes[0]
		c.do(0, "QUOTASET", "k", "8", "80ms") // a token here every 20 ms
		c.do(0, "INCRBY", "k", "3")
		if out := c.do(0, "INCRBY", "k", "2"); out != "" {
			t.Fatalf("%s: %q", test.name, out)
		}
		if test.second {
			b.run(b.Connect("other:1", "b:2", Connection{}), [][][]byte{words([]string{"INCR", "k"})})
			c.deliver()
			if out := b.run(b.client, nil); out != "" {
				t.Fatalf("%s: %q", test.name, out)
			}
		}
		back, open := uint64(0), []shares.Ask{}
		send := func() {
			b.Desk.Send(2, c.now(), func() bool { return true }, func(a *shares.Ask) { open = append(open, *a) },
				func(l shares.Back) { back += l.Tokens })
		}
		if test.sent {
			send()
		}
		if test.hurried {
			b.run(b.Connect("other:2", "b:2", Connection{}), [][][]byte{words([]string{"QUOTAGIVE", "k", "1"})})
			b.client.Hurry()
		} else {
			b.passed += 20 * time.Millisecond // and the desk has no tick
		}
		if out := b.run(b.client, nil); !strings.HasPrefix(out, ":") || out == ":-1\r\n" {
			t.Fatalf("%s: %q", test.name, out)
		}
		came := uint64(0)
		send()
		for _, a := range open {
			came += a.Want.Tokens
			if err := b.Desk.Heard(2, shares.Took{Number: a.Number, Tokens: a.Want.Tokens}, c.now()); err != nil {
				t.Fatal(err)
			}
		}
		send()
		if back != came || test.sent && came == 0 {
			t.Errorf("%s: %d tokens have come after the reply, and %d go back", test.name, came, back)
		}
	}
}

func TestInfoCountsWhatHappensToTakes(t *testing.T) {
	c := newCompany(t, 2, nil)
	c.do(0, "QUOTASET", "k", "4", "600000")
	c.do(0, "INCRBY", "k", "2")
	c.doLate(0, "INCR", "k")
	c.do(0, "INCRBY", "k", "2") // more than there are
	c.do(0, "INCR", "k")
	c.nodes[0].Disconnect(c.nodes[0].client)
	c.deliver()
	c.nodes[0].x.Settle()
	other := c.nodes[0].Connect("other:1", "b:2", Connection{})
	got := c.nodes[0].run(other, [][][]byte{words([]string{"INFO", "quotas"})})
	expectLines(t, got, "quota_state:in_force", "quota_members:1,2", "quota_is_member:1", "quota_admitted:2", "quota_denied:1",
		"quota_waited:2", "quota_waited_granted:1", "quota_waited_cancelled:1", "quota_denied_at_once:1",
		"quota_tokens_from_others:1", "quota_asks_sent:1")
	alone := newBench(t, nil)
	alone.do("QUOTAINCR", "k", "1", "60")
	alone.do("QUOTAINCR", "k", "1", "60")
	expectLines(t, alone.do("INFO", "quotas"), "quota_state:whole", "quota_waits_for:", "quota_admitted:1", "quota_denied:1")
	alone.do("CONFIG", "RESETSTAT")
	expectLines(t, alone.do("INFO", "quotas"), "quota_admitted:0", "quota_denied:0")
}

func TestQuotasOfANodeThatWaitsForTheFoundingAreErrorsThatSayWhy(t *testing.T) {
	b := newBench(t, nil)
	b.do("QUOTASET", "k", "5", "60")
	b.DB.SetPart(shares.Part{State: shares.Waiting, Node: 1, Why: "a connection with 127.0.0.1:7002"})
	want := "-TRYAGAIN quotas can be used once all nodes of the cluster have met; this node waits for a connection with 127.0.0.1:7002\r\n"
	for _, command := range []string{"QUOTASET k 9 60", "QUOTAINCR k 5 60", "CL.THROTTLE k 4 5 60", "INCR k", "INCRBY k 2"} {
		if got := b.do(strings.Fields(command)...); got != want {
			t.Errorf("%s: %q", command, got)
		}
	}
	if got := b.do("INCR", "n"); got != ":1\r\n" {
		t.Errorf("a counter: %q", got)
	}
	expectLines(t, b.do("INFO", "quotas"), "quota_state:waiting", "quota_waits_for:a connection with 127.0.0.1:7002", "quota_denied:0")
}

// TestATakeThatWaitsObeysCLIENTPAUSE: tokens of others may come during a pause, but none is taken here.
func TestATakeThatWaitsObeysCLIENTPAUSE(t *testing.T) {
	c := newCompany(t, 2, nil)
	b := c.nodes[0]
	c.do(0, "QUOTASET", "k", "4", "600000")
	c.do(0, "INCR", "k")
	if out := c.do(0, "INCRBY", "k", "3"); out != "" {
		t.Fatal(out)
	}
	other := b.Connect("other:1", "b:2", Connection{})
	b.run(other, [][][]byte{words([]string{"CLIENT", "PAUSE", "500", "WRITE"})})
	c.deliver()
	c.pass(100 * time.Millisecond)
	if out := b.run(b.client, nil); out != "" || b.turn.Next != Late || b.turn.Wait != 400*time.Millisecond {
		t.Fatalf("during the pause: %q, %+v", out, b.turn)
	}
	if left, _ := c.level(0, "k"); left != 1 {
		t.Errorf("during the pause %d tokens are here, of 1", left)
	}
	c.pass(400 * time.Millisecond)
	if out := b.run(b.client, nil); out != ":0\r\n" {
		t.Errorf("after the pause: %q", out)
	}
}

func TestATakeThatWaitsHasNoReplyWithCLIENTREPLYOff(t *testing.T) {
	c := newCompany(t, 2, nil)
	c.do(0, "QUOTASET", "k", "2", "60")
	c.do(0, "INCR", "k")
	c.do(0, "CLIENT", "REPLY", "OFF")
	if out := c.doLate(0, "INCR", "k"); out != "" {
		t.Errorf("got %q", out)
	}
	if got := c.do(0, "CLIENT", "REPLY", "ON") + c.do(0, "INCR", "k"); got != "+OK\r\n:-1\r\n" {
		t.Errorf("then %q", got)
	}
}

// TestAQuotaThatEndsWhileATakeWaitsIsACounterAgain: the tokens that have come go back.
func TestAQuotaThatEndsWhileATakeWaitsIsACounterAgain(t *testing.T) {
	c := newCompany(t, 2, nil)
	b := c.nodes[0]
	c.do(0, "INCRBY", "k", "40")
	c.do(0, "QUOTASET", "k", "4", "600000")
	c.do(0, "INCRBY", "k", "2")
	if out := c.do(0, "INCRBY", "k", "2"); out != "" {
		t.Fatal(out)
	}
	c.deliver()
	other := b.Connect("other:1", "b:2", Connection{})
	b.run(other, [][][]byte{words([]string{"QUOTADEL", "k"})})
	if out := b.run(b.client, nil); out != ":42\r\n" {
		t.Errorf("got %q", out)
	}
	c.deliver()
	if left, _ := c.level(1, "k"); left != 2 {
		t.Errorf("%d tokens are at the other node, of 2", left)
	}
}

// TestWhatRemainsIsExactAfterALook: a node that has not heard of takes elsewhere thinks that other parts are full.
func TestWhatRemainsIsExactAfterALook(t *testing.T) {
	for _, command := range []string{"GET k", "QUOTAGET k", "INCRBY k 0", "QUOTAINCR k 9 90 0"} {
		want := map[string]string{"GET k": "$1\r\n5\r\n", "QUOTAGET k": "*3\r\n:9\r\n:90\r\n:5\r\n"}[command]
		if want == "" {
			want = ":5\r\n"
		}
		c := newCompany(t, 3, nil)
		for i := range c.nodes {
			c.do(i, "QUOTASET", "k", "9", "90")
		}
		c.do(1, "INCRBY", "k", "2")
		c.do(2, "INCRBY", "k", "2")
		if got := c.doLate(0, strings.Fields(command)...); got != want {
			t.Errorf("%s: got %q", command, got)
		}
		if got := c.do(0, strings.Fields(command)...); got != want {
			t.Errorf("%s again, at once: got %q", command, got)
		}
		c.cut(0, 1)
		c.cut(0, 2)
		c.pass(time.Second)
		if got := c.do(0, "GET", "k"); got != "$1\r\n3\r\n" {
			t.Errorf("cut off: got %q", got)
		}
		expectFull := "*9\r\n:9\r\n:90\r\n:3\r\n:0\r\n:0\r\n:3\r\n:3\r\n:0\r\n:6\r\n"
		if got := c.do(0, "QUOTAGET", "k", "FULL"); got != expectFull {
			t.Errorf("cut off: got %q", got)
		}
	}
}

// TestRetryAfterIsThatOfTheWholeCluster: L tokens in W seconds on three nodes come back as fast as on one node.
func TestRetryAfterIsThatOfTheWholeCluster(t *testing.T) {
	c := newCompany(t, 3, nil)
	full := func(n string) string { return c.do(0, "QUOTAINCR", "k", "9", "90", n, "FULL") }
	c.do(0, "QUOTAINCR", "k", "9", "90", "3")
	c.doLate(0, "QUOTAINCR", "k", "9", "90", "6")
	for n, want := range map[string]string{
		"1":  "*5\r\n:0\r\n:9\r\n:0\r\n:30000\r\n:90000\r\n", // each of the nodes has one after 30 s
		"3":  "*5\r\n:0\r\n:9\r\n:0\r\n:30000\r\n:90000\r\n",
		"4":  "*5\r\n:0\r\n:9\r\n:0\r\n:60000\r\n:90000\r\n",
		"9":  "*5\r\n:0\r\n:9\r\n:0\r\n:90000\r\n:90000\r\n",
		"10": "*5\r\n:0\r\n:9\r\n:0\r\n:-1\r\n:90000\r\n",
	} {
		if got := full(n); got != want {
			t.Errorf("%s tokens: got %q, want %q", n, got, want)
		}
	}
	if got := c.do(0, "CL.THROTTLE", "k", "8", "9", "90"); got != "*5\r\n:1\r\n:9\r\n:0\r\n:30\r\n:90\r\n" {
		t.Errorf("CL.THROTTLE: %q", got)
	}
	c.cut(0, 1)
	c.cut(0, 2)
	if got := full("4"); got != "*5\r\n:0\r\n:9\r\n:0\r\n:-1\r\n:90000\r\n" {
		t.Errorf("more than the node's part while it is cut off: %q", got)
	}
}

func TestALookThatNobodyAnswersEndsInTime(t *testing.T) {
	for _, command := range []string{"GET k", "QUOTAGET k", "INCRBY k 0", "QUOTAINCR k 9 90 0"} {
		c := newCompany(t, 3, nil)
		b := c.nodes[0]
		c.do(0, "QUOTASET", "k", "9", "90")
		if out := c.do(0, strings.Fields(command)...); out != "" || b.turn.Next != Late || b.turn.Wait != 20*time.Millisecond {
			t.Fatalf("%s: %q, %+v", command, out, b.turn)
		}
		c.pass(20 * time.Millisecond)
		if out := b.run(b.client, nil); !strings.Contains(out, "9\r\n") || b.turn.Next != Done {
			t.Errorf("%s: %q, %+v", command, out, b.turn)
		}
	}
}

// BenchmarkRunIncrOfAQuota16 is INCR of quotas in a batch of 16: on a node alone, on one of three nodes with tokens of
// its own, and refused on one of three nodes.
func BenchmarkRunIncrOfAQuota16(b *testing.B) {
	for _, test := range []struct {
		name  string
		nodes int
		limit string
	}{{"alone", 1, "1000000000000000"}, {"one of three", 3, "1000000000000000"}, {"refused", 3, "3"}} {
		b.Run(test.name, func(b *testing.B) {
			c := newCompany(b, test.nodes, nil)
			s := c.nodes[0]
			if test.nodes == 1 {
				s.Desk = nil
			}
			batch := pipeline(16, "INCR", "quota:#")
			for _, command := range batch {
				key := string(command[1])
				s.do("QUOTASET", key, test.limit, "1000000")
				for s.do("INCR", key); test.limit == "3" && s.turn.Next == Done; {
					if s.do("INCR", key) == ":-1\r\n" {
						break
					}
					c.deliver()
					s.run(s.client, nil)
				}
			}
			var out []byte
			b.ReportAllocs()
			for b.Loop() {
				out, _ = s.x.Run(s.client, batch, out[:0])
			}
		})
	}
}
