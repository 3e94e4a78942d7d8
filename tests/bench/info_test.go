package main

import (
	"math"
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
