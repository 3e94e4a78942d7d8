package logs

import (
	"context"
	"io"
	"log/slog"
	"time"

	"github.com/quotadb/quota-db/config"
)

// handler is slog's, and knows the Writer behind it.
type handler struct {
	slog.Handler
	out *Writer
}

// New is a logger of lines of key=value, which calls the level below debug by its name.
func New(out io.Writer, level slog.Level) *slog.Logger {
	text := slog.NewTextHandler(out, &slog.HandlerOptions{Level: level, ReplaceAttr: nameTrace})
	if w, ok := out.(*Writer); ok {
		return slog.New(handler{text, w})
	}
	return slog.New(text)
}

func nameTrace(groups []string, a slog.Attr) slog.Attr {
	if a.Key == slog.LevelKey && len(groups) == 0 {
		if l, ok := a.Value.Any().(slog.Level); ok && l == config.LevelTrace {
			a.Value = slog.StringValue("TRACE")
		}
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
