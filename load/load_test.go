package load

import (
	"errors"
	"maps"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/quotadb/quota-db/config"
	"github.com/quotadb/quota-db/remote"
)

func TestEveryTestOfTheCommandLineHasACommand(t *testing.T) {
	for _, name := range config.BenchTests {
		if commandOf(name, newKeyspace("p:", 1), Plan{Keys: 1}) == nil {
			t.Errorf("%s has none", name)
		}
	}
}

func TestABoundedLoadSendsExactlySoMany(t *testing.T) {
	x := &test{plan: Plan{Requests: 10, Pipeline: 4}}
	x.left.Store(10)
	sum := 0
	for _, want := range []int{4, 4, 2, 0, 0} {
		got := x.take()
		if sum += got; got != want {
			t.Errorf("took %d, want %d", got, want)
		}
	}
}

// TestOnlyKeysThatWereMadeAreDeleted: keys of families that did not run, keys that were only read, and keys with
// numbers that were not drawn are not deleted.
func TestOnlyKeysThatWereMadeAreDeleted(t *testing.T) {
	for name, makes := range map[string]string{"ping": "", "get": "", "set": "p:c:", "incr": "p:c:", "quota": "p:q:", "throttle": "p:t:"} {
		plan := Plan{Keys: 1000, Limit: 5, Window: 5}
		keys := newKeyspace("p:", plan.Keys)
		command := commandOf(name, keys, plan)
		random := rand.New(rand.NewPCG(1, 2))
		made := map[string]bool{}
		for range 200 {
			if c := command(random); makes != "" {
				made[c[1].(string)] = true
			}
		}
		calls, deleted := 0, map[string]bool{}
		for _, f := range keys.families() {
			err := f.each(30, func(batch []any) error {
				calls++
				for _, key := range batch {
					deleted[key.(string)] = true
				}
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		if !maps.Equal(made, deleted) || calls != (len(made)+29)/30 {
			t.Errorf("%s: %d keys made, %d deleted in %d calls", name, len(made), len(deleted), calls)
		}
		for key := range deleted {
			if !strings.HasPrefix(key, makes) {
				t.Errorf("%s: deletes %s", name, key)
			}
		}
	}
}

// TestALoadWithoutADurationEndsWithItsRequests: the context of such a load has no deadline. An expired deadline would
// end the load before it has sent anything.
func TestALoadWithoutADurationEndsWithItsRequests(t *testing.T) {
	x := &test{plan: Plan{Clients: 0, Requests: 10, Pipeline: 1}}
	if _, err := x.run(t.Context(), func(Progress) {}); err != nil {
		t.Error(err)
	}
	plan := Plan{Tests: []string{"ping"}, Clients: 1, Pipeline: 1, Keys: 1, Requests: 3, Patience: time.Second}
	node := remote.Open("127.0.0.1:1", remote.Options{Timeout: time.Second})
	defer node.Close()
	if _, err := Run(t.Context(), []*remote.Node{node}, plan, func(Progress) {}); err == nil || errors.Is(err, errTime) {
		t.Errorf("the node was not even asked: %v", err)
	}
}

func TestANodeThatIsNotThereEndsTheLoadAtOnce(t *testing.T) {
	node := remote.Open("127.0.0.1:1", remote.Options{Timeout: time.Second, Connections: 2})
	defer node.Close()
	begin := time.Now()
	results, err := Run(t.Context(), []*remote.Node{node}, Plan{
		Tests: []string{"ping", "get"}, Clients: 2, Pipeline: 1, Keys: 1, Duration: time.Minute, Patience: time.Second,
	}, func(Progress) {})
	if err == nil || errors.Is(err, ErrRefused) || !strings.Contains(err.Error(), "127.0.0.1:1") || len(results) != 1 {
		t.Errorf("%v, %d results", err, len(results))
	}
	if took := time.Since(begin); took > 30*time.Second {
		t.Errorf("it took %v", took)
	}
}
