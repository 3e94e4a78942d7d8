package command

import (
	"fmt"
	"os"
	"runtime"
	"strings"

	"github.com/quotadb/quota-db/config"
	"github.com/quotadb/quota-db/logs"
	"github.com/quotadb/quota-db/stats"
)

// infoCommands is INFO.
func infoCommands() []*row {
	return inGroup([]*row{
		{name: "info", arity: -1, flags: loading | stale | wholeKeyspace, acl: aclDangerous, since: "1.0.0", tips: []string{noFixedOutput, allShards, "response_policy:special"}, handler: info,
			usage: "[section [section ...]]", complexity: constantTime, summary: "Show figures of the server"},
	}, ofServer, 0)
}

// section is one part of INFO.
type section struct {
	title string
	extra bool // shown only if the client asks for it by name, or for everything
	write func(*report)
}

// sections are the parts of INFO, in Redis's order, and then our own.
func sections() []section {
	return []section{
		{"Server", false, infoServer},
		{"Clients", false, infoClients},
		{"Memory", false, infoMemory},
		{"Persistence", false, infoPersistence},
		{"Stats", false, infoStats},
		{"Replication", false, infoReplication},
		{"CPU", false, infoCPU},
		{"Modules", false, func(*report) {}},
		{"Commandstats", true, infoCommandStats},
		{"Errorstats", false, infoErrors},
		{"Latencystats", true, infoLatency},
		{"Cluster", false, infoCluster},
		{"Keyspace", false, infoKeyspace},
		{"Quotas", false, infoQuotas},
	}
}

// report is the text of INFO while it is written.
type report struct {
	strings.Builder
	call    *call
	process stats.Process
	stats   stats.Snapshot
	used    int64 // bytes of all keys
}

// newReport begins a report with the present figures.
func newReport(c *call) *report {
	s := c.server
	used := s.DB.Used()
	s.Stats.SawUsed(used)
	return &report{call: c, process: stats.MeasureProcess(), stats: s.Stats.Snapshot(), used: used}
}

// line writes one field.
func (r *report) line(name string, value any) { fmt.Fprintf(r, "%s:%v\r\n", name, value) }

// info replies with the requested sections; without arguments, with all but the extra ones.
func info(c *call) {
	r := newReport(c)
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
	r.line("process_supervised", "no")
	r.line("tcp_port", port)
	r.line("server_time_usec", r.call.now.Wall*1000)
	if s.ClockOffset != nil {
		r.line("clock_offset_msec", s.ClockOffset().Milliseconds())
	}
	r.line("uptime_in_seconds", int64(uptime.Seconds()))
	r.line("uptime_in_days", int64(uptime.Hours()/24))
	r.line("executable", stats.Executable())
	r.line("config_file", s.Config.File)
}

func infoClients(r *report) {
	s := r.call.server
	r.line("connected_clients", s.Clients.Len())
	r.line("cluster_connections", 0)
	r.line("maxclients", s.Params.MaxClients.Load())
	r.line("blocked_clients", s.Clients.Waiting())
	r.line("tracking_clients", 0)
}

func infoMemory(r *report) {
	s := r.call.server
	used, limit := r.used, s.Params.MaxMemory.Load()
	peak, system := r.stats.Peak, stats.SystemMemory()
	resident := r.process.Resident
	r.line("used_memory", used)
	r.line("used_memory_human", human(used))
	r.line("used_memory_rss", resident)
	r.line("used_memory_rss_human", human(resident))
	r.line("used_memory_peak", peak)
	r.line("used_memory_peak_human", human(peak))
	r.line("used_memory_peak_perc", fmt.Sprintf("%.2f%%", 100*ratio(used, peak)))
	r.line("used_memory_heap", r.process.Heap)
	r.line("total_system_memory", system)
	r.line("total_system_memory_human", human(system))
	r.line("maxmemory", limit)
	r.line("maxmemory_human", human(limit))
	r.line("maxmemory_policy", "noeviction")
	r.line("mem_fragmentation_ratio", fmt.Sprintf("%.2f", ratio(resident, used)))
	r.line("mem_fragmentation_bytes", resident-used)
	r.line("mem_allocator", "go")
}

