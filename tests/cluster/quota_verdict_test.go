package cluster

import (
	"fmt"
	"os/exec"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/quotadb/quota-db/tests/internal/process"
	"github.com/quotadb/quota-db/tests/internal/wire"
)

// judgeQuotas says what is wrong with quotas once all nodes are healed and equal.
func (c *cluster) judgeQuotas(t *testing.T, running []*node) {
	t.Helper()
	q := &c.load.quotas
	end := time.Now().Add(briefWindow*time.Second + schedulingSlack)
	within(t, patience, "the end of transient quotas", func() (bool, string) { return time.Now().After(end), "" })
	var complaints []string
	ended := 0
	for _, k := range q.all {
		if k.ended != nil {
			ended++
		}
		for _, n := range running {
			complaints = append(complaints, k.judge(n.limits(t, k.name), fmt.Sprint("node ", n.id), c.load.losses)...)
		}
		if k.kind == permanent {
			first := running[0].limits(t, k.name)
			for _, n := range running[1:] {
				if got := n.limits(t, k.name); got != first {
					complaints = append(complaints, fmt.Sprintf("%s is %s at node %d and %s at node %d", k.name, first, running[0].id, got, n.id))
				}
			}
		}
	}
	complaints = append(complaints, judgeTakings(q.taken, len(c.nodes) > nodes)...)
	t.Logf("quotas: %d keys, %d of them ended, %d times tokens were taken", len(q.all), ended, len(q.taken))
	show(t, "quotas: ", complaints)
}

func (n *node) limits(t *testing.T, key string) string {
	t.Helper()
	return limits(askServer(t, n.server, "QUOTAGET", key))
}

// limits is a quota's limit and window, as QUOTAGET has answered, or nil.
func limits(v wire.Value) string {
	if len(v.Elems) < 2 {
		return "nil"
	}
	limit, _ := v.Elems[0].Int()
	window, _ := v.Elems[1].Int()
	return fmt.Sprintf("%d in %d s", limit, window)
}

// hasHeardAll reports whether the node that ended the quota had certainly heard of every change of its limits. An end
// removes only what its node has seen: a change by another node that a cut link delayed may win over it.
func (k *quotaKey) hasHeardAll() bool { return len(k.setters) == 1 && k.setters[k.ended.place] }

// judge says what is wrong with the limits that a node has in the end.
func (k *quotaKey) judge(limits, where string, losses []loss) (complaints []string) {
	if k.kind != permanent {
		return nil
	}
	mayBeLost := func(c change) bool { return c.mayBeLost(losses) }
	switch {
	case k.ended != nil && k.hasHeardAll() && limits != "nil" && !mayBeLost(*k.ended):
		return []string{fmt.Sprintf("%s is %s at %s, but was ended by %q in place %d at %s", k.name, limits, where, k.by, k.ended.place, clock(k.ended.at))}
	case !k.ending && limits == "nil" && slices.ContainsFunc(k.set, func(c change) bool { return !mayBeLost(c) }):
		return []string{fmt.Sprintf("%s is no quota at %s, but nobody has ended it", k.name, where)}
	}
	return nil
}

// judgeTakings checks every interval that begins with one taking and ends with another of the same key. If two
// processes were one node at the same time, which no law covers, the copy may have given that node's part once more.
func judgeTakings(all []taking, twice bool) (complaints []string) {
	by := map[*quotaKey][]taking{}
	for _, one := range all {
		by[one.key] = append(by[one.key], one)
	}
	for key, list := range by {
		limit := slices.Max(key.limits)
		if twice {
			limit += (limit + nodes - 1) / nodes
		}
		slices.SortFunc(list, func(x, y taking) int { return x.ended.Compare(y.ended) })
		for i := range list {
			tokens := 0
			for j := i; j < len(list); j++ { // list[j] ends last; those that begin before list[i] are left out
				if list[j].begun.Before(list[i].begun) {
					continue
				}
				tokens += list[j].tokens
				long := list[j].ended.Sub(list[i].begun).Seconds()
				if most := float64(limit) * (1 + long/quotaWindow); float64(tokens) > most {
					complaints = append(complaints, fmt.Sprintf("%d tokens of %s were admitted in %.3f s, from %s to %s; its limits are %v; at each place: %v",
						tokens, key.name, long, clock(list[i].begun), clock(list[j].ended), key.limits, perPlace(list)))
					j = len(list)
				}
			}
			if len(complaints) > 0 {
				break
			}
		}
	}
	return complaints
}

// perPlace sums takings by their place.
func perPlace(list []taking) map[int]int {
	sums := map[int]int{}
	for _, one := range list {
		sums[one.place] += one.tokens
	}
	return sums
}

// startAgain stops all nodes, looks at their files, starts them, and wants everything to be as it was.
func (c *cluster) startAgain(t *testing.T, running []*node) {
	t.Helper()
	type shown struct {
		digest string
		values map[string]string
		limits map[string]string
	}
	look := func(n *node) shown {
		s := shown{digest(t, n.server), contents(t, n.server), map[string]string{}}
		for _, k := range c.load.quotas.all {
			if k.kind == permanent {
				s.limits[k.name] = n.limits(t, k.name)
			}
		}
		return s
	}
	before := map[*node]shown{}
	for _, n := range running {
		before[n] = look(n)
	}
	for _, n := range running {
		n.server.Signal(t, syscall.SIGTERM)
		if code := n.server.Exit(t); code != 0 {
			t.Fatalf("node %d stopped with code %d:\n%s", n.id, code, n.server.Output())
		}
		if out, err := exec.Command(process.Binary(t), "check", n.dir).CombinedOutput(); err != nil {
			t.Errorf("node %d: check: %v\n%s", n.id, err, out)
		}
	}
	for _, n := range running {
		n.server = c.launch(t, n.place, nodeFlags(n)...)
	}
	for _, n := range running {
		after := look(n)
		if after.digest != before[n].digest {
			t.Errorf("node %d: its digest was %s, and is %s after a restart of all", n.id, before[n].digest, after.digest)
		}
		for what, maps := range map[string][2]map[string]string{"values": {before[n].values, after.values}, "limits": {before[n].limits, after.limits}} {
			for _, d := range differences(maps[0], maps[1]) {
				t.Errorf("node %d, %s before and after a restart of all: %s", n.id, what, d)
			}
		}
	}
}
