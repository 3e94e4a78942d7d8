package command

import (
	"fmt"
	"os"
	"runtime"
	"strings"

	"github.com/quotadb/quota-db/config"
)

// section is one part of INFO.
type section struct {
	title string
	extra bool // only shown when it is asked for, by its name or with everything
	write func(*report)
}

// sections are the parts of INFO, in order.
func sections() []section {
	return []section{
		{"Server", false, infoServer},
		{"Clients", false, infoClients},
		{"Memory", false, infoMemory},
		{"Persistence", false, infoPersistence},
		{"Stats", false, infoStats},
		{"Replication", false, infoReplication},
		{"CPU", false, infoCPU},
		{"Commandstats", true, infoCommands},
		{"Cluster", false, infoCluster},
		{"Keyspace", false, infoKeyspace},
	}
}

// report is the text of an INFO while it is written.
type report struct {
	strings.Builder
	call    *call
	process process
	totals  totals
}

// line writes one field.
func (r *report) line(name string, value any) { fmt.Fprintf(r, "%s:%v\r\n", name, value) }

// info answers the sections that are asked for; none means all but the extra ones.
func info(c *call) {
	r := &report{call: c, process: measureProcess(), totals: c.server.Stats.totals(len(c.server.table.rows))}
	for _, s := range sections() {
		if !s.isWanted(c.args[1:]) {
			continue
		}
		if r.Len() > 0 {
			r.WriteString("\r\n")
		}
		r.WriteString("# " + s.title + "\r\n")
		s.write(r)
	}
	c.text(r.String())
}

func (s section) isWanted(args [][]byte) bool {
	for _, arg := range args {
		switch {
		case is(arg, strings.ToLower(s.title)), is(arg, "all"), is(arg, "everything"), is(arg, "default") && !s.extra:
			return true
		}
	}
	return len(args) == 0 && !s.extra
}

func infoServer(r *report) {
	s := r.call.server
	uptime := s.uptime(r.call.now)
	_, port, _ := bound(s.Config.Bind)
	r.line("redis_version", RedisVersion)
	r.line("quotadb_version", config.Version)
	r.line("redis_mode", "standalone")
	r.line("os", runtime.GOOS+" "+runtime.GOARCH)
	r.line("arch_bits", 32<<(^uint(0)>>63))
	r.line("go_version", runtime.Version())
	r.line("process_id", os.Getpid())
	r.line("run_id", s.runID)
	r.line("node_id", s.Config.NodeID)
	r.line("tcp_port", port)
	r.line("server_time_usec", r.call.now.Wall*1000)
	r.line("uptime_in_seconds", int64(uptime.Seconds()))
	r.line("uptime_in_days", int64(uptime.Hours()/24))
}

func infoClients(r *report) {
	s := r.call.server
	r.line("connected_clients", s.Clients.Len())
	r.line("maxclients", s.Params.MaxClients.Load())
	r.line("blocked_clients", 0)
	r.line("tracking_clients", 0)
}

func infoMemory(r *report) {
	s := r.call.server
	used, limit := s.DB.Used(), s.Params.MaxMemory.Load()
	r.line("used_memory", used)
	r.line("used_memory_human", human(used))
	r.line("used_memory_rss", r.process.resident)
	r.line("used_memory_rss_human", human(r.process.resident))
	r.line("used_memory_heap", r.process.heap)
	r.line("maxmemory", limit)
	r.line("maxmemory_human", human(limit))
	r.line("maxmemory_policy", "noeviction")
	r.line("mem_allocator", "go")
}

func infoPersistence(r *report) {
	r.line("loading", 0)
	r.line("rdb_bgsave_in_progress", 0)
	r.line("aof_enabled", 0)
	r.line("aof_rewrite_in_progress", 0)
}

func infoStats(r *report) {
	s, t := r.call.server, &r.totals
	r.line("total_connections_received", s.Stats.Connections.Load())
	r.line("total_commands_processed", t.calls)
	r.line("rejected_connections", s.Stats.Rejected.Load())
	r.line("expired_keys", r.call.all().Expired()-t.expired)
	r.line("evicted_keys", 0)
	r.line("keyspace_hits", t.hits)
	r.line("keyspace_misses", t.misses)
	r.line("pubsub_channels", 0)
	r.line("pubsub_patterns", 0)
	r.line("total_error_replies", t.errors)
}

func infoReplication(r *report) {
	r.line("role", "master")
	r.line("connected_slaves", 0)
}

func infoCPU(r *report) {
	r.line("used_cpu_sys", fmt.Sprintf("%.6f", r.process.system.Seconds()))
	r.line("used_cpu_user", fmt.Sprintf("%.6f", r.process.user.Seconds()))
}

// infoCommands shows what has run. The time is not measured, it would cost as much as a command; its fields are there for
// those who look for them.
func infoCommands(r *report) {
	for _, row := range r.call.server.table.rows {
		t := r.totals.rows[row.id]
		if t.calls|t.rejected != 0 {
			r.line("cmdstat_"+row.full, fmt.Sprintf("calls=%d,usec=0,usec_per_call=0.00,rejected_calls=%d,failed_calls=%d",
				t.calls, t.rejected, t.failed))
		}
	}
}

func infoCluster(r *report) { r.line("cluster_enabled", 0) }

func infoKeyspace(r *report) {
	if keys := r.call.all().Len(); keys > 0 {
		r.line("db0", fmt.Sprintf("keys=%d,expires=%d,avg_ttl=0", keys, r.call.all().Deadlines()))
	}
}

// human is an amount of memory with a unit, as people read it.
func human(bytes int64) string {
	units := []string{"K", "M", "G", "T", "P", "E"}
	if bytes < 1024 {
		return fmt.Sprintf("%dB", bytes)
	}
	n, unit := float64(bytes)/1024, 0
	for n >= 1024 && unit < len(units)-1 {
		n, unit = n/1024, unit+1
	}
	return fmt.Sprintf("%.2f%s", n, units[unit])
}
