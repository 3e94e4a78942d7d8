package command

import (
	"math"
	"strconv"
	"time"

	"github.com/quotadb/quota-db/config"
	"github.com/quotadb/quota-db/params"
	"github.com/quotadb/quota-db/persist"
	"github.com/quotadb/quota-db/resp"
)

// persistenceCommands are the commands on snapshots and the log.
func persistenceCommands() []*row {
	return []*row{
		{name: "save", arity: 1, flags: admin | noscript | noAsyncLoading | noMulti, group: ofServer, since: "1.0.0", handler: save,
			complexity: perKey, summary: "Write a snapshot, and reply when it is synced"},
		{name: "bgsave", arity: -1, flags: admin | noscript | noAsyncLoading, group: ofServer, since: "1.0.0", handler: bgSave,
			usage: "[SCHEDULE]", complexity: constantTime, summary: "Write a snapshot in the background"},
		{name: "bgrewriteaof", arity: 1, flags: admin | noscript | noAsyncLoading, group: ofServer, since: "1.0.0", handler: bgRewriteAOF,
			complexity: constantTime, summary: "Write a snapshot in the background; it replaces the log"},
		{name: "lastsave", arity: 1, flags: loading | stale | fast, acl: aclAdmin | aclDangerous, group: ofServer, since: "1.0.0", tips: []string{noFixedOutput}, handler: lastSave,
			complexity: constantTime, summary: "Get the unix time at which the last snapshot was synced"},
		{name: "waitaof", arity: 4, flags: noscript, acl: aclConnection, group: ofKeys, since: "7.2.0", tips: []string{allShards, leastOfShards}, handler: waitAOF,
			usage: "numlocal numreplicas timeout:integer", complexity: constantTime,
			summary: "Wait until all earlier writes are synced to the disk"},
	}
}

// misconfigured is the error reply for writes while the disk fails.
func (s *Server) misconfigured() string {
	why := "it does not take what is written"
	if refusal := s.Store.Refusal(); refusal != nil {
		why = refusal.Err.Error()
	}
	return "MISCONF Errors writing to the disk, so commands that may modify the data set are refused until it recovers: " + why
}

// onDisk reports whether the server keeps its data on a disk; false after replying with an error.
func (c *call) onDisk() bool {
	if c.server.Store == nil {
		c.fail(errNoDisk)
	}
	return c.server.Store != nil
}

// save is SAVE. Only its own client waits.
func save(c *call) {
	if !c.onDisk() {
		return
	}
	store, client := c.server.Store, c.client
	if refusal := store.Refusal(); refusal != nil {
		c.fail("ERR " + refusal.Err.Error())
		return
	}
	number, _ := store.Snapshot(true)
	client.answerLate(math.MaxInt64, func(dst []byte, _ bool) ([]byte, bool) {
		switch ended, err := store.SnapshotEnded(number); {
		case !ended:
			return dst, false
		case err != nil:
			return resp.AppendError(dst, "ERR "+err.Error()), true
		}
		return append(dst, "+OK\r\n"...), true
	})
	if !store.AwaitSnapshot(number, client.rouse) {
		client.rouse()
	}
}

// bgSave is BGSAVE [SCHEDULE].
func bgSave(c *call) {
	schedule := len(c.args) == 2 && is(c.args[1], "schedule")
	switch {
	case len(c.args) > 1 && !schedule:
		c.fail(errSyntax)
	case c.onDisk():
		if _, ok := c.server.Store.Snapshot(false); ok {
			c.simple("Background saving started")
		} else if schedule {
			c.server.Store.Snapshot(true)
			c.simple("Background saving scheduled")
		} else {
			c.fail(errSaving)
		}
	}
}

func bgRewriteAOF(c *call) {
	if !c.onDisk() {
		return
	}
	if _, ok := c.server.Store.Snapshot(false); ok {
		c.simple("Background append only file rewriting started")
	} else {
		c.fail(errRewriting)
	}
}

// lastSave is LASTSAVE. Without a disk it replies with the time when the server started.
func lastSave(c *call) {
	if c.server.Store == nil {
		c.integer(c.server.Start.Unix())
		return
	}
	c.integer(c.server.Store.Status().LastSave.Unix())
}

