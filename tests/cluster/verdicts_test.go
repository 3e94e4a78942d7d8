package cluster

import (
	"strings"
	"testing"
	"time"

	"github.com/quotadb/quota-db/internal/history"
)

// TestTheVerdictSeesWhatIsLostOrCountedTwice checks final states made by hand.
func TestTheVerdictSeesWhatIsLostOrCountedTwice(t *testing.T) {
	at := func(ms int64) time.Time { return time.UnixMilli(1_000_000 + ms) }
	d := history.Digit
	all := []*increment{
		{key: "digits:0", delta: d(0), place: 0, run: 1, acked: at(100)},
		{key: "digits:0", delta: -d(1), place: 1, run: 1, acked: at(200)},
		{key: "digits:0", delta: d(2), place: 0, run: 1, acked: at(900)}, // may be lost
		{key: "digits:0", delta: d(3), place: 0, run: 2, acked: at(950)},
		{key: "digits:0", delta: -d(4), place: 1, run: 1}, // unknown
		{key: "digits:0", delta: d(5), place: 2, run: 1, failed: true},
		{key: "hot:0", delta: 5, place: 0, run: 1, acked: at(100)},
		{key: "hot:0", delta: 3, place: 0, run: 1, acked: at(990)}, // may be lost
		{key: "hot:0", delta: 2, place: 2, run: 1},                 // unknown
		{key: "hot:0", delta: 9, place: 2, run: 1, failed: true},
	}
	losses := []loss{{place: 0, run: 1, from: at(850)}}
	kept := d(0) - d(1) + d(3)
	for name, tt := range map[string]struct {
		digits int64
		hot    string
		want   string // empty: no violation
	}{
		"what has to be there":             {kept, "5", ""},
		"all that may be there":            {kept + d(2) - d(4), "10", ""},
		"a lost increment":                 {kept - d(0), "5", "lacks 1,"},
		"a lost decrement":                 {kept + d(1), "5", "lacks -4,"},
		"one of the next run":              {kept - d(3), "5", "lacks 64,"},
		"one that counts twice":            {kept + d(0), "5", "counts 2 times"},
		"an unknown one that counts twice": {kept - 2*d(4), "5", "counts"},
		"one that counts three times":      {kept + 2*d(3), "5", "counts"},
		"one that failed":                  {kept + d(5), "5", "counts 1 times"},
		"one that nobody sent":             {kept + d(6), "5", "nobody has sent"},
		"more than was ever sent":          {kept + d(31)*2, "5", "nobody has sent"},
		"a sum too small":                  {kept, "4", "from 5 to 10"},
		"a sum too large":                  {kept, "11", "from 5 to 10"},
		"no sum":                           {kept, "", "from 5 to 10"},
		"what is no number":                {kept, "x", `is "x"`},
	} {
		t.Run(name, func(t *testing.T) {
			values := map[string]string{"digits:0": itoa(int(tt.digits))}
			if tt.hot != "" {
				values["hot:0"] = tt.hot
			}
			got := judge(all, losses, values).complaints
			if (len(got) == 0) != (tt.want == "") || tt.want != "" && !strings.Contains(got[0], tt.want) {
				t.Errorf("got %q; want %q", got, tt.want)
			}
		})
	}
	if got := judge(nil, nil, map[string]string{"k": "1"}).complaints; len(got) != 1 {
		t.Errorf("a key of nobody: %q", got)
	}
}
