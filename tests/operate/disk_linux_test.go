package operate

import (
	"context"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/quotadb/quota-db/tests/internal/process"
)

// fullDisk starts a node on a disk without room beside a peer that it has not met, and then makes room. Each line that
// it prints is a claim.
const fullDisk = `
set -e
ip link set lo up
mkdir disk && mount -t tmpfs -o size=2m none disk
cli() { redis-cli --raw -p "$@"; }
first() { $0 --node-id 1 --bind 127.0.0.1:6381 --replication-port 7381 --data-dir disk/data "$@" 2>>1.log & node=$!; until $0 ping 127.0.0.1:6381 >/dev/null 2>&1; do sleep 0.05; done; }
first
cli 6381 SET mine 1 >/dev/null; cli 6381 WAITAOF 1 0 0 >/dev/null
kill $node; wait $node
dd if=/dev/zero of=disk/fill bs=4k 2>/dev/null || true
$0 --node-id 2 --bind 127.0.0.1:6382 --replication-port 7382 --peers 127.0.0.1:7381 --data-dir data2 2>2.log &
first --peers 127.0.0.1:7382
until cli 6382 SET theirs 2 >/dev/null 2>&1; do sleep 0.05; done
echo "reads $(cli 6381 GET mine)"
echo "writes $(cli 6381 SET more 1 | cut -d' ' -f1)"
until $0 status 127.0.0.1:6381 | grep -q 'a peer cannot be reached: .*no space left on device'; do sleep 0.05; done
echo "theirs [$(cli 6381 GET theirs)]"
rm disk/fill
until [ "$(cli 6381 GET theirs)" = 2 ] && $0 status 127.0.0.1:6381 127.0.0.1:6382 >/dev/null; do sleep 0.05; done
echo "theirs [$(cli 6381 GET theirs)]"
`

// TestANodeOnAFullDiskReplicatesWithNewPeersWhenThereIsRoom: before a node counts beside a peer that it has not met, it
// must record on disk that it has a peer.
func TestANodeOnAFullDiskReplicatesWithNewPeersWhenThereIsRoom(t *testing.T) {
	t.Parallel()
	process.Tool(t, "redis-cli")
	isolated := []string{"--mount", "--net", "--pid", "--fork", "--kill-child"}
	if out, err := exec.Command("unshare", append(isolated, "true")...).CombinedOutput(); err != nil {
		t.Skipf("needs namespaces: %v: %s", err, out)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 4*patience)
	defer cancel()
	run := exec.CommandContext(ctx, "unshare", append(isolated, "bash", "-c", fullDisk, process.Binary(t))...)
	run.Dir = t.TempDir()
	run.WaitDelay = time.Second
	var errs strings.Builder
	run.Stderr = &errs
	out, err := run.Output()
	if want := "reads 1\nwrites MISCONF\ntheirs []\ntheirs [2]\n"; string(out) != want {
		t.Errorf("%v: it prints\n%s\nwant\n%s\n%s", err, out, want, errs.String())
	}
}
