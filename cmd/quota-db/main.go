// Command quota-db runs one node. Its flags are those of package config; it ends with SIGTERM, SIGINT or SHUTDOWN. With check or backup as its first argument it is
// a tool for data directories instead.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/quotadb/quota-db/config"
	"github.com/quotadb/quota-db/node"
)

// shutdownTimeout is how long clients have to take their last replies when the node stops.
const shutdownTimeout = 10 * time.Second

func main() {
	ctx, restore := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	context.AfterFunc(ctx, restore) // a second signal ends the process at once
	switch err := run(ctx, os.Args[1:], os.LookupEnv, os.Stdout, os.Stderr); {
	case errors.Is(err, errUsage):
		os.Exit(2)
	case err != nil:
		fmt.Fprintln(os.Stderr, "quota-db:", err)
		os.Exit(1)
	}
}

// run is the whole life of the node, until ctx ends or a client asks for it, or that of a tool.
func run(ctx context.Context, args []string, env func(string) (string, bool), stdout, stderr io.Writer) error {
	if ok, err := runTool(ctx, args, stdout, stderr); ok {
		return err
	}
	cfg, err := config.Parse(args, env, stdout)
	if errors.Is(err, config.ErrHelp) || errors.Is(err, config.ErrVersion) {
		return nil
	}
	if err != nil {
		return err
	}
	log := newLog(stderr, cfg.LogLevel)
	n, err := node.Open(cfg, log)
	if err != nil {
		return err
	}
	reason := "signal"
	select {
	case <-ctx.Done():
	case <-n.Stopping():
		reason = "SHUTDOWN"
	}
	log.Info("QuotaDB stops", "reason", reason)
	timeout, cancel := context.WithTimeout(context.Background(), shutdownTimeout)
	defer cancel()
	if err := n.Close(timeout); err != nil {
		return err
	}
	log.Info("QuotaDB stopped")
	return nil
}

// newLog writes lines of key=value and calls the level below debug by its name.
func newLog(out io.Writer, level slog.Level) *slog.Logger {
	return slog.New(slog.NewTextHandler(out, &slog.HandlerOptions{
		Level: level,
		ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr {
			if a.Key == slog.LevelKey && len(groups) == 0 {
				if l, ok := a.Value.Any().(slog.Level); ok && l == config.LevelTrace {
					a.Value = slog.StringValue("TRACE")
				}
			}
			return a
		},
	}))
}
