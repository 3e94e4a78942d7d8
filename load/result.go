package load

import (
	"encoding/json"
	"fmt"
	"io"
	"text/tabwriter"
	"time"
)

// Result is the measurements of one test. A latency is the time of one batch; without a pipeline, of one command.
type Result struct {
	Test       string  `json:"test"`
	Clients    int     `json:"clients"`
	Pipeline   int     `json:"pipeline"`
	Nodes      int     `json:"nodes"`
	Commands   int64   `json:"commands"`
	Errors     int64   `json:"errors"`
	FirstError string  `json:"first_error,omitempty"`
	Seconds    float64 `json:"seconds"`
	PerSecond  float64 `json:"commands_per_second"`
	P50        float64 `json:"p50_ms"`
	P90        float64 `json:"p90_ms"`
	P99        float64 `json:"p99_ms"`
	P999       float64 `json:"p99_9_ms"`
	Max        float64 `json:"max_ms"`
}

// Results are the results of all tests, in their order.
type Results []Result

func (t *test) result(took time.Duration) Result {
	t.mu.Lock()
	defer t.mu.Unlock()
	ms := func(percent float64) float64 { return float64(t.histogram.ValueAtQuantile(percent)) / 1000 }
	return Result{
		Test: t.name, Clients: t.plan.Clients, Pipeline: t.plan.Pipeline, Nodes: len(t.nodes),
		Commands: t.sent.Load(), Errors: t.errors.Load(), FirstError: t.firstError,
		Seconds: took.Seconds(), PerSecond: float64(t.sent.Load()) / took.Seconds(),
		P50: ms(50), P90: ms(90), P99: ms(99), P999: ms(99.9), Max: float64(t.histogram.Max()) / 1000,
	}
}

// JSON writes the results as one JSON document. Errors are those of out.
func (r Results) JSON(out io.Writer) error {
	enc := json.NewEncoder(out)
	enc.SetIndent("", "  ")
	return enc.Encode(r)
}

// Table writes the results for people. Errors are those of out.
func (r Results) Table(out io.Writer) error {
	if len(r) == 0 {
		return nil
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	_, _ = fmt.Fprintln(w, "test\tcommands\terrors\tcommands/s\tp50 ms\tp90 ms\tp99 ms\tp99.9 ms\tmax ms\t")
	for _, t := range r {
		_, _ = fmt.Fprintf(w, "%s\t%d\t%d\t%.0f\t%.3f\t%.3f\t%.3f\t%.3f\t%.3f\t\n",
			t.Test, t.Commands, t.Errors, t.PerSecond, t.P50, t.P90, t.P99, t.P999, t.Max)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	text := fmt.Sprintf("connections: %d, nodes: %d", r[0].Clients, r[0].Nodes)
	if r[0].Pipeline > 1 {
		text += fmt.Sprintf("; each sent %d commands at once, and a latency is the time until all %d were answered", r[0].Pipeline, r[0].Pipeline)
	}
	_, err := fmt.Fprintln(out, text)
	return err
}
