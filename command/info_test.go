package command

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// infoFields is the fields of an INFO by name.
func infoFields(reply string) map[string]string {
	fields := make(map[string]string)
	for line := range strings.SplitSeq(reply, "\r\n") {
		if name, value, ok := strings.Cut(line, ":"); ok {
			fields[name] = value
		}
	}
	return fields
}

func TestInfoHasRedissSectionsInItsOrder(t *testing.T) {
	redis := dialRedis(t)
	if redis == nil {
		t.Skip("no redis-server on PATH")
	}
	b := newBench(t, nil)
	headings := func(reply string) string {
		return strings.Join(regexp.MustCompile(`(?m)^# .*$`).FindAllString(reply, -1), "")
	}
	for _, args := range []string{
		"", "default", "all", "everything", "ALL", "modules", "commandstats", "errorstats latencystats", "keyspace server nosuch SERVER",
		"default commandstats", "nosuch everything",
	} {
		command := append([]string{"INFO"}, strings.Fields(args)...)
		got, want := headings(b.do(command...)), headings(redis.do(t, command...))
		if got = strings.TrimSuffix(got, "# Quotas\r"); got != want {
			t.Errorf("INFO %s\ngot  %q\nwant %q", args, got, want)
		}
	}
}

// TestInfoHasNoFieldThatRedisLacks: except for a list of our own fields. Any other field would be a misspelled one.
func TestInfoHasNoFieldThatRedisLacks(t *testing.T) {
	redis := dialRedis(t)
	if redis == nil {
		t.Skip("no redis-server on PATH")
	}
	b := newBench(t, nil)
	own := []string{"quotadb_version", "acl_access_denied_auth", "acl_access_denied_cmd", "acl_access_denied_key", "clock_offset_msec", "cluster_state", "deleted_keys_kept", "dropped_log_lines", "go_version", "node_id", "used_memory_heap"}
	theirs := infoFields(redis.do(t, "INFO", "everything"))
	for _, name := range slices.Sorted(maps.Keys(infoFields(b.do("INFO", "everything")))) {
		if _, ok := theirs[name]; !ok && !slices.Contains(own, name) && !strings.HasPrefix(name, "quota_") {
			t.Errorf("Redis has no %s", name)
		}
	}
}

// TestInfoHasWhatExportersRead checks the fields that common exporters and dashboards read. All of them are numbers,
// except those that the test lists as words.
func TestInfoHasWhatExportersRead(t *testing.T) {
	b := newBench(t, nil)
	b.do("SET", "k", "v", "EX", "10")
	b.do("GET")
	fields := infoFields(b.do("INFO", "ALL"))
	for _, name := range strings.Fields(`
		uptime_in_seconds process_id tcp_port connected_clients maxclients blocked_clients tracking_clients
		used_memory used_memory_rss used_memory_peak total_system_memory maxmemory mem_fragmentation_ratio mem_fragmentation_bytes
		loading async_loading rdb_bgsave_in_progress rdb_last_save_time rdb_last_bgsave_time_sec rdb_current_bgsave_time_sec
		aof_enabled aof_rewrite_in_progress aof_rewrite_scheduled aof_last_rewrite_time_sec aof_current_rewrite_time_sec
		total_connections_received total_commands_processed instantaneous_ops_per_sec total_net_input_bytes total_net_output_bytes
		instantaneous_input_kbps instantaneous_output_kbps rejected_connections expired_keys expire_cycle_cpu_milliseconds
		evicted_keys keyspace_hits keyspace_misses pubsub_channels pubsub_patterns latest_fork_usec
		unexpected_error_replies total_error_replies connected_slaves master_repl_offset second_repl_offset repl_backlog_active
		repl_backlog_size repl_backlog_first_byte_offset repl_backlog_histlen used_cpu_sys used_cpu_user used_cpu_sys_children
		used_cpu_user_children cluster_enabled`) {
		if _, err := strconv.ParseFloat(fields[name], 64); err != nil {
			t.Errorf("%s is %q", name, fields[name])
		}
	}
	for name, pattern := range map[string]string{
		"redis_version": `7\.2\.\d+`, "redis_mode": "standalone", "os": ".+", "run_id": "[0-9a-f]{40}", "role": "master",
		"master_replid": "[0-9a-f]{40}", "master_replid2": "0{40}", "master_failover_state": "no-failover", "maxmemory_policy": "noeviction",
		"rdb_last_bgsave_status": "ok", "aof_last_bgrewrite_status": "ok", "aof_last_write_status": "ok",
		"used_memory_peak_human": `[0-9.]+[BKMG]`, "used_memory_peak_perc": `\d+\.\d\d%`,
		"cmdstat_set":                  `calls=1,usec=\d+,usec_per_call=\d+\.\d\d,rejected_calls=0,failed_calls=0`,
		"latency_percentiles_usec_set": `p50=\d+\.\d{3},p99=\d+\.\d{3},p99\.9=\d+\.\d{3}`,
		"errorstat_ERR":                `count=1`,
		"db0":                          `keys=1,expires=1,avg_ttl=10000`,
	} {
		if !regexp.MustCompile(`^` + pattern + `$`).MatchString(fields[name]) {
			t.Errorf("%s is %q", name, fields[name])
		}
	}
}

