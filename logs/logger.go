package logs

import (
	"context"
	"io"
	"log/slog"
	"net"
	"time"

	"github.com/quotadb/quota-db/config"
)

// handler is slog's, and knows the Writer behind it.
type handler struct {
	slog.Handler
	out *Writer
}

// New is a logger whose lines have the given form, config.LogText or config.LogJSON. It calls the level below debug by its name.
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

// plainly names the level below debug, and writes addresses as people do, in JSON too.
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

// Dropped is how many lines of a logger that New made on a Writer were lost, 0 of any other logger.
func Dropped(log *slog.Logger) uint64 {
	if h, ok := log.Handler().(handler); ok {
		return h.out.Dropped()
	}
	return 0
}

// tell writes a line about lines that were lost. It does not go through the queue, whose goroutine calls it.
func tell(own *slog.Logger, lost uint64) error {
	r := slog.NewRecord(time.Now(), slog.LevelWarn, "log lines were lost: standard error did not take them", 0)
	r.AddAttrs(slog.Uint64("lines", lost))
	return own.Handler().Handle(context.Background(), r)
}
