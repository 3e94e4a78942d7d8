package oracle

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/quotadb/quota-db/tests/internal/script"
)

// maxDifferences is how many ways to differ from Redis the project allows itself.
const maxDifferences = 30

// difference is one block of testdata/known-differences.txt.
type difference struct {
	line            int
	reason, command string
	redis, quotadb  string // rendered replies
}

func TestEveryKnownDifferenceStillOccursExactly(t *testing.T) {
	t.Parallel()
	f, err := os.Open("testdata/known-differences.txt")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	known, err := parseDifferences(f)
	if err != nil {
		t.Fatal(err)
	}
	if len(known) > maxDifferences {
		t.Errorf("%d differences, at most %d are allowed", len(known), maxDifferences)
	}
	both := startServers(t)
	for _, d := range known {
		both.empty(t)
		cases, err := script.Parse(strings.NewReader("-- difference --\n" + d.command))
		if err != nil {
			t.Fatalf("line %d: %v", d.line, err)
		}
		args, err := cases[0].Steps[0].Command(time.Now())
		if err != nil {
			t.Fatalf("line %d: %v", d.line, err)
		}
		redis, quotadb := both.dial(t).do(t, args...)
		if redis.String() != d.redis {
			t.Errorf("line %d: %s: redis says\n  %s\nlisted is\n  %s", d.line, d.command, redis, d.redis)
		}
		if quotadb.String() != d.quotadb {
			t.Errorf("line %d: %s: quota-db says\n  %s\nlisted is\n  %s", d.line, d.command, quotadb, d.quotadb)
		}
	}
}

// parseDifferences reads blocks of four lines, in this order: "reason:",
// "command:", "redis:" and "quota-db:". Empty lines and # comments may stand
// between blocks.
func parseDifferences(r io.Reader) ([]difference, error) {
	labels := []string{"reason: ", "command: ", "redis: ", "quota-db: "}
	var all []difference
	var block []string
	lines := bufio.NewScanner(r)
	for n := 1; lines.Scan(); n++ {
		text := lines.Text()
		if len(block) == 0 && (text == "" || strings.HasPrefix(text, "#")) {
			continue
		}
		value, ok := strings.CutPrefix(text, labels[len(block)])
		if !ok || value == "" {
			return nil, fmt.Errorf("line %d: want %q, have %q", n, labels[len(block)], text)
		}
		if block = append(block, value); len(block) < len(labels) {
			continue
		}
		d := difference{line: n, reason: block[0], command: block[1], redis: block[2], quotadb: block[3]}
		if d.redis == d.quotadb {
			return nil, fmt.Errorf("line %d: the replies do not differ", n)
		}
		all, block = append(all, d), nil
	}
	if len(block) > 0 {
		return nil, fmt.Errorf("the last block is incomplete")
	}
	return all, lines.Err()
}

func TestDifferencesNeedAReasonAndTwoReplies(t *testing.T) {
	good := "# c\n\nreason: r\ncommand: GET k\nredis: $nil\nquota-db: +OK\n"
	if all, err := parseDifferences(strings.NewReader(good)); err != nil || len(all) != 1 || all[0].command != "GET k" {
		t.Errorf("got %+v, %v", all, err)
	}
	for _, bad := range []string{
		"command: GET k\nredis: $nil\nquota-db: +OK\n",
		"reason: r\ncommand: GET k\nredis: $nil\n",
		"reason: \ncommand: GET k\nredis: $nil\nquota-db: +OK\n",
		"reason: r\ncommand: GET k\nredis: $nil\nquota-db: $nil\n",
	} {
		if all, err := parseDifferences(strings.NewReader(bad)); err == nil {
			t.Errorf("%q is taken as %+v", bad, all)
		}
	}
}
