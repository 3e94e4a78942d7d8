package cluster

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/quotadb/quota-db/tests/internal/process"
)

// longWindow is so long that no token is earned in a test, in seconds.
const longWindow = "1000000"

// drain takes single tokens at a node until it refuses one, and returns how many it got.
func (r *trio) drain(t *testing.T, place int, key, limit string) (tokens int) {
	t.Helper()
	for {
		left, ok := ask(t, r.conns[place], "QUOTAINCR", key, limit, longWindow).Int()
		if !ok || left < 0 {
			return tokens
		}
		tokens++
	}
}

// asks is how many messages for tokens all nodes have sent.
func (r *trio) asks(t *testing.T) (sum int) {
	t.Helper()
	for _, s := range r.servers {
		sum += quotaFigure(t, s, "asks_sent")
	}
	return sum
}

// apart waits until the nodes on two sides know that they are not connected.
func (r *trio) apart(t *testing.T, place, others int) {
	t.Helper()
	within(t, patience, "a node notices that it is cut off", func() (bool, string) {
		all, peers := replication(t, r.servers[place])
		offline := 0
		for _, p := range peers {
			if p["state"] == "offline" {
				offline++
			}
		}
		return offline == others, all["cluster_state"]
	})
}

// together waits until all nodes are connected and have their parts of quotas.
func (r *trio) together(t *testing.T) {
	t.Helper()
	r.connected(t)
	founded(t, r.servers[:]...)
}

func TestAllTokensAreServedWhereverTheyAreAskedForAndNoMore(t *testing.T) {
	t.Parallel()
	r := newTrio(t)
	for _, limit := range []int{1, 2, 3, 5, 40} {
		for place := range nodes {
			key := "k" + itoa(limit) + ":" + itoa(place)
			if got := r.drain(t, place, key, itoa(limit)); got != limit {
				t.Errorf("node %d gives %d tokens of %d", place+1, got, limit)
			}
			for other := range nodes {
				if got := r.drain(t, other, key, itoa(limit)); got != 0 {
					t.Errorf("node %d gives %d tokens more than %d", other+1, got, limit)
				}
				if left, _ := ask(t, r.conns[other], "QUOTAINCR", key, itoa(limit), longWindow, "0").Int(); left != 0 {
					t.Errorf("node %d says that %d tokens remain of 0", other+1, left)
				}
			}
		}
	}
	before := r.asks(t)
	for range 500 {
		for place := range nodes {
			if got := r.drain(t, place, "k5:0", "5"); got != 0 {
				t.Fatalf("a token of an exhausted quota")
			}
		}
	}
	if sent := r.asks(t) - before; sent > 0 {
		t.Errorf("%d asks for 1500 takes that were refused", sent)
	}
}

func TestNothingWaitsForOtherNodesInMULTIOrWithAWaitOfZero(t *testing.T) {
	t.Parallel()
	r := newTrio(t)
	r.do(t, 0, "+OK", "QUOTASET", "k", "9", longWindow)
	r.limited(t, "k", 9, 1000000)
	take := func() (tokens int) {
		for {
			r.do(t, 0, "+OK", "MULTI")
			r.do(t, 0, "+QUEUED", "INCR", "k")
			if left, _ := ask(t, r.conns[0], "EXEC").Elems[0].Int(); left < 0 {
				return tokens
			}
			tokens++
		}
	}
	if got := take(); got != 3 {
		t.Errorf("%d tokens of 9 by MULTI on one of three nodes", got)
	}
	r.do(t, 1, "+OK", "CONFIG", "SET", "quota-wait-ms", "0")
	got := 0
	for left := int64(0); left >= 0; got++ {
		left, _ = ask(t, r.conns[1], "INCR", "k").Int()
	}
	if got--; got != 3 {
		t.Errorf("%d tokens of 9 without a wait on one of three nodes", got)
	}
	if sent := r.asks(t); sent != 0 {
		t.Errorf("%d asks", sent)
	}
	r.do(t, 0, ":2", "INCR", "k") // the third node's
}

