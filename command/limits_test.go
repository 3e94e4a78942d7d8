package command

import (
	"strconv"
	"strings"
	"testing"

	"github.com/quotadb/quota-db/engine"
	"github.com/quotadb/quota-db/resp"
)

func TestNoParameterLetsAValueGrowBeyondWhatTheDiskTakes(t *testing.T) {
	b := newBench(t, nil)
	most := strconv.Itoa(engine.MaxValueBytes)
	for _, value := range []string{strconv.Itoa(engine.MaxValueBytes + 1), "1gb", "5gb", "1099511627776"} {
		if reply := b.do("CONFIG", "SET", "proto-max-bulk-len", value); !strings.Contains(reply, "argument must be between 1048576 and "+most) {
			t.Errorf("proto-max-bulk-len %s: %q", value, reply)
		}
	}
	if reply := b.do("CONFIG", "SET", "proto-max-bulk-len", most); reply != "+OK\r\n" {
		t.Errorf("proto-max-bulk-len %s: %q", most, reply)
	}
	for _, command := range []string{"SETRANGE k " + most + " x", "SETBIT k " + strconv.Itoa(8*engine.MaxValueBytes) + " 1"} {
		if reply := b.do(strings.Fields(command)...); !strings.HasPrefix(reply, "-ERR") {
			t.Errorf("%s: %q", command, reply)
		}
	}
	if most := resp.DefaultLimits().MaxBulkBytes; most > engine.MaxValueBytes {
		t.Errorf("an argument may have %d bytes at the start, a value %d", most, engine.MaxValueBytes)
	}
}

func TestTheErrorForALongKeySaysTheTrueLimit(t *testing.T) {
	b := newBench(t, nil)
	longest := strings.Repeat("k", engine.MaxKeyBytes)
	if reply := b.do("SET", longest, "v"); reply != "+OK\r\n" {
		t.Errorf("a key of %d bytes: %q", len(longest), reply)
	}
	want := "-ERR the key is too long: a key has at most " + strconv.Itoa(engine.MaxKeyBytes) + " bytes\r\n"
	for _, command := range [][]string{{"SET", longest + "k", "v"}, {"DEL", "a", longest + "k"}} {
		if reply := b.do(command...); reply != want {
			t.Errorf("%s of a key of %d bytes: %q", command[0], len(longest)+1, reply)
		}
	}
}