func TestInfoHasRatesBetweenSamples(t *testing.T) {
	b := newBench(t, nil)
	b.Sample()
	b.x.Run(b.client, pipeline(300, "INCR", "k"), nil)
	b.x.Received(1<<20 + 512)
	b.x.Sent(3 << 20)
	b.wall += 2000
	b.Sample()
	expectLines(t, b.do("INFO", "stats"), "instantaneous_ops_per_sec:150", "total_net_input_bytes:1049088", "total_net_output_bytes:3145728",
		"instantaneous_input_kbps:512.25", "instantaneous_output_kbps:1536.00")
	b.do("CONFIG", "RESETSTAT")
	expectLines(t, b.do("INFO", "stats"), "instantaneous_ops_per_sec:0", "total_net_input_bytes:0", "total_net_output_bytes:0",
		"instantaneous_input_kbps:0.00")
	b.wall += 1000
	b.Sample()
	expectLines(t, b.do("INFO", "stats"), "instantaneous_ops_per_sec:2") // RESETSTAT, INFO
}

func TestInfoRemembersThePeakOfMemory(t *testing.T) {
	b := newBench(t, nil)
	for i := range 10_000 {
		b.do("SET", fmt.Sprint("key:", i), strings.Repeat("v", 100))
	}
	b.Sample()
	peak := b.DB.Used()
	b.do("FLUSHALL")
	fields := infoFields(b.do("INFO", "memory"))
	if fields["used_memory_peak"] != fmt.Sprint(peak) || b.DB.Used() >= peak {
		t.Errorf("%s, want %d; now %d", fields["used_memory_peak"], peak, b.DB.Used())
	}
}

func TestInfoCountsErrorsByTheirFirstWord(t *testing.T) {
	b := newBench(t, nil)
	b.x.Run(b.client, batchOf("SET m 1", "NOSUCH", "SET k", "SET k v WHAT", "CONFIG WHAT", "AUTH a b", "HELLO 4", "CONFIG SET maxmemory 1", "SET l 1", "CONFIG SET maxmemory 0"), nil)
	expectLines(t, b.do("INFO", "errorstats"), "errorstat_ERR:count=4", "errorstat_NOPROTO:count=1", "errorstat_OOM:count=1", "errorstat_WRONGPASS:count=1")
	b.do("CONFIG", "RESETSTAT")
	if got := b.do("INFO", "errorstats"); got != "$14\r\n# Errorstats\r\n\r\n" {
		t.Errorf("after a reset: %q", got)
	}
}

func TestResetStatForgetsTimesButNeitherSlowlogNorLatency(t *testing.T) {
	b := newBench(t, nil)
	b.do("CONFIG", "SET", "latency-monitor-threshold", "1")
	b.take(0, time.Second, "DEL k")
	b.ObserveSweep(5 * time.Millisecond)
	expectLines(t, b.do("INFO", "stats"), "expire_cycle_cpu_milliseconds:5")
	b.do("CONFIG", "RESETSTAT")
	info := b.do("INFO", "all")
	expectLines(t, info, "expire_cycle_cpu_milliseconds:0", "cmdstat_config|resetstat:calls=1,usec=0,usec_per_call=0.00,rejected_calls=0,failed_calls=0")
	if strings.Contains(info, "cmdstat_del") || strings.Contains(info, "usec_del") {
		t.Errorf("%s", info)
	}
	if got := b.do("SLOWLOG", "LEN") + b.do("LATENCY", "RESET"); got != ":1\r\n:2\r\n" {
		t.Errorf("%q", got)
	}
}
