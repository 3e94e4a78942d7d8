package main

import (
	"math"
	"strings"
	"testing"
)

func TestInfoHasTheFieldsAndNotTheHeadings(t *testing.T) {
	f := parseInfo("# Persistence\r\nloading:0\r\nlog_records_written:1234567\r\ndir:/a:b\r\n\r\n# A:b\r\nempty:\r\nno field\r\n")
	for name, want := range map[string]string{"loading": "0", "log_records_written": "1234567", "dir": "/a:b", "empty": ""} {
		if got, ok := f[name]; !ok || got != want {
			t.Errorf("%s = %q, %t; want %q", name, got, ok, want)
		}
	}
	if len(f) != 4 {
		t.Errorf("got %d fields: %v", len(f), f)
	}
	if n := f.number("log_records_written"); n != 1234567 {
		t.Errorf("number = %v", n)
	}
	for _, name := range []string{"absent", "empty", "dir"} {
		if n := f.number(name); !math.IsNaN(n) {
			t.Errorf("number of %s = %v, want NaN", name, n)
		}
	}
}

const replicationInfo = "# Replication\r\nrole:master\r\ncluster_state:ok\r\nreplication_peers:2\r\n" +
	"peer0:node=2,address=127.0.0.1:7001,state=online,behind_rounds=0,behind_keys=0,bytes_sent=1234,bytes_received=56\r\n" +
	"peer1:node=3,address=127.0.0.1:7002,state=online,behind_rounds=0,behind_keys=0,bytes_sent=78,bytes_received=9\r\n"

func TestARecordOfAPeerHasItsFields(t *testing.T) {
	f := parseInfo(replicationInfo)
	for _, tt := range []struct {
		peer, name string
		want       float64
	}{
		{"peer0", "node", 2}, {"peer0", "bytes_sent", 1234}, {"peer1", "bytes_sent", 78}, {"peer1", "bytes_received", 9},
		{"peer1", "absent", math.NaN()}, {"peer2", "node", math.NaN()}, {"cluster_state", "ok", math.NaN()},
	} {
		if got := f.record(tt.peer).number(tt.name); got != tt.want && !(math.IsNaN(got) && math.IsNaN(tt.want)) {
			t.Errorf("%s of %s = %v, want %v", tt.name, tt.peer, got, tt.want)
		}
	}
	if got := f.record("peer0")["address"]; got != "127.0.0.1:7001" {
		t.Errorf("address %q", got)
	}
}

func TestPeersHaveAllWhenEachIsOnlineAndNoneIsBehind(t *testing.T) {
	for _, tt := range []struct {
		change, to string
		want       bool
	}{
		{"", "", true},
		{"cluster_state:ok", "cluster_state:degraded", false},
		{"node=3,address=127.0.0.1:7002,state=online,behind_rounds=0,behind_keys=0", "node=3,behind_keys=1", false},
		{"node=2,address=127.0.0.1:7001,state=online,behind_rounds=0,behind_keys=0", "node=2,behind_keys=100", false},
		{"cluster_state:ok\r\n", "", false}, // a node of before
	} {
		if got := parseInfo(strings.Replace(replicationInfo, tt.change, tt.to, 1)).acknowledged(); got != tt.want {
			t.Errorf("%q in place of %q: %t", tt.to, tt.change, got)
		}
	}
}

func TestAServerIsBusyWhileAnythingIsInProgress(t *testing.T) {
	for text, want := range map[string]bool{
		"": false,
		"loading:0\r\nrdb_bgsave_in_progress:0\r\n": false,
		"loading:1\r\n": true,
		"loading:0\r\nrdb_bgsave_in_progress:1\r\n":                                        true,
		"rdb_bgsave_in_progress:0\r\naof_rewrite_in_progress:1\r\n":                        true,
		"aof_rewrite_scheduled:1\r\n":                                                      true,
		"rdb_last_save_time:1795413077\r\naof_enabled:1\r\naof_current_size:105000000\r\n": false,
	} {
		if got := parseInfo(text).busy(); got != want {
			t.Errorf("busy of %q = %t", text, got)
		}
	}
}
