package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/quotadb/quota-db/config"
	"github.com/quotadb/quota-db/load"
	"github.com/quotadb/quota-db/remote"
	"github.com/quotadb/quota-db/status"
)

const (
	configUsage = `Usage: quota-db config check [FILE] [OPTIONS]

Checks the options, the environment and the file that a start would use, and prints every option with its source.
FILE stands for --config FILE. Secrets are not shown. Of the files that options name, only FILE is opened.
`
	completionUsage = `Usage: quota-db completion bash|zsh|fish

Prints the completion script of the shell. Example: source <(quota-db completion bash)
`
)

// nodes opens the nodes of a tool's arguments, each with at most this number of connections.
func nodes(r config.Remote, connections int) []*remote.Node {
	remote.Silence()
	var all []*remote.Node
	for _, addr := range r.Addrs {
		all = append(all, remote.Open(addr, remote.Options{
			User: r.User, Password: r.Password, Timeout: r.Patience, Connections: connections,
		}))
	}
	return all
}

func closeAll(all []*remote.Node) {
	for _, n := range all {
		_ = n.Close()
	}
}

// ping is quota-db ping.
func (t *tools) ping(ctx context.Context) error {
	cfg, err := config.ParsePing(t.sources)
	if err != nil {
		return err
	}
	all := nodes(cfg.Remote, 1)
	defer closeAll(all)
	ctx, cancel := context.WithTimeout(ctx, cfg.Patience)
	defer cancel()
	took, refusal, err := all[0].Ping(ctx)
	if err != nil {
		return fmt.Errorf("ping %s: %s", all[0].Addr(), remote.Explain(err))
	}
	t.printf("%s answers after %v%s\n", all[0].Addr(), took.Round(time.Microsecond), but(refusal))
	return nil
}

// but is the text for an error reply of a node that is alive; nil gives no text.
func but(refusal error) string {
	_, text := remote.Reply(refusal)
	switch {
	case refusal == nil:
		return ""
	case remote.WantsPassword(refusal):
		return ", and wants a password"
	case remote.IsFull(refusal):
		return ", but accepts no more clients: --max-connections clients are connected"
	}
	return ", with an error: " + text
}

// status is quota-db status.
func (t *tools) status(ctx context.Context) error {
	cfg, err := config.ParseStatus(t.sources)
	if err != nil {
		return err
	}
	all := nodes(cfg.Remote, 1)
	defer closeAll(all)
	report := status.Ask(ctx, all, cfg.Patience)
	write := report.Table
	if cfg.JSON {
		write = report.JSON
	}
	if err := write(t.stdout); err != nil {
		return err
	}
	if !report.Healthy {
		return errSaid
	}
	return nil
}

// bench is quota-db bench.
func (t *tools) bench(ctx context.Context) error {
	cfg, err := config.ParseBench(t.sources)
	if err != nil {
		return err
	}
	all := nodes(cfg.Remote, (cfg.Clients+len(cfg.Addrs)-1)/len(cfg.Addrs))
	defer closeAll(all)
	plan := load.Plan{
		Tests: cfg.Tests, Clients: cfg.Clients, Pipeline: cfg.Pipeline, Keys: cfg.Keys,
		Duration: cfg.Duration, Requests: cfg.Requests, Limit: cfg.Limit, Window: cfg.Window, Patience: cfg.Patience,
	}
	results, err := load.Run(ctx, all, plan, progress(t.stderr))
	if cfg.JSON {
		_ = results.JSON(t.stdout)
	} else {
		_ = results.Table(t.stdout)
	}
	return err
}

// progress returns a function that writes a line about the progress of a load.
func progress(out io.Writer) func(load.Progress) {
	return func(p load.Progress) { _, _ = fmt.Fprintln(out, p) }
}

// checkConfig is quota-db config check.
func (t *tools) checkConfig(context.Context) error {
	if t.wantsHelp() {
		return t.usage(configUsage)
	}
	s := t.sources
	if len(s.Args) > 0 && s.Args[0] != "" && s.Args[0][0] != '-' {
		s.Args = append([]string{"--config", s.Args[0]}, s.Args[1:]...)
	}
	cfg, err := config.Parse(s)
	if err != nil {
		return err
	}
	return cfg.PrintSettings(t.stdout)
}

// completion is quota-db completion.
func (t *tools) completion(context.Context) error {
	if len(t.sources.Args) == 1 && config.PrintCompletion(t.stdout, t.sources.Args[0]) {
		return nil
	}
	return t.usage(completionUsage)
}

// man is quota-db man.
func (t *tools) man(context.Context) error {
	if len(t.sources.Args) > 0 {
		return t.usage("Usage: quota-db man    print the manual page, for man -l or mandoc\n")
	}
	return config.PrintManual(t.stdout)
}
