package node

import (
	"fmt"
	"runtime"
	"syscall"

	"github.com/quotadb/quota-db/config"
)

// spareFiles is how many open files are kept from clients, as in Redis: for the data directory, listeners, and connections that are refused with a word.
const spareFiles = 64

// filesFor is how many open files the node needs beside one for each client: each event loop has two, and each peer a link, an attempt to dial, and strangers
// who shake hands.
func filesFor(cfg *config.Config) int {
	const loop, peer = 2, 4
	return spareFiles + loop*runtime.GOMAXPROCS(0) + peer*len(cfg.Peers)
}

// roomForClients is how many clients the system's limit of open files leaves room for; Go has raised that limit as far as it may. It is an error if there is no room.
func roomForClients(cfg *config.Config) (int, error) {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return config.MaxClients, nil
	}
	return clientsWithin(uint64(limit.Cur), filesFor(cfg))
}

func clientsWithin(files uint64, needed int) (int, error) {
	if files <= uint64(needed) {
		return 0, fmt.Errorf("the limit of open files (ulimit -n) is %d, of which the server needs %d for itself: raise it", files, needed)
	}
	return int(min(files-uint64(needed), config.MaxClients)), nil
}
