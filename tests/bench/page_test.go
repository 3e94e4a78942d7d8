package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestOnlyWhatIsBetweenTheMarksIsReplaced(t *testing.T) {
	file := filepath.Join(t.TempDir(), "page.md")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("# Head\n\n" + beginMark + "old\n" + endMark + "\nrest\n")
	if err := replaceMarked(file, "new\n"); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(file)
	if want := "# Head\n\n" + beginMark + "\nnew\n\n" + endMark + "\nrest\n"; err != nil || string(got) != want {
		t.Errorf("%q, %v; want %q", got, err, want)
	}
	for _, text := range []string{"no marks", beginMark, endMark + beginMark} {
		if write(text); replaceMarked(file, "new") == nil {
			t.Errorf("%q is taken", text)
		}
	}
}

func TestAPageWithoutMarksIsRefusedBeforeAnythingIsMeasured(t *testing.T) {
	file := filepath.Join(t.TempDir(), "page.md")
	if err := os.WriteFile(file, []byte("no marks"), 0o644); err != nil {
		t.Fatal(err)
	}
	b := &bench{} // no programs: to measure would fail in another way
	for _, files := range [][2]string{{file, "../../README.md"}, {"../../docs/benchmarks.md", file}} {
		if err := b.writePage(files[0], files[1], quickEffort); err == nil || !strings.Contains(err.Error(), "has no marks") {
			t.Errorf("%v: %v", files, err)
		}
	}
}

// examplePage is a page on which Redis is ahead in two rows.
func examplePage() page {
	compare := func(name string, rate, cost float64) comparison {
		return comparison{
			name: name, text: name, quota: figures{2, 1234567, time.Millisecond, 2 * time.Millisecond}, redis: figures{2, 1e6, time.Millisecond, time.Millisecond},
			rate: ratioOf{rate, rate, rate}, cost: ratioOf{cost, cost, cost}, noise: ratioOf{1, 0.99, 1.01},
		}
	}
	p := page{effort: fullEffort, rounds: 9, keys: 1_000_000, memory: [2]float64{40, 100}}
	p.settings = []comparison{compare("-c 50 -t incr", 1.1, 0.9), compare("-c 1 -t set", 0.9, 0.9)}
	p.rows = []comparison{compare("free-c50-dur", 1.2, 1.1), compare("pinned-p16-1m", 2.5, 0.4)}
	for i, name := range []string{"INCR on a quota", "Lua, two keys", "Lua, hash"} {
		p.limits = append(p.limits, limitCosts{name, []float64{1 + float64(i)}, []float64{1000}})
	}
	return p
}

func TestThePageSaysWhereRedisIsAheadAndWhatIsPinned(t *testing.T) {
	p := examplePage()
	text := p.markdown(machine{processors: "2 processors", redis: "7.0.15", day: "1 May 2026"})
	for _, want := range []string{
		"in 2 of the 4 rows", "- `redis-benchmark -c 1 -t set`, throughput 0.90\n", "- free-c50-dur, CPU 1.10\n",
		"| -c 50 -t incr | 1,234,567 | 1.10 | 0.90 | 1.00, 2.00 ms | 1.00, 1.00 ms | 1.00 (0.99 to 1.01) |",
		"takes 40.0 bytes, with Redis 100.0 (0.40)",
	} {
		if !strings.Contains(strings.ReplaceAll(text, "\n", " "), strings.ReplaceAll(want, "\n", " ")) {
			t.Errorf("%q is missing in %s", want, text)
		}
	}
	free, pinned, found := strings.Cut(text, "### Servers pinned")
	if !found || !strings.Contains(free, "| free-c50-dur |") || strings.Contains(free, "| pinned-p16-1m |") || !strings.Contains(pinned, "| pinned-p16-1m |") {
		t.Error("what is not pinned does not come first, apart from the rest")
	}
	for _, want := range []string{"| `redis-benchmark -c 50 -t incr` | 1.10 | 0.90 |", "| pinned-p16-1m, servers pinned to one processor | 2.50 | 0.40 |", "Lua) | | 0.50 |"} {
		if !strings.Contains(p.readme(machine{}), want) {
			t.Errorf("%q is missing in %s", want, p.readme(machine{}))
		}
	}
	for line := range strings.Lines(text) {
		if len(line) > columns+1 && !strings.HasPrefix(line, "|") {
			t.Errorf("a line is too long: %s", line)
		}
	}
}

func TestEveryRowOfTheReadmeIsMeasured(t *testing.T) {
	var p page
	for _, s := range settings {
		for _, test := range benchmarkTests {
			p.settings = append(p.settings, comparison{name: s.flags + " -t " + test})
		}
	}
	for _, r := range rows {
		p.rows = append(p.rows, comparison{name: r.name, text: r.text})
	}
	p.limits = []limitCosts{{costs: []float64{1}}, {costs: []float64{1}}, {costs: []float64{1}}}
	if got := strings.Count(p.readme(machine{}), "\n|"); got != 2+8+1 {
		t.Errorf("%d lines, want two of the head, 8 rows, and one of limits: %s", got, p.readme(machine{}))
	}
}

func TestNumbersOfThePageAreReadable(t *testing.T) {
	for n, want := range map[float64]string{7: "7", 999.6: "1,000", 12345: "12,345", 1234567: "1,234,567"} {
		if got := thousands(n); got != want {
			t.Errorf("%v is %s, want %s", n, got, want)
		}
	}
}

func TestTheOutputOfRedisBenchmarkIsRead(t *testing.T) {
	const out = `"test","rps","avg_latency_ms","min_latency_ms","p50_latency_ms","p95_latency_ms","p99_latency_ms","max_latency_ms"
"MSET (10 keys)","43859.65","16.375","0.824","14.543","33.695","40.831","48.159"
`
	line, err := parseBenchmark(out)
	if want := (benchmarkLine{43859.65, 14.543, 40.831}); err != nil || line != want {
		t.Errorf("%v, %v; want %v", line, err, want)
	}
	for _, bad := range []string{"", "ERR\n", strings.Replace(out, "43859.65", "many", 1), strings.Replace(out, "rps", "speed", 1)} {
		if _, err := parseBenchmark(bad); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
}
