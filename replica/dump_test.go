package replica

import (
	"fmt"

	"github.com/quotadb/quota-db/crdt"
	"github.com/quotadb/quota-db/engine"
)

// dump is the whole store of a node, as text by key.
func (w *world) dump(n *testNode) map[string]string {
	all := map[string]string{}
	var b engine.Batch
	for from := uint64(0); ; {
		if from = n.db.Walk(from, w.now, &b, 1<<20); from == 0 {
			break
		}
	}
	writers := n.db.Writers(0)
	for rest := b.Records; len(rest) > 0; {
		var e crdt.Entry
		name, after, err := crdt.DecodeRecord(rest, &e)
		if err != nil {
			w.t.Fatal(err)
		}
		text := ""
		for _, row := range e.Rows {
			text += fmt.Sprintf(" %v:%d-%d/%d-%d", writers[row.Writer], row.P, row.FP, row.N, row.FN)
		}
		all[string(name)] = fmt.Sprintf("base %v deadline %v since %d rows%s", e.Base, e.Deadline, e.Since, text)
		rest = after
	}
	return all
}

// explain logs the keys that two nodes store differently.
func (w *world) explain(a, b *testNode) {
	w.t.Logf("now %d", w.now.Wall)
	one, two := w.dump(a), w.dump(b)
	for name, text := range one {
		if two[name] != text {
			w.t.Logf("%s\n  node %d: %s\n  node %d: %s", name, a.Node, text, b.Node, two[name])
		}
	}
	for name, text := range two {
		if _, ok := one[name]; !ok {
			w.t.Logf("%s\n  node %d: nothing\n  node %d: %s", name, a.Node, b.Node, text)
		}
	}
}
