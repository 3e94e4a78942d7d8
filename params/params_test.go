package params

import (
	"strings"
	"testing"

	"github.com/quotadb/quota-db/config"
)

// TestAValueIsShownAsItWasTaken sets each kind of parameter to values, in order. An empty want stands for a refusal;
// the value must then be as before.
func TestAValueIsShownAsItWasTaken(t *testing.T) {
	v := New(config.Default())
	v.BoundClients(500)
	for _, s := range []struct {
		param       Param
		first       string
		value, want string
	}{
		{Memory("maxmemory", &v.MaxMemory), "0", "2kb", "2048"},
		{Memory("maxmemory", &v.MaxMemory), "2048", "", "0"},
		{Memory("maxmemory", &v.MaxMemory), "0", "much", ""},
		{v.MaxClientsParam(), "500", "500", "500"},
		{v.MaxClientsParam(), "500", "501", ""},
		{v.MaxClientsParam(), "500", "0", ""},
		{Integer("timeout", &v.TimeoutSeconds, 0, 9), "0", "9", "9"},
		{Integer("timeout", &v.TimeoutSeconds, 0, 9), "9", "10", ""},
		{Integer("timeout", &v.TimeoutSeconds, 0, 9), "9", "x", ""},
		{Switch("latency-tracking", &v.LatencyTracking), "yes", "NO", "no"},
		{Switch("latency-tracking", &v.LatencyTracking), "no", "ye\u017f", ""}, // Unicode folds it to yes
		{Sole("save", "", "no other"), "", "", ""},
		{Sole("appendfsync", "always", "no other"), "always", "ALWAYS", "always"},
		{Sole("appendfsync", "always", "no other"), "always", "no", ""},
		{v.PercentilesParam(), "50 99 99.9", "1 100", "1 100"},
		{v.PercentilesParam(), "1 100", "101", ""},
		{v.PercentilesParam(), "1 100", "nan", ""},
		{v.OutputParam(), "normal 0 0 0 slave 268435456 67108864 60 pubsub 33554432 8388608 60", "Replica 1kb 2 3",
			"normal 0 0 0 slave 1024 2 3 pubsub 33554432 8388608 60"},
		{v.OutputParam(), "normal 0 0 0 slave 1024 2 3 pubsub 33554432 8388608 60", "normal 1 2", ""},
	} {
		if got := s.param.Get(); got != s.first {
			t.Errorf("%s is %q, want %q", s.param.Name, got, s.first)
		}
		apply, problem := s.param.Set(s.value)
		if (problem == "") != (apply != nil) || problem == "" && s.want == "" && s.value != s.first {
			t.Errorf("%s %q: problem %q", s.param.Name, s.value, problem)
		}
		want := s.first
		if apply != nil {
			apply()
			want = s.want
		}
		if got := s.param.Get(); got != want || problem != "" && s.want != "" {
			t.Errorf("%s is %q after %q, want %q; problem %q", s.param.Name, got, s.value, want, problem)
		}
	}
	if fixed := Fixed("dir", "/x"); fixed.Set != nil || fixed.Get() != "/x" {
		t.Error("a fixed parameter can be set, or is not shown")
	}
}

func TestAClientHasRoomBesideItsOutputLimit(t *testing.T) {
	v := New(config.Default())
	if got := v.OutputLimit(); got != (OutputLimit{}) {
		t.Errorf("got %+v, want no limit", got)
	}
	apply, _ := v.OutputParam().Set("normal 1 9223372036854775807 5")
	apply()
	if got, want := v.OutputLimit(), (OutputLimit{1 + freeOutput, 1<<63 - 1, 5}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestOnlySoManyPercentilesAreTaken(t *testing.T) {
	p := New(config.Default()).PercentilesParam()
	if _, problem := p.Set(strings.Repeat("1 ", maxPercentiles)); problem != "" {
		t.Error(problem)
	}
	if _, problem := p.Set(strings.Repeat("1 ", maxPercentiles+1)); problem == "" {
		t.Error("one more is taken")
	}
}
