package status

import (
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"text/tabwriter"
	"time"
)

// JSON writes the report as one JSON document. Errors are those of out.
func (r *Report) JSON(out io.Writer) error {
	enc := json.NewEncoder(out)
	enc.SetIndent("", "  ")
	return enc.Encode(r)
}

// Table writes the report for people: nodes, links between them, notes and problems. Errors are those of out.
func (r *Report) Table(out io.Writer) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	line(w, "NODE", "ADDRESS", "CLUSTER", "UP", "KEYS", "QUOTAS", "DELETED", "MEMORY", "CLIENTS", "OPS/S", "DISK", "DIGEST")
	for _, n := range r.Nodes {
		if !n.known() {
			line(w, "-", n.Address, n.failure(), "-", "-", "-", "-", "-", "-", "-", "-", "-")
			continue
		}
		line(w, n.ID, n.Address, n.Cluster, time.Duration(n.UptimeSecs)*time.Second, n.Keys, n.Quotas, n.Remains,
			n.memory(), n.Clients, n.OpsPerSecond, n.disk(), n.digest())
	}
	if r.hasLinks() {
		line(w)
		line(w, "LINK", "STATE", "BEHIND", "SILENT", "COMPARED", "REPAIRS")
		for _, n := range r.Nodes {
			for _, l := range n.Links {
				line(w, fmt.Sprintf("%d -> %d", n.ID, l.Peer), l.State, fmt.Sprintf("%d keys, %.1f s", l.BehindKeys, l.BehindSeconds),
					fmt.Sprintf("%.1f s", l.SilentSeconds), l.compared(), l.Repairs)
			}
		}
	}
	if err := w.Flush(); err != nil {
		return err
	}
	return r.verdict(out)
}

func (r *Report) verdict(out io.Writer) error {
	text := "\n"
	for _, n := range r.Notes {
		text += "note: " + n.line()
	}
	for _, p := range r.Problems {
		text += "problem: " + p.line()
	}
	if r.Healthy {
		text += "healthy\n"
	} else {
		text += fmt.Sprintf("not healthy: %s; docs/troubleshooting.md says what to do\n", plural(len(r.Problems), "problem"))
	}
	_, err := io.WriteString(out, text)
	return err
}

// plural is a number with its noun, such as "2 problems".
func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

func (p Problem) line() string {
	if p.Node == "" {
		return p.Text + "\n"
	}
	return p.Node + ": " + p.Text + "\n"
}

func line(w io.Writer, cells ...any) {
	for i, c := range cells {
		if i > 0 {
			_, _ = io.WriteString(w, "\t")
		}
		_, _ = fmt.Fprint(w, c)
	}
	_, _ = io.WriteString(w, "\n")
}

func (r *Report) hasLinks() bool {
	for _, n := range r.Nodes {
		if len(n.Links) > 0 {
			return true
		}
	}
	return false
}

func (n *Node) memory() string {
	if n.LimitBytes > 0 {
		return size(n.UsedBytes) + " of " + size(n.LimitBytes)
	}
	return size(n.UsedBytes)
}

func (n *Node) disk() string {
	switch {
	case !n.Persistent:
		return "none"
	case n.DiskError != "":
		return "FAILS"
	case !n.SnapshotOK:
		return "no snapshot"
	}
	return "ok"
}

func (l Link) compared() string {
	if l.ComparedSecs < 0 {
		return "not yet"
	}
	return fmt.Sprintf("%.0f s ago", l.ComparedSecs)
}

// digest is the cell of the table for the digest.
func (n *Node) digest() string {
	if n.Digest == "" {
		return "not read"
	}
	return n.Digest
}

// failure is the cell of the table for a node whose INFO could not be read. If the node has answered with an error, it
// is the first word of that error.
func (n *Node) failure() string {
	switch {
	case n.Answers && n.code == "":
		return "not QuotaDB"
	case n.code == "ERR":
		return "error"
	case n.code != "":
		return n.code
	}
	return "no answer"
}

// size is a number of bytes for people.
func size(n int64) string {
	const units = "KMGTPE"
	if n < 1024 {
		return strconv.FormatInt(n, 10) + " B"
	}
	x := float64(n)
	i := -1
	for x >= 1024 && i < len(units)-1 {
		x, i = x/1024, i+1
	}
	return fmt.Sprintf("%.1f %ciB", x, units[i])
}
