package main

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"time"
	"unicode/utf8"
)

// Marks around what make benchmarks writes.
const (
	beginMark = "<!-- make benchmarks writes from here -->\n"
	endMark   = "<!-- to here -->\n"
)

// replaceMarked replaces what a file has between the marks.
func replaceMarked(file, text string) error {
	before, after, err := cutMarked(file)
	if err != nil {
		return err
	}
	whole := before + beginMark + "\n" + strings.TrimSpace(text) + "\n\n" + endMark + after
	return os.WriteFile(file, []byte(whole), 0o644)
}

// cutMarked is what a file has before and after the marks. Errors: it has no marks.
func cutMarked(file string) (before, after string, err error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return "", "", err
	}
	before, rest, begins := strings.Cut(string(text), beginMark)
	_, after, ends := strings.Cut(rest, endMark)
	if !begins || !ends {
		return "", "", fmt.Errorf("%s has no marks %q and %q", file, strings.TrimSpace(beginMark), strings.TrimSpace(endMark))
	}
	return before, after, nil
}

// machine says where it was measured.
type machine struct{ processors, kernel, redis, day string }

func newMachine() machine {
	m := machine{processors: fmt.Sprintf("%d processors", runtime.NumCPU()), day: time.Now().UTC().Format("2 January 2006")}
	if text, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		if _, rest, found := strings.Cut(string(text), "model name"); found {
			name, _, _ := strings.Cut(rest, "\n")
			m.processors += " (" + strings.TrimLeft(name, "\t :") + ")"
		}
	}
	if text, err := os.ReadFile("/proc/sys/kernel/osrelease"); err == nil {
		m.kernel = ", Linux " + strings.TrimSpace(string(text))
	}
	if text, err := exec.Command("redis-server", "--version").Output(); err == nil {
		if _, rest, found := strings.Cut(string(text), "v="); found {
			m.redis = strings.Fields(rest)[0]
		}
	}
	return m
}

// markdown is the part of the page that the figures make.
func (p page) markdown(m machine) string {
	var b strings.Builder
	para := func(format string, args ...any) { fmt.Fprintf(&b, "%s\n\n", wrapped(fmt.Sprintf(format, args...))) }
	para("Measured on %s with %s%s, against Redis %s, in %v by `make benchmarks`, which wrote this part of the page. QuotaDB and two Redis run "+
		"side by side and are loaded in turn. The columns \"to Redis\" divide QuotaDB's figure by that of the first Redis: throughput above 1 and "+
		"CPU below 1 are QuotaDB's advantage. The last column is the second Redis to the first: within that spread a difference means nothing.",
		m.day, m.processors, m.kernel, m.redis, p.took.Round(time.Minute))
	b.WriteString(p.losses())
	b.WriteString("### Nothing pinned, as on a user's machine\n\n")
	para("`redis-benchmark -n %d` (with one connection %d), unpinned, default options but in memory only: medians of %d rounds.",
		int(float64(settings[1].requests)*p.scale), int(float64(settings[0].requests)*p.scale), p.rounds)
	b.WriteString("| redis-benchmark | commands/s | to Redis | CPU to Redis | p50, p99 | Redis: p50, p99 | Redis / Redis, throughput |\n|---|---|---|---|---|---|---|\n")
	for _, c := range p.settings {
		fmt.Fprintf(&b, "| %s | %s | %.2f | %.2f | %s | %s | %s |\n", c.text, thousands(c.quota.rate), c.rate.median, c.cost.median,
			c.quota.latency(), c.redis.latency(), c.noise)
	}
	b.WriteString("\n")
	para("One client that holds connections to all servers and goes round them in slices of %v, so that each pair of slices sees the machine in the "+
		"same state: medians over up to %d slices; for ratios with their quartiles. CPU is the server's processor time for each command. With a log, Redis "+
		"has `appendonly yes`. A client that sends at a fixed rate counts a latency from when the command was due.", sliceTime, p.slices)
	p.writeRows(&b, false)
	para("A PING each millisecond beside one connection that sends INCR without an end: p50 and p99 are %s at QuotaDB, %s at Redis, %s at the second Redis.",
		p.beside[0].latency(), p.beside[1].latency(), p.beside[2].latency())
	b.WriteString("### Servers pinned to one processor, the client to another\n\n")
	p.writeRows(&b, true)
	p.writeLimits(&b)
	para("**Memory:** with %s counters of 20-byte names, a counter takes %.1f bytes, with Redis %.1f (%.2f).", thousands(float64(p.keys)),
		p.memory[0], p.memory[1], p.memory[0]/p.memory[1])
	return b.String()
}

func (p page) writeRows(b *strings.Builder, pinned bool) {
	b.WriteString("| | CPU | to Redis | commands/s | to Redis | p50, p99 | Redis: p50, p99 | Redis / Redis, CPU |\n|---|---|---|---|---|---|---|---|\n")
	for i, c := range p.rows {
		if p.isPinned(i) == pinned {
			fmt.Fprintf(b, "| %s | %.2f us | %s | %s | %.2f | %s | %s | %s |\n", c.text, c.quota.cost, c.cost, thousands(c.quota.rate), c.rate.median,
				c.quota.latency(), c.redis.latency(), c.noise)
		}
	}
	b.WriteString("\n")
}

