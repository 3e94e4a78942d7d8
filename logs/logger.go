package logs

import (
	"context"
	"io"
	"log/slog"
	"net"
	"time"

	"github.com/quotadb/quota-db/config"
)

// handler is a slog.Handler that knows the Writer behind it.
type handler struct {
	slog.Handler
	out *Writer
}

// New returns a logger that writes lines of the given format, config.LogText or config.LogJSON. It names the level
// below debug TRACE.
func New(out io.Writer, level slog.Level, format string) *slog.Logger {
	lines := newHandler(out, level, format)
	if w, ok := out.(*Writer); ok {
		w.own.Store(slog.New(newHandler(w.out, level, format)))
		return slog.New(handler{lines, w})
	}
	return slog.New(lines)
}

func newHandler(out io.Writer, level slog.Level, format string) slog.Handler {
	options := &slog.HandlerOptions{Level: level, ReplaceAttr: plainly}
	if format == config.LogJSON {
		return slog.NewJSONHandler(out, options)
	}
	return slog.NewTextHandler(out, options)
}

// plainly names the level below debug, and writes network addresses as text, in JSON too.
func plainly(groups []string, a slog.Attr) slog.Attr {
	if a.Key == slog.LevelKey && len(groups) == 0 {
		if l, ok := a.Value.Any().(slog.Level); ok && l == config.LevelTrace {
			a.Value = slog.StringValue("TRACE")
		}
	}
	if addrs, ok := a.Value.Any().([]net.Addr); ok {
		var texts []string
		for _, addr := range addrs {
			texts = append(texts, addr.String())
		}
		a.Value = slog.AnyValue(texts)
	}
	return a
}

// Dropped returns how many lines were lost, for a logger that New made on a Writer; 0 for any other logger.
func Dropped(log *slog.Logger) uint64 {
	if h, ok := log.Handler().(handler); ok {
		return h.out.Dropped()
	}
	return 0
}

// tell logs that lines were lost. It writes directly, since the goroutine that empties the queue calls it.
func tell(own *slog.Logger, lost uint64) error {
	r := slog.NewRecord(time.Now(), slog.LevelWarn, "log lines were lost: standard error did not take them", 0)
	r.AddAttrs(slog.Uint64("lines", lost))
	return own.Handler().Handle(context.Background(), r)
}