// waitAOF is WAITAOF numlocal numreplicas timeout. Peers do not count as replicas, so a client that waits for replicas
// waits for the whole timeout.
func waitAOF(c *call) {
	local, ok := resp.ParseInt(c.args[1])
	replicas, alsoOK := resp.ParseInt(c.args[2])
	timeout, timeOK := resp.ParseInt(c.args[3])
	store := c.server.Store
	switch {
	case !ok || local < 0 || local > 1:
		c.fail(errLocal)
		return
	case !alsoOK || replicas < 0:
		c.fail(errReplicas)
		return
	case !timeOK || timeout > (math.MaxInt64-c.now.Mono)/int64(time.Millisecond):
		c.fail(errTimeout)
		return
	case timeout < 0:
		c.fail(errTimeoutNegative)
		return
	case local > 0 && store == nil:
		c.fail(errNoDiskToWait)
		return
	}
	group := uint64(0)
	if store != nil {
		group = store.Group()
	}
	isSafe := func() bool { return store != nil && store.Safe(group) }
	isDone := func() bool { return (local == 0 || isSafe()) && replicas == 0 }
	if c.nothingWaits() || isDone() {
		c.array(2)
		c.flag(isSafe())
		c.integer(0)
		return
	}
	until := int64(math.MaxInt64)
	if timeout > 0 {
		until = c.now.Mono + timeout*int64(time.Millisecond)
	}
	c.client.answerLate(until, func(dst []byte, over bool) ([]byte, bool) {
		if !over && !isDone() {
			return dst, false
		}
		safe := int64(flag(isSafe()))
		return resp.AppendInt(resp.AppendInt(resp.AppendArray(dst, 2), safe), 0), true
	})
	if store == nil || !store.Await(group, true, c.client.rouse) {
		c.client.rouse()
	}
}

// infoPersistence writes snapshots and the log under Redis's names for RDB and AOF. Fields that Redis does not have
// come last.
func infoPersistence(r *report) {
	store := r.call.server.Store
	status := persist.Status{LastSave: r.call.server.Start}
	if store != nil {
		status = store.Status()
	}
	current := int64(-1)
	if status.Running {
		current = int64(time.Since(status.SnapshotBegun).Seconds())
	}
	took := int64(-1)
	if status.Snapshots > 0 {
		took = int64(status.SnapshotTook.Seconds())
	}
	r.line("loading", 0)
	r.line("async_loading", 0)
	r.line("rdb_changes_since_last_save", status.RecordsSinceSave)
	r.line("rdb_bgsave_in_progress", flag(status.Running))
	r.line("rdb_last_save_time", status.LastSave.Unix())
	r.line("rdb_last_bgsave_status", okOr(status.SnapshotErr == nil))
	r.line("rdb_last_bgsave_time_sec", took)
	r.line("rdb_current_bgsave_time_sec", current)
	r.line("rdb_saves", status.Snapshots)
	r.line("aof_enabled", flag(store != nil))
	r.line("aof_rewrite_in_progress", flag(status.Running))
	r.line("aof_rewrite_scheduled", 0)
	r.line("aof_last_rewrite_time_sec", took)
	r.line("aof_current_rewrite_time_sec", current)
	r.line("aof_last_bgrewrite_status", okOr(status.SnapshotErr == nil))
	r.line("aof_last_write_status", okOr(status.Failure == nil))
	if store == nil {
		return
	}
	r.line("aof_current_size", status.LogBytes)
	r.line("aof_base_size", status.SnapshotSize)
	r.line("log_groups", status.Groups)
	r.line("log_records_written", status.Records)
	r.line("log_bytes_written", status.Bytes)
	r.line("log_fsyncs", status.Syncs)
	r.line("log_last_fsync_usec", status.LastSync.Microseconds())
	r.line("log_last_error", failureText(status.Failure))
	r.line("snapshot_progress_bytes", status.Progress)
	r.line("loaded_keys", status.LoadedKeys)
	r.line("load_time_msec", status.LoadTook.Milliseconds())
}

func failureText(f *persist.Failure) string {
	if f == nil {
		return ""
	}
	return f.Err.Error()
}

func flag(b bool) int {
	if b {
		return 1
	}
	return 0
}

func okOr(ok bool) string {
	if ok {
		return "ok"
	}
	return "err"
}

// persistenceParams are the parameters of Redis for the settings of our flags.
func (s *Server) persistenceParams() []params.Param {
	appendOnly := func() string {
		if s.Store == nil {
			return "no"
		}
		return "yes"
	}
	fsync := map[string]string{
		config.DurabilityInterval: "everysec", config.DurabilityAlways: "always", config.DurabilityNone: "no",
	}[s.Config.Durability]
	return []params.Param{
		params.Sole("save", "", "snapshots are written when the log has grown long"),
		{Name: "appendonly", Get: appendOnly, Set: func(value string) (func(), string) {
			return params.Only(appendOnly(), "--data-dir sets it at the start")(value)
		}},
		params.Sole("appendfsync", fsync, "--durability sets it at the start"),
		params.Fixed("dir", s.Config.DataDir),
		params.Fixed("data-dir", s.Config.DataDir),
		params.Fixed("durability", s.Config.Durability),
		params.Fixed("batch-max-delay-ms", strconv.FormatInt(s.Config.BatchMaxDelay.Milliseconds(), 10)),
	}
}
