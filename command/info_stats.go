package command

import (
	"fmt"
	"maps"
	"slices"
)

// infoErrors shows how many errors were answered, by their first word.
func infoErrors(r *report) {
	counts := r.call.server.Stats.errors.snapshot()
	for _, kind := range slices.Sorted(maps.Keys(counts)) {
		r.line("errorstat_"+kind, fmt.Sprintf("count=%d", counts[kind]))
	}
}

// infoLatency shows within what time, in microseconds, so many percent of a command's calls were done.
func infoLatency(r *report) {
	s := r.call.server
	all := s.Stats.distributions(len(s.table.rows))
	for _, row := range s.table.rows {
		if d := &all[row.id]; d.calls > 0 {
			micros := func(perMille int64) float64 { return float64(d.within(perMille)) / 1000 }
			r.line("latency_percentiles_usec_"+row.full, fmt.Sprintf("p50=%.3f,p99=%.3f,p99.9=%.3f", micros(500), micros(990), micros(999)))
		}
	}
}
