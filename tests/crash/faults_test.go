package crash

import (
	"os"
	"strings"
	"testing"
)

// TestTheHarnessSeesWhatALogHasLostOrHasTwice damages logs of redis-server in ways that no durability level allows.
func TestTheHarnessSeesWhatALogHasLostOrHasTwice(t *testing.T) {
	for name, tt := range map[string]struct {
		damage func(log []byte) []byte
		want   string
	}{
		"nothing":            {func(log []byte) []byte { return log }, ""},
		"the end is lost":    {func(log []byte) []byte { return log[:len(log)*9/10] }, "had to be there"},
		"everything is lost": {func([]byte) []byte { return nil }, "had to be there"},
		"all steps twice":    {func(log []byte) []byte { return append(log, log...) }, "was never so"},
		"keys of nobody":     {func(log []byte) []byte { return append(log, "*3\r\n$3\r\nSET\r\n$1\r\nx\r\n$1\r\n1\r\n"...) }, "nobody"},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHarness(t, redis, always, fewClients)
			h.seedLife(0)
			l := live(t, h.server, h.clients, plan{end: 3000}, watch(h.dir, redis.logs))
			log := look(h.dir, redis.logs).log
			data, err := os.ReadFile(log)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(log, tt.damage(data), 0o644); err != nil {
				t.Fatal(err)
			}
			h.server.StartAgain(t)
			_, complaints := h.check(t, forever, l.gone)
			if tt.want == "" {
				if len(complaints) > 0 {
					t.Error(complaints[0])
				}
				return
			}
			for _, err := range complaints {
				if strings.Contains(err.Error(), tt.want) {
					return
				}
			}
			t.Errorf("%d complaints, and none says %q", len(complaints), tt.want)
		})
	}
}
