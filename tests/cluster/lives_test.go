package cluster

import (
	"os"
	"syscall"
	"testing"
)

// TestALifeGoesOnOnlyWithEveryPeersConfirmation restarts a node in all ways, and checks under which life it counts
// afterwards.
func TestALifeGoesOnOnlyWithEveryPeersConfirmation(t *testing.T) {
	t.Parallel()
	r := newTrio(t)
	const place = 2
	r.do(t, place, ":1", "INCR", "k")
	own := life(t, r.servers[place])

	r.restart(t, place)
	r.connected(t)
	if after := life(t, r.servers[place]); after != own {
		t.Errorf("after a clean stop the life is %s, not %s", after, own)
	}
	// same is whether the life goes on, which it does not in all that follows.
	same := func(what string) {
		t.Helper()
		r.connected(t)
		after := life(t, r.servers[place])
		if after == own {
			t.Errorf("%s: the life goes on", what)
		}
		own = after
		r.do(t, place, "+PONG", "PING")
		if _, err := r.conns[place].Do("INCR", "k"); err != nil {
			t.Fatal(err)
		}
		r.equal(t) // otherwise a kill may lose it
	}

	r.stop(t, place)
	r.between(0, place, mode{kind: cut})
	r.run(t, place)
	r.heal()
	same("a peer could not be asked")

	r.servers[place].Signal(t, syscall.SIGKILL)
	r.servers[place].Exit(t)
	r.run(t, place)
	same("killed")

	r.stop(t, place)
	old := duplicate(t, r.nodes[place])
	r.run(t, place)
	r.connected(t)
	r.stop(t, place)
	restore(r.nodes[place], old)
	r.run(t, place)
	same("an older copy")

	r.stop(t, place)
	if err := os.RemoveAll(r.nodes[place].dir); err != nil {
		t.Fatal(err)
	}
	r.run(t, place)
	same("a wiped disk")
	r.becomes(t, `$"5"`, "GET", "k")
	r.equal(t)
}
