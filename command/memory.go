package command

import (
	"fmt"
	"runtime/debug"
	"runtime/metrics"
	"strings"

	"github.com/quotadb/quota-db/stats"
)

// memoryCommands are MEMORY and its subcommands.
func memoryCommands() []*row {
	shards := []string{allShards, allSucceeded}
	figures := []string{noFixedOutput, allShards, "response_policy:special"}
	return inGroup([]*row{
		{name: "memory", arity: -2, since: "4.0.0",
			complexity: bySubcommand, summary: "Inspect memory", subs: []*row{
				{name: "usage", arity: -3, flags: readonly, keys: subKey(looksAt), since: "4.0.0", handler: memoryUsage,
					usage: "key [SAMPLES count:integer]", complexity: constantTime,
					summary: "Estimate the bytes that a key takes"},
				{name: "stats", arity: 2, flags: wholeKeyspace, since: "4.0.0", tips: figures, handler: memoryStats,
					complexity: constantTime, summary: "Show how memory is used"},
				{name: "doctor", arity: 2, since: "4.0.0", tips: figures, handler: memoryDoctor,
					complexity: constantTime, summary: "Report problems of memory use"},
				{name: "purge", arity: 2, flags: takesLong, since: "4.0.0", tips: shards, handler: memoryPurge,
					complexity: constantTime, summary: "Return idle memory to the system"},
				{name: "malloc-stats", arity: 2, since: "4.0.0", tips: figures, handler: memoryMallocStats,
					complexity: constantTime, summary: "Show the memory figures of the Go runtime"},
				helpRow("4.0.0", 0),
			}},
	}, ofServer, 0)
}

// memoryStats is MEMORY STATS: our figures under Redis's names. Keys lie outside the Go heap, except large values,
// which are in both figures. Everything else, mostly buffers of connections, lies in the heap. No peak is kept; the
// reply shows the present value.
func memoryStats(c *call) {
	db, p := c.server.DB, stats.MeasureProcess()
	used, keys := db.Used(), int64(c.all().Len())
	total := used + p.Heap
	none := int64(0)
	fields := []struct {
		name  string
		value any
	}{
		{"peak.allocated", total}, {"total.allocated", total}, {"startup.allocated", none}, {"replication.backlog", none},
		{"clients.slaves", none}, {"clients.normal", p.Heap}, {"cluster.links", none}, {"aof.buffer", none}, {"lua.caches", none},
		{"functions.caches", none}, {"db.0", nil}, {"overhead.total", p.Heap}, {"keys.count", keys}, {"keys.bytes-per-key", used / max(keys, 1)},
		{"dataset.bytes", used}, {"dataset.percentage", 100 * ratio(used, total)}, {"peak.percentage", 100.0},
		{"allocator.allocated", total}, {"allocator.active", total}, {"allocator.resident", p.Resident},
		{"allocator-fragmentation.ratio", 1.0}, {"allocator-fragmentation.bytes", none},
		{"allocator-rss.ratio", ratio(p.Resident, total)}, {"allocator-rss.bytes", p.Resident - total},
		{"rss-overhead.ratio", 1.0}, {"rss-overhead.bytes", none},
		{"fragmentation", ratio(p.Resident, total)}, {"fragmentation.bytes", p.Resident - total},
	}
	c.pairs(len(fields))
	for _, f := range fields {
		c.bulk(f.name)
		switch v := f.value.(type) {
		case int64:
			c.integer(v)
		case float64:
			c.double(v)
		default:
			c.tableStats()
		}
	}
}

// tableStats replies with the memory of the database's tables. Here they are part of the memory of the keys.
func (c *call) tableStats() {
	names := []string{"overhead.hashtable.main", "overhead.hashtable.expires", "overhead.hashtable.slot-to-keys"}
	c.pairs(len(names))
	for _, name := range names {
		c.bulk(name)
		c.integer(0)
	}
}

// memoryDoctor is MEMORY DOCTOR: problems of memory, for people.
func memoryDoctor(c *call) {
	const much = 64 << 20 // so many resident bytes without use are reported
	used, limit, p := c.server.DB.Used(), c.server.Params.MaxMemory.Load(), stats.MeasureProcess()
	var found []string
	if limit > 0 && used > limit/10*9 {
		found = append(found, "Keys take more than nine tenths of maxmemory: above it, commands that need memory are refused.")
	}
	if c.server.DB.Full() {
		found = append(found, "The address space for keys is nearly used up: commands that need memory are refused.")
	}
	if total := used + p.Heap; p.Resident-total > max(much, total/2) {
		found = append(found, "Much more memory is resident than is in use: MEMORY PURGE gives idle memory back.")
	}
	if found == nil {
		found = []string{"Nothing is wrong with the use of memory."}
	}
	c.text(strings.Join(found, "\n"))
}

// memoryPurge returns the unused memory of the Go heap to the system. Pages of keys are returned when they become idle.
func memoryPurge(c *call) {
	purges := &c.server.purges
	asked := purges.begun.Load()
	c.besideFiles(func() ending {
		_ = purges.share(asked, func() error {
			debug.FreeOSMemory()
			return nil
		})
		return endOK
	})
}

// memoryMallocStats replies with the memory figures of the Go runtime, in bytes.
func memoryMallocStats(c *call) {
	var samples []metrics.Sample
	for _, d := range metrics.All() {
		if strings.HasPrefix(d.Name, "/memory/classes/") {
			samples = append(samples, metrics.Sample{Name: d.Name})
		}
	}
	metrics.Read(samples)
	var text strings.Builder
	for _, s := range samples {
		fmt.Fprintf(&text, "%s %d\n", s.Name, s.Value.Uint64())
	}
	c.text(text.String())
}
