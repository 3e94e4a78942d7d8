package node

import (
	"log/slog"
	"syscall"
)

// spareFiles is how many open files a node needs beside one for each client.
const spareFiles = 64

// warnOfFewFiles says so when the system's limit of open files (which Go has raised as far as it may) will be met
// before that of connections. Clients beyond it wait in the listen queue; the others are served.
func warnOfFewFiles(log *slog.Logger, connections int) {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return
	}
	if uint64(limit.Cur) < uint64(connections+spareFiles) {
		log.Warn("the limit of open files is too low for --max-connections",
			"files", limit.Cur, "needed", connections+spareFiles)
	}
}