func TestACutOffNodeGivesItsShareAndNoLess(t *testing.T) {
	t.Parallel()
	r := newTrio(t)
	r.around(2, mode{kind: cut})
	r.apart(t, 2, nodes-1)
	r.apart(t, 0, 1)
	r.apart(t, 1, 1)
	if got := r.drain(t, 2, "k", "30"); got != 10 {
		t.Errorf("the node alone gives %d of its 10 tokens", got)
	}
	v := ask(t, r.conns[0], "QUOTAINCR", "k", "30", longWindow, "0")
	if v.String() != ":20" {
		t.Errorf("the two others have %v tokens, of 20", v)
	}
	if got := r.drain(t, 0, "k", "30"); got != 20 {
		t.Errorf("the two others give %d tokens, of 20", got)
	}
	if full := ask(t, r.conns[0], "QUOTAGET", "k", "FULL"); len(full.Elems) != 9 || full.Elems[8].String() != ":10" {
		t.Errorf("stranded: %v", full)
	}
	r.heal()
	r.together(t)
	for place := range nodes {
		if got := r.drain(t, place, "k", "30"); got != 0 {
			t.Errorf("after the cut node %d gives %d tokens more", place+1, got)
		}
	}
}

func TestNoKillWipeOrOlderDiskRefillsAQuota(t *testing.T) {
	t.Parallel()
	for name, harm := range map[string]func(t *testing.T, r *trio){
		"a kill": func(t *testing.T, r *trio) {},
		"a wipe": func(t *testing.T, r *trio) {
			if err := os.RemoveAll(r.nodes[2].dir); err != nil {
				t.Fatal(err)
			}
		},
		"an older disk": func(t *testing.T, r *trio) {
			old := r.nodes[2].dir
			r.nodes[2].dir = old + ".old"
			if err := os.RemoveAll(old); err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newTrio(t)
			r.stop(t, 2)
			if err := os.CopyFS(r.nodes[2].dir+".old", os.DirFS(r.nodes[2].dir)); err != nil {
				t.Fatal(err)
			}
			r.run(t, 2)
			r.together(t)
			r.do(t, 2, "+OK", "QUOTASET", "p", "12", longWindow)
			r.limited(t, "p", 12, 1000000)
			taken := map[string]int{"p": 4, "t": r.drain(t, 2, "t", "12")}
			r.do(t, 2, ":8", "INCRBY", "p", "4")
			if taken["t"] != 12 {
				t.Fatalf("%d tokens of 12", taken["t"])
			}
			r.equal(t)
			r.servers[2].Signal(t, syscall.SIGKILL)
			r.servers[2].Exit(t)
			harm(t, r)
			r.run(t, 2)
			for range 2 { // at once, and when all are connected
				for place := range nodes {
					taken["t"] += r.drain(t, place, "t", "12")
					for {
						v, err := r.conns[place].Do("INCR", "p")
						if err != nil {
							t.Fatal(err)
						}
						if left, ok := v.Int(); !ok || left < 0 {
							break
						}
						if taken["p"]++; taken["p"] > 12 {
							break
						}
					}
				}
				r.together(t)
				r.limited(t, "p", 12, 1000000)
			}
			if taken["t"] > 12 || taken["p"] > 12 {
				t.Errorf("tokens taken of 12: %v", taken)
			}
			if taken["p"] < 8 { // the parts of the other nodes
				t.Errorf("%d tokens of 12 were reached", taken["p"])
			}
		})
	}
}

