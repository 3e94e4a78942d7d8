// Package restart asks whether nodes come back with what they had, whatever commands they were given before.
//
// A world is made from a number: one node, or two or three that are peers of each other, of any shards and durability.
// It has a few lives. In each, clients send commands, random ones of every row of the command table, in transactions
// too, beside snapshots and backups of the running nodes. Then all that clients can see of each node is written down,
// and some of the nodes or all are stopped or killed. The directory of such a node must be sound for quota-db check; at
// times the node goes on with a backup of it, or with what check --salvage makes of it. When the nodes run again, with
// other shards, all must be as it was:
//
//   - keys, their types, values and deadlines, but for the time that has passed; DBSIZE and SCAN, and the digest of
//     what is stored;
//   - limits and windows of quotas; the tokens that they have are those from before and what was earned since, not one
//     more; after a clean stop not one less, and after a kill at most a reserve less.
//
// A kill is waited for: what clients were answered is safe before it, as WAITAOF says, so that all of it has to be
// there.
//
// A world is a list of steps. Of one that fails, steps are dropped as long as it goes on to fail, and what is left is
// shown.
package restart

import (
	"flag"
	"os"
	"testing"

	"github.com/quotadb/quota-db/tests/internal/process"
)

var (
	seedsFlag = flag.Int("seeds", 9, "how many worlds are run, each on one, two or three nodes")
	firstFlag = flag.Uint64("first", 1, "the number of the first world")
	stopFlag  = flag.Int("stop", 3, "end after so many worlds that fail")
	nodesFlag = flag.Int("nodes", 0, "run all worlds on so many nodes; 0: on one, two and three in turns")
)

func TestMain(m *testing.M) {
	flag.Parse()
	os.Exit(process.Main(m))
}