// isPinned reports whether a row was measured with pinned servers.
func (p page) isPinned(i int) bool {
	for _, r := range rows {
		if r.name == p.rows[i].name {
			return r.pinned
		}
	}
	return false
}

func (p page) writeLimits(b *strings.Builder) {
	b.WriteString(wrapped(fmt.Sprintf("One rate limiting decision (50 connections, pipeline 16, %s buckets, %d rounds):",
		thousands(limitKeys), len(p.limits[0].costs))))
	b.WriteString("\n\n| | CPU for each decision | INCR on a quota costs, of that |\n|---|---|---|\n")
	for i, l := range p.limits {
		of := ""
		if i > 0 {
			of = newRatio(p.limits[0].costs, l.costs).String()
		}
		fmt.Fprintf(b, "| %s | %.2f us | %s |\n", l.name, median(l.costs), of)
	}
	b.WriteString("\n")
}

// luaOverQuota is what INCR on a quota costs, of what the cheaper Lua script costs.
func (p page) luaOverQuota() float64 {
	n := len(p.limits)
	return median(p.limits[0].costs) / min(median(p.limits[n-1].costs), median(p.limits[n-2].costs))
}

// aheadBy is from which part on a difference is told as one.
const aheadBy = 0.005

// describe says outside of its table what a comparison, of all settings and then all rows, measures.
func (p page) describe(i int, c comparison) string {
	switch {
	case i < len(p.settings):
		return "`redis-benchmark " + c.name + "`"
	case p.isPinned(i - len(p.settings)):
		return c.text + ", servers pinned to one processor"
	}
	return c.text
}

// losses names each figure at which Redis is ahead.
func (p page) losses() string {
	var lines []string
	for i, c := range append(append([]comparison{}, p.settings...), p.rows...) {
		text := ""
		if c.rate.median < 1-aheadBy {
			text += fmt.Sprintf(", throughput %.2f", c.rate.median)
		}
		if c.cost.median > 1+aheadBy {
			text += fmt.Sprintf(", CPU %.2f", c.cost.median)
		}
		if text != "" {
			lines = append(lines, "- "+p.describe(i, c)+text+"\n")
		}
	}
	all := len(p.settings) + len(p.rows)
	if len(lines) == 0 {
		return wrapped(fmt.Sprintf("**Where Redis is ahead:** in none of the %d rows.", all)) + "\n\n"
	}
	return wrapped(fmt.Sprintf("**Where Redis is ahead**, by %.1f%% or more: in %d of the %d rows of the first three tables.", 100*aheadBy, len(lines), all)) +
		"\n\n" + strings.Join(lines, "") + "\n"
}

// readme is the part of the README that the figures make.
func (p page) readme(m machine) string {
	var b strings.Builder
	b.WriteString(wrapped(fmt.Sprintf("The table divides QuotaDB's figures by those of Redis %s, which ran beside it on %s: throughput above 1 and CPU "+
		"time for each command below 1 are QuotaDB's advantage. Nothing is pinned unless the row says so. `make benchmarks` wrote it. "+
		"[docs/benchmarks.md](docs/benchmarks.md) has all figures, and a list of those where Redis is ahead.", m.redis, m.processors)))
	b.WriteString("\n\n")
	b.WriteString("| | throughput to Redis | CPU to Redis |\n|---|---|---|\n")
	for _, name := range []string{"-c 1 -t incr", "-c 50 -t incr", "-c 50 -t set", "-c 50 -t get", "-c 50 -P 16 -t incr", "free-c50-dur", "always-free-c50",
		"pinned-p16-1m"} {
		for i, c := range append(append([]comparison{}, p.settings...), p.rows...) {
			if c.name != name {
				continue
			}
			fmt.Fprintf(&b, "| %s | %.2f | %.2f |\n", p.describe(i, c), c.rate.median, c.cost.median)
		}
	}
	fmt.Fprintf(&b, "| a rate limit decision (Redis: a token bucket in Lua) | | %.2f |\n\n", p.luaOverQuota())
	b.WriteString(wrapped(fmt.Sprintf("A counter takes %.2f of the memory that it takes in Redis.", p.memory[0]/p.memory[1])))
	return b.String()
}

func (r ratioOf) String() string { return fmt.Sprintf("%.2f (%.2f to %.2f)", r.median, r.low, r.high) }

// latency is p50 and p99.
func (f figures) latency() string {
	return fmt.Sprintf("%.2f, %.2f ms", f.p50.Seconds()*1e3, f.p99.Seconds()*1e3)
}

// thousands is a number with commas.
func thousands(n float64) string {
	digits := fmt.Sprintf("%.0f", n)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}

// columns is the width of text in Markdown files.
const columns = 120

// wrapped is one paragraph in lines of at most so many columns.
func wrapped(text string) string {
	var b strings.Builder
	width := 0
	for word := range strings.FieldsSeq(text) {
		n := utf8.RuneCountInString(word)
		switch {
		case width == 0:
		case width+1+n > columns:
			b.WriteByte('\n')
			width = 0
		default:
			b.WriteByte(' ')
			width++
		}
		b.WriteString(word)
		width += n
	}
	return b.String()
}
