package load

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/quotadb/quota-db/config"
	"github.com/quotadb/quota-db/remote"
)

func TestEveryTestOfTheCommandLineHasACommand(t *testing.T) {
	for _, name := range config.BenchTests {
		if commandOf(name, "p:", Plan{Keys: 1}) == nil {
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
