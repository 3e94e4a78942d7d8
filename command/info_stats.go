package command

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// infoErrors writes the number of error replies by their first word.
func infoErrors(r *report) {
	counts := r.stats.ByError
	for _, kind := range slices.Sorted(maps.Keys(counts)) {
		r.line("errorstat_"+kind, fmt.Sprintf("count=%d", counts[kind]))
	}
}

// infoLatency writes the percentiles of the durations of each command, in microseconds.
func infoLatency(r *report) {
	s := r.call.server
	all := s.Stats.Distributions()
	for _, row := range s.table.rows {
		d := &all[row.id]
		if d.Calls == 0 {
			continue
		}
		var values []string
		for _, p := range s.Params.Percentiles() {
			values = append(values, fmt.Sprintf("%s=%.3f", percentileName(p), float64(d.Within(p))/1000))
		}
		r.line("latency_percentiles_usec_"+row.full, strings.Join(values, ","))
	}
}

// percentileName is the name of a percentile in INFO: with at most six digits after the point, without zeros at the
// end.
func percentileName(p float64) string {
	return "p" + strings.TrimSuffix(strings.TrimRight(strconv.FormatFloat(p, 'f', 6, 64), "0"), ".")
}
