// Command quota-db runs one node. Package config has its flags. SIGTERM, SIGINT or the command SHUTDOWN stop the node;
// SIGHUP makes it read the files of users and passwords again. If the first argument is a subcommand of
// config.Subcommands, the program is a tool for operators instead.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/quotadb/quota-db/config"
	"github.com/quotadb/quota-db/logs"
	"github.com/quotadb/quota-db/node"
	"github.com/quotadb/quota-db/server"
)

// shutdownTimeout is how long clients have to take their last replies when the node stops.
const shutdownTimeout = 10 * time.Second

// logTimeout is how long the end of the process waits for a log that nobody reads.
const logTimeout = 500 * time.Millisecond

// reloadTimeout is how long the end of the process waits for a reload that SIGHUP has started.
const reloadTimeout = 500 * time.Millisecond

func main() {
	if err := enoughFiles(); err != nil {
		fmt.Fprintln(os.Stderr, "quota-db:", err)
		os.Exit(1)
	}
	ctx, restore := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	context.AfterFunc(ctx, restore) // a second signal ends the process at once
	stderr := logs.NewWriter(os.Stderr)
	code := 0
	switch err := run(ctx, os.Args[1:], os.Environ(), os.Stdout, stderr); {
	case errors.Is(err, errUsage):
		code = 2
	case errors.Is(err, errSaid):
		code = 1
	case errors.Is(err, config.ErrUsage):
		fmt.Fprintln(stderr, "quota-db:", err)
		code = 2
	case err != nil:
		fmt.Fprintln(stderr, "quota-db:", err)
		code = 1
	}
	stderr.Close(logTimeout)
	os.Exit(code)
}

// run runs a tool, or a node until ctx ends or a client sends SHUTDOWN. environ has the form of os.Environ.
func run(ctx context.Context, args, environ []string, stdout, stderr io.Writer) error {
	t := &tools{sources: config.Sources{Args: args, Env: lookUp(environ), ReadFile: os.ReadFile, Out: stdout}, stdout: stdout, stderr: stderr}
	if ok, err := t.run(ctx); ok {
		return err
	}
	cfg, err := config.Parse(t.sources)
	if errors.Is(err, config.ErrHelp) || errors.Is(err, config.ErrVersion) {
		return nil
	}
	if err != nil {
		return err
	}
	log := logs.New(stderr, cfg.LogLevel, cfg.LogFormat)
	log.Info("configuration", "options", cfg)
	for _, name := range config.Unknown(environ) {
		log.Warn("ignored an environment variable: there is no such option", "variable", name)
	}
	return serve(ctx, cfg, log, t.sources.Env)
}

// serve runs the node.
func serve(ctx context.Context, cfg *config.Config, log *slog.Logger, env func(string) (string, bool)) error {
	signal.Ignore(syscall.SIGPIPE) // the node keeps running if the reader of its log ends
	reload := make(chan os.Signal, 1)
	signal.Notify(reload, syscall.SIGHUP) // before the start, which may take long
	defer signal.Stop(reload)
	server.SpareProcessor()
	n, err := node.Open(cfg, log)
	if err != nil {
		return err
	}
	notify(log, env, "READY=1")
	reloaded := make(chan struct{})
	go func() { // a file may hang: a stop must not wait for it
		defer close(reloaded)
		for range reload {
			n.Reload()
		}
	}()
	log.Info("QuotaDB stops", "reason", await(ctx, n))
	signal.Stop(reload)
	close(reload)
	notify(log, env, "STOPPING=1")
	timeout, cancel := context.WithTimeout(context.Background(), shutdownTimeout)
	defer cancel()
	err = n.Close(timeout)
	select {
	case <-reloaded:
	case <-time.After(reloadTimeout):
		log.Warn("SIGHUP: a file of users or passwords hangs: stopped without reading it")
	}
	if err != nil {
		return err
	}
	log.Info("QuotaDB stopped")
	return nil
}

// await waits until the node has to stop, and returns why.
func await(ctx context.Context, n *node.Node) (reason string) {
	select {
	case <-ctx.Done():
		return "signal"
	case <-n.Stopping():
		return "SHUTDOWN"
	}
}

// lookUp returns a function that finds variables in environ as os.LookupEnv does in the environment of the process.
func lookUp(environ []string) func(name string) (string, bool) {
	variables := map[string]string{}
	for _, variable := range environ {
		name, value, _ := strings.Cut(variable, "=")
		variables[name] = value
	}
	return func(name string) (string, bool) {
		value, ok := variables[name]
		return value, ok
	}
}
