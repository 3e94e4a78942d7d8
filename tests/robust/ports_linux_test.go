package robust

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/quotadb/quota-db/tests/internal/process"
)

func TestWithoutPeersOnlyTheBoundPortIsOpen(t *testing.T) {
	t.Parallel()
	server := process.QuotaDB(t)
	_, bound, err := net.SplitHostPort(server.Addr)
	if err != nil {
		t.Fatal(err)
	}
	for _, port := range listeningPorts(t, server.PID()) {
		if port != bound {
			t.Errorf("port %s is open too", port)
		}
	}
}

// listeningPorts are the TCP ports on which the process listens, from the
// kernel's table and the process's own descriptors.
func listeningPorts(t *testing.T, pid int) []string {
	t.Helper()
	own := map[string]bool{}
	files, err := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", pid))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if target, err := os.Readlink(file); err == nil {
			if inode, ok := strings.CutPrefix(target, "socket:["); ok {
				own[strings.TrimSuffix(inode, "]")] = true
			}
		}
	}
	var ports []string
	for _, table := range []string{"tcp", "tcp6"} {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/net/%s", pid, table))
		if err != nil {
			continue // no IPv6
		}
		for line := range strings.Lines(string(text)) {
			const address, state, inode, listening = 1, 3, 9, "0A"
			f := strings.Fields(line)
			if len(f) <= inode || f[state] != listening || !own[f[inode]] {
				continue
			}
			port, err := strconv.ParseUint(f[address][strings.LastIndexByte(f[address], ':')+1:], 16, 16)
			if err != nil {
				t.Fatal(err)
			}
			ports = append(ports, strconv.FormatUint(port, 10))
		}
	}
	if len(ports) == 0 {
		t.Fatal("the process seems to listen nowhere")
	}
	return ports
}
