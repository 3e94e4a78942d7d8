package node

import (
	"fmt"
	"syscall"

	"github.com/quotadb/quota-db/config"
	"github.com/quotadb/quota-db/server"
)

// spareFiles is the number of open files reserved for the node itself, as in Redis: the data directory, listeners, and
// connections that are refused with an error.
const spareFiles = 64

// filesFor is the number of open files that the node needs besides one for each client. Each event loop has two. Each
// peer has a link, an attempt to dial, and two for handshakes.
func filesFor(cfg *config.Config) int {
	const loop, peer = 2, 4
	return spareFiles + loop*server.Processors() + peer*len(cfg.Peers)
}

// roomForClients returns the number of clients that the system's limit of open files allows; Go has raised that limit
// as far as possible. It returns an error if the limit allows none.
func roomForClients(cfg *config.Config) (int, error) {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return config.MaxClients, nil
	}
	return clientsWithin(uint64(limit.Cur), filesFor(cfg))
}

func clientsWithin(files uint64, needed int) (int, error) {
	if files <= uint64(needed) {
		return 0, fmt.Errorf("the limit of open files (ulimit -n) is %d, and the server needs %d for itself: raise the limit", files, needed)
	}
	return int(min(files-uint64(needed), config.MaxClients)), nil
}
