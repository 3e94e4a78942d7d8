package persist

import (
	"sync/atomic"
	"time"
)

// stats are what INFO shows.
type stats struct {
	groups   atomic.Int64
	records  atomic.Int64
	bytes    atomic.Int64
	syncs    atomic.Int64
	lastSync atomic.Int64 // duration of the last sync, nanoseconds
	cut      bool         // the start found a torn tail and cut it
	loaded   atomic.Int64 // keys after loading
	loadTook atomic.Int64 // nanoseconds
	logBytes atomic.Int64
}

func (st *stats) group(records int) {
	st.groups.Add(1)
	st.records.Add(int64(records))
}

func (st *stats) synced(took time.Duration) {
	st.syncs.Add(1)
	st.lastSync.Store(int64(took))
}

// Status is the state of a store, for INFO and metrics.
type Status struct {
	Durability       Durability
	Failure          *Failure
	Groups           int64         // written
	Records          int64         // written
	Bytes            int64         // written to logs
	Syncs            int64         // of logs
	LastSync         time.Duration // duration of the last one
	LogBytes         int64         // size of the current logs, bytes
	LoadedKeys       int64         // keys after loading, at the start
	LoadTook         time.Duration
	Running          bool // a snapshot is being written
	SnapshotBegun    time.Time
	RecordsSinceSave int64
	Progress         int64  // bytes that the running snapshot has written
	Snapshots        uint64 // number of snapshots that ended
	SnapshotErr      error  // of the last one that ended
	SnapshotTook     time.Duration
	SnapshotSize     int64     // of the last successful one, bytes
	LastSave         time.Time // when the last successful one was synced, or the load ended
}

// Status is the present state of the store.
func (s *Store) Status() Status {
	st := &s.stats
	status := Status{
		Durability: s.durability, Failure: s.Refusal(),
		Groups: st.groups.Load(), Records: st.records.Load(), Bytes: st.bytes.Load(), Syncs: st.syncs.Load(),
		LastSync: time.Duration(st.lastSync.Load()), LogBytes: st.logBytes.Load(),
		LoadedKeys: st.loaded.Load(), LoadTook: time.Duration(st.loadTook.Load()),
	}
	sn := &s.snapshot
	sn.mu.Lock()
	defer sn.mu.Unlock()
	status.SnapshotBegun, status.RecordsSinceSave = sn.started, status.Records-sn.recordsAt
	status.Running, status.Progress, status.Snapshots = sn.running, sn.progress, sn.ended
	status.SnapshotErr, status.SnapshotTook, status.SnapshotSize, status.LastSave = sn.err, sn.took, sn.bytes, sn.last
	return status
}