func TestTwoLimitsOnTwoSidesOfACutAdmitTheLargerOne(t *testing.T) {
	t.Parallel()
	r := newTrio(t)
	r.around(2, mode{kind: cut})
	r.apart(t, 2, nodes-1)
	r.apart(t, 0, 1)
	r.do(t, 0, "+OK", "QUOTASET", "k", "30", longWindow)
	r.do(t, 2, "+OK", "QUOTASET", "k", "12", longWindow)
	taken := 0
	take := func() {
		for place := range nodes {
			for {
				left, ok := ask(t, r.conns[place], "INCR", "k").Int()
				if !ok || left < 0 {
					break
				}
				taken++
			}
		}
	}
	within(t, patience, "the quota is on both sides", func() (bool, string) {
		v := ask(t, r.conns[1], "QUOTAGET", "k")
		return limits(v) == "30 in 1000000 s", v.String()
	})
	take()
	r.heal()
	r.together(t)
	r.equal(t)
	take()
	if taken > 30 || taken < 20 {
		t.Errorf("%d tokens of limits 30 and 12", taken)
	}
	// A quota that is made anew begins full.
	r.do(t, 1, ":1", "QUOTADEL", "k")
	r.becomes(t, "*nil", "QUOTAGET", "k")
	r.do(t, 0, "+OK", "QUOTASET", "k", "9", longWindow)
	r.limited(t, "k", 9, 1000000)
	taken = 0
	within(t, patience, "all tokens of the new quota", func() (bool, string) {
		take()
		return taken >= 9, itoa(taken)
	})
	if taken != 9 {
		t.Errorf("%d tokens of 9", taken)
	}
}

// TestADirectoryWithPeersOfAnEarlierReleaseHasWholeQuotasUntilAllHaveMet: such a directory has no file MEMBERS.
func TestADirectoryWithPeersOfAnEarlierReleaseHasWholeQuotasUntilAllHaveMet(t *testing.T) {
	t.Parallel()
	r := newTrio(t)
	for place := range nodes {
		r.stop(t, place)
		if err := os.Remove(r.nodes[place].dir + "/MEMBERS"); err != nil {
			t.Fatal(err)
		}
	}
	r.run(t, 0)
	within(t, patience, "whole quotas, once nobody has said that there is a cluster", func() (bool, string) {
		state := fields(askServer(t, r.servers[0], "INFO", "quotas").Text)["quota_state"]
		return state == "whole", state
	})
	if got := r.drain(t, 0, "k", "9"); got != 9 {
		t.Errorf("the first node gives %d tokens of 9", got)
	}
	r.run(t, 1)
	r.run(t, 2)
	r.together(t)
	for place := range nodes { // what was used before nobody knows
		if got := r.drain(t, place, "k", "9"); got != 0 {
			t.Errorf("node %d gives %d tokens more after the founding", place+1, got)
		}
	}
}

func TestAQuotaThatIsUsedUpBeforeTheFirstPeersIsUsedUpInTheCluster(t *testing.T) {
	t.Parallel()
	r := &trio{links: newLinks(t)}
	for place := range nodes {
		r.nodes[place] = &node{place: place, id: place + 1, level: "interval", dir: filepath.Join(t.TempDir(), "data")}
	}
	r.servers[0] = process.QuotaDB(t, nodeFlags(r.nodes[0])...)
	r.conns[0] = r.servers[0].Dial(t)
	if got := r.drain(t, 0, "k", "9"); got != 9 {
		t.Errorf("a node without peers gives %d tokens of 9", got)
	}
	r.stop(t, 0)
	for place := range nodes {
		r.run(t, place)
	}
	r.together(t)
	for place := range nodes {
		if got := r.drain(t, place, "k", "9"); got != 0 {
			t.Errorf("node %d gives %d tokens more", place+1, got)
		}
	}
}

func TestANodeThatWaitsForItsPeersSaysForWhom(t *testing.T) {
	t.Parallel()
	s := process.QuotaDB(t, "--peers", "127.0.0.1:1", "--replication-port", "0")
	c := s.Dial(t)
	for _, words := range []string{"QUOTASET k 5 60", "QUOTAINCR k 5 60", "CL.THROTTLE k 4 5 60"} {
		v, err := c.Do(strings.Fields(words)...)
		if err != nil || !v.IsError() || !strings.HasPrefix(v.Text, "TRYAGAIN ") || !strings.Contains(v.Text, "127.0.0.1:1") {
			t.Errorf("%s: %v, %v", words, v, err)
		}
	}
	if v := ask(t, c, "INCR", "n"); v.String() != ":1" {
		t.Errorf("a counter: %v", v)
	}
}
