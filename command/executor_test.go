package command

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
)

// pipeline is n commands of the given words; # stands for a number that differs.
func pipeline(n int, template ...string) [][][]byte {
	batch := make([][][]byte, n)
	for i := range batch {
		for _, word := range template {
			batch[i] = append(batch[i], []byte(strings.ReplaceAll(word, "#", fmt.Sprintf("%012d", i))))
		}
	}
	return batch
}

func TestBatchOfAnySizeIsAnsweredInOrder(t *testing.T) {
	b := newBench(t, nil)
	total := 0
	for _, n := range []int{1, 2, groupCommands - 1, groupCommands, groupCommands + 1, 3*groupCommands + 5} {
		var batch [][][]byte
		var want strings.Builder
		for i := range n {
			switch i % 4 {
			case 0:
				total++
				batch = append(batch, words([]string{"INCR", "n"}))
				fmt.Fprintf(&want, ":%d\r\n", total)
			case 1:
				batch = append(batch, words([]string{"GET"}))
				want.WriteString("-ERR wrong number of arguments for 'get' command\r\n")
			case 2:
				batch = append(batch, words([]string{"MGET", "n", "none"}))
				text := fmt.Sprint(total)
				fmt.Fprintf(&want, "*2\r\n$%d\r\n%s\r\n$-1\r\n", len(text), text)
			case 3:
				batch = append(batch, words([]string{"ECHO", fmt.Sprint(i)}))
				fmt.Fprintf(&want, "$%d\r\n%d\r\n", len(fmt.Sprint(i)), i)
			}
		}
		if got, _ := b.x.Run(b.client, batch, []byte("before")); string(got) != "before"+want.String() {
			t.Fatalf("%d commands: got %q", n, got)
		}
	}
}

func TestExecutorKeepsNothingOfTheClient(t *testing.T) {
	b := newBench(t, nil)
	b.x.Run(b.client, pipeline(100, "INCR", "k#"), nil)
	b.x.Run(b.client, pipeline(3, "MGET", "k#", "l#"), nil)
	for i := range b.x.keys {
		if b.x.keys[i].Name != nil {
			t.Fatalf("key %d is kept", i)
		}
	}
	c := &b.x.call
	for _, k := range c.keys[:cap(c.keys)] {
		if k.Name != nil {
			t.Fatal("a key of MGET is kept")
		}
	}
	if b.x.timing.first != nil {
		t.Error("the first words of a group are kept")
	}
	if c.out != nil || c.args != nil || c.client != nil || c.key.Name != nil {
		t.Error("the call is kept")
	}
	many := make([]string, 2*keptKeys)
	b.do(append([]string{"MGET"}, many...)...)
	if cap(c.keys) > keptKeys {
		t.Errorf("room for %d keys is kept", cap(c.keys))
	}
}

func TestExecutorsCountTogether(t *testing.T) {
	b := newBench(t, nil)
	const executors, rounds = 8, 200
	var all sync.WaitGroup
	for i := range executors {
		all.Go(func() {
			x, client := b.NewExecutor(), b.Connect("a:1", "b:2", Connection{})
			defer b.Disconnect(client)
			random := rand.New(rand.NewPCG(1, uint64(i)))
			for range rounds {
				var batch [][][]byte
				for range 10 {
					batch = append(batch, words([]string{"INCR", fmt.Sprint(random.IntN(5))}))
				}
				batch = append(batch, words([]string{"MGET", "0", "1", "2"}), words([]string{"CLIENT", "LIST"}),
					words([]string{"INFO", "all"}), words([]string{"CLIENT", "SETNAME", "x"}), words([]string{"HELLO", "3"}))
				x.Run(client, batch, nil)
			}
		})
	}
	all.Wait()
	if got := b.do("INFO", "commandstats"); !strings.Contains(got, fmt.Sprintf("cmdstat_incr:calls=%d,", executors*rounds*10)) {
		t.Errorf("got %s", got)
	}
	if b.Clients.Len() != 1 {
		t.Errorf("%d clients are left", b.Clients.Len())
	}
}

// benchmarkBatch runs batches of 16 commands on random ones of count keys that exist. Choosing the keys is measured
// too, some 8 ns each.
func benchmarkBatch(b *testing.B, count int, template ...string) {
	s := newBench(b, nil)
	for i := range count {
		s.do("INCRBY", fmt.Sprintf("counter:%012d", i), "70000")
	}
	const size = 16
	batch := pipeline(size, template...)
	random := rand.New(rand.NewPCG(1, 2))
	var out []byte
	b.ReportAllocs()
	for b.Loop() {
		for _, args := range batch {
			name := args[1]
			for n, i := random.IntN(count), len(name)-1; i >= len(name)-7; i-- {
				name[i] = '0' + byte(n%10)
				n /= 10
			}
		}
		out, _ = s.x.Run(s.client, batch, out[:0])
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/size, "ns/command")
}

func BenchmarkRunIncr16(b *testing.B)        { benchmarkBatch(b, 10_000, "INCR", "counter:#") }
func BenchmarkRunIncr16Million(b *testing.B) { benchmarkBatch(b, 1_000_000, "INCR", "counter:#") }

// BenchmarkRunMSetOne16 sets one name ten times in each command, as redis-benchmark does.
func BenchmarkRunMSetOne16(b *testing.B) {
	benchmarkBatch(b, 1, append([]string{"MSET"}, slices.Repeat([]string{"counter:000000000000", "12345"}, 10)...)...)
}

func BenchmarkRunGet16(b *testing.B) { benchmarkBatch(b, 10_000, "GET", "counter:#") }
func BenchmarkRunSet16(b *testing.B) { benchmarkBatch(b, 10_000, "SET", "counter:#", "12345") }

// BenchmarkRunIncr1 is a batch of one command, as a client that waits for each reply sends it.
func BenchmarkRunIncr1(b *testing.B) {
	s := newBench(b, nil)
	batch := pipeline(1, "INCR", "counter:#")
	var out []byte
	b.ReportAllocs()
	for b.Loop() {
		out, _ = s.x.Run(s.client, batch, out[:0])
	}
}
