package server

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/panjf2000/gnet/v2"
)

// handler is what the event loops call.
type handler struct {
	gnet.BuiltinEventEngine
	server *Server
}

// OnOpen meets a connection that admit has enrolled.
func (h *handler) OnOpen(conn gnet.Conn) ([]byte, gnet.Action) {
	conn.Context().(*connection).open(conn)
	return nil, gnet.None
}

// OnTraffic takes everything that arrived, so that gnet buffers no input and the session parses the loop's own
// read buffer. It is also called, with nothing, after Wake.
func (h *handler) OnTraffic(conn gnet.Conn) gnet.Action {
	chunk, err := conn.Next(-1)
	if err != nil {
		return gnet.Close
	}
	return conn.Context().(*connection).traffic(chunk)
}

// OnClose is called once for every connection that was opened, whoever closed it.
func (h *handler) OnClose(conn gnet.Conn, _ error) gnet.Action {
	conn.Context().(*connection).close()
	return gnet.None
}

// loopLog passes on what gnet has to complain about and drops its chatter.
type loopLog struct{ log *slog.Logger }

func (loopLog) Debugf(string, ...any) {}
func (loopLog) Infof(string, ...any)  {}

// Warnf logs a warning.
func (l loopLog) Warnf(format string, args ...any) { l.at(slog.LevelWarn, format, args) }

// Errorf logs an error.
func (l loopLog) Errorf(format string, args ...any) { l.at(slog.LevelError, format, args) }

// Fatalf logs an error: nothing in the loops is worth ending the process for.
func (l loopLog) Fatalf(format string, args ...any) { l.at(slog.LevelError, format, args) }

func (l loopLog) at(level slog.Level, format string, args []any) {
	l.log.Log(context.Background(), level, "event loop", "message", fmt.Sprintf(format, args...))
}
