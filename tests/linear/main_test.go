// Package linear asks whether the answers that several clients of one server get are those of a server that runs one
// command after the other, each at a moment between its request and its reply, with deadlines that pass in real time
// (Herlihy and Wing, "Linearizability: A Correctness Condition for Concurrent Objects", 1990; the search is that of
// github.com/anishathalye/porcupine).
//
// A client sends single commands, transactions, and pipelines, with slow commands among them. The commands of a
// pipeline overlap in time with those of other clients as long as the pipeline takes, but run in its order: the model
// counts how many of each client's have run.
package linear

import (
	"os"
	"testing"

	"github.com/quotadb/quota-db/tests/internal/process"
)

func TestMain(m *testing.M) { os.Exit(process.Main(m)) }