func infoStats(r *report) {
	s, t := r.call.server, &r.stats
	r.line("total_connections_received", t.Connections)
	r.line("total_commands_processed", t.Calls)
	r.line("instantaneous_ops_per_sec", int64(t.PerSecond.Commands))
	r.line("total_net_input_bytes", t.Received)
	r.line("total_net_output_bytes", t.Sent)
	r.line("instantaneous_input_kbps", fmt.Sprintf("%.2f", t.PerSecond.Received/1024))
	r.line("instantaneous_output_kbps", fmt.Sprintf("%.2f", t.PerSecond.Sent/1024))
	r.line("rejected_connections", t.Rejected)
	r.line("dropped_log_lines", logs.Dropped(s.Log))
	r.line("expired_keys", r.call.all().Expired()-t.ExpiredThen)
	r.line("quota_keys", r.call.all().Quotas())
	r.line("deleted_keys_kept", r.call.all().Absent())
	r.line("expire_cycle_cpu_milliseconds", t.Swept.Milliseconds())
	r.line("evicted_keys", 0)
	r.line("keyspace_hits", t.Hits)
	r.line("keyspace_misses", t.Misses)
	r.line("pubsub_channels", 0)
	r.line("pubsub_patterns", 0)
	r.line("pubsubshard_channels", 0)
	r.line("latest_fork_usec", 0)
	r.line("total_forks", 0)
	r.line("unexpected_error_replies", 0)
	r.line("total_error_replies", t.Errors)
	r.line("acl_access_denied_auth", s.accessLog.auth.Load())
	r.line("acl_access_denied_cmd", s.accessLog.command.Load())
	r.line("acl_access_denied_key", s.accessLog.key.Load())
}

// infoRedisReplication writes the fields of a Redis master without replicas.
func infoRedisReplication(r *report) {
	id := r.call.server.runID
	r.line("role", "master")
	r.line("connected_slaves", 0)
	r.line("master_failover_state", "no-failover")
	r.line("master_replid", id)
	r.line("master_replid2", strings.Repeat("0", len(id)))
	r.line("master_repl_offset", 0)
	r.line("second_repl_offset", -1)
	r.line("repl_backlog_active", 0)
	r.line("repl_backlog_size", 0)
	r.line("repl_backlog_first_byte_offset", 0)
	r.line("repl_backlog_histlen", 0)
}

func infoCPU(r *report) {
	r.line("used_cpu_sys", fmt.Sprintf("%.6f", r.process.System.Seconds()))
	r.line("used_cpu_user", fmt.Sprintf("%.6f", r.process.User.Seconds()))
	r.line("used_cpu_sys_children", "0.000000") // there are no children
	r.line("used_cpu_user_children", "0.000000")
}

// infoCommandStats writes the counts and times of commands. Fast commands of one pipeline share their time evenly.
func infoCommandStats(r *report) {
	for _, t := range r.stats.Commands {
		if t.Calls|t.Rejected != 0 {
			r.line("cmdstat_"+t.Name, fmt.Sprintf("calls=%d,usec=%d,usec_per_call=%.2f,rejected_calls=%d,failed_calls=%d",
				t.Calls, t.Took.Microseconds(), ratio(int64(t.Took), t.Calls)/1000, t.Rejected, t.Failed))
		}
	}
}

func infoCluster(r *report) { r.line("cluster_enabled", 0) }

func infoKeyspace(r *report) {
	if keys := r.call.all().Len(); keys > 0 {
		all := r.call.all()
		r.line("db0", fmt.Sprintf("keys=%d,expires=%d,avg_ttl=%d", keys, all.Deadlines(), all.AverageTTL()))
	}
}

// ratio is part / whole; 0 if whole is 0.
func ratio(part, whole int64) float64 {
	if whole == 0 {
		return 0
	}
	return float64(part) / float64(whole)
}

// human is an amount of memory with a unit, for people.
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
