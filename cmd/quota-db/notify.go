package main

import (
	"log/slog"
	"net"
	"strings"
)

// notify sends the state of this process to systemd, if the process runs as a unit of Type=notify. The protocol is that
// of sd_notify(3): a datagram to the unix socket that NOTIFY_SOCKET names; a first @ means an abstract name.
func notify(log *slog.Logger, env func(string) (string, bool), state string) {
	name, ok := env("NOTIFY_SOCKET")
	if !ok || name == "" {
		return
	}
	if rest, abstract := strings.CutPrefix(name, "@"); abstract {
		name = "\x00" + rest
	}
	conn, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: name, Net: "unixgram"})
	if err == nil {
		_, err = conn.Write([]byte(state))
		_ = conn.Close()
	}
	if err != nil {
		log.Warn("could not notify systemd", "state", state, "error", err)
	}
}
