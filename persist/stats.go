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
	lastSync atomic.Int64 // how long it took, nanoseconds
	cut      bool         // a torn tail, at the start
	loaded   atomic.Int64 // keys
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

// Status is what there is to know of a store.
type Status struct {
	Durability       Durability
	Failure          *Failure
	Groups           int64         // written
	Records          int64         // written
	Bytes            int64         // written to logs
	Syncs            int64         // of logs
	LastSync         time.Duration // how long it took
	LogBytes         int64         // of the logs that count
	LoadedKeys       int64         // at the start
	LoadTook         time.Duration
	Running          bool // a snapshot
	SnapshotBegun    time.Time
	RecordsSinceSave int64
	Progress         int64
	Snapshots        uint64 // that ended
	SnapshotErr      error  // of the last
	SnapshotTook     time.Duration
	SnapshotSize     int64     // of the last that counts
	LastSave         time.Time // when the last that counts was safe, or the load ended
}

// Status is the present one.
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
