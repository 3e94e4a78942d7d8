package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/quotadb/quota-db/config"
	"github.com/quotadb/quota-db/crdt"
	"github.com/quotadb/quota-db/disk"
	"github.com/quotadb/quota-db/disk/vfs"
	"github.com/quotadb/quota-db/persist"
)

// errUsage: the arguments of a tool without options are wrong, and the tool has printed its usage. Tools with options
// return config.ErrUsage.
var errUsage = errors.New("wrong usage; the usage was printed")

// errSaid: the answer of a tool is no, and the tool has printed the reason.
var errSaid = errors.New("not healthy")

// tools runs one of the tools for operators.
type tools struct {
	sources        config.Sources
	stdout, stderr io.Writer
	files          vfs.FS
}

// rows are the functions of the tools that config.Subcommands lists, by name.
func (t *tools) rows() map[string]func(ctx context.Context) error {
	return map[string]func(ctx context.Context) error{
		"ping":         t.ping,
		"status":       t.status,
		"bench":        t.bench,
		"config check": t.checkConfig,
		"config":       func(context.Context) error { return t.usage(configUsage) },
		"check":        t.checkData,
		"backup":       t.backupData,
		"clock":        t.dataClock,
		"completion":   t.completion,
		"man":          t.man,
	}
}

// run runs the tool that the arguments name; ok is false if they name none. Of "config check" and "config" the longer
// name wins.
func (t *tools) run(ctx context.Context) (ok bool, err error) {
	args := t.sources.Args
	for n := min(len(args), 2); n > 0; n-- {
		if tool := t.rows()[strings.Join(args[:n], " ")]; tool != nil {
			t.sources.Args = args[n:]
			err := tool(ctx)
			switch {
			case errors.Is(err, config.ErrHelp), errors.Is(err, config.ErrVersion):
				err = nil
			case errors.Is(err, config.ErrUsage):
				err = fmt.Errorf("%w; see quota-db %s --help", err, strings.Join(args[:n], " "))
			}
			return true, err
		}
	}
	return false, nil
}

// usage prints the usage of a tool: to stdout if --help was given, otherwise to stderr, and that is an error.
func (t *tools) usage(text string) error {
	if t.wantsHelp() {
		_, err := io.WriteString(t.stdout, text)
		return err
	}
	_, _ = io.WriteString(t.stderr, text)
	return errUsage
}

func (t *tools) wantsHelp() bool {
	return slices.Contains(t.sources.Args, "--help") || slices.Contains(t.sources.Args, "-h")
}

const dataUsage = `Usage: quota-db check DIR                  check whether a start on data directory DIR would succeed
       quota-db check --salvage DIR OUT    write the undamaged data of DIR into the new directory OUT
       quota-db backup DIR OUT             copy DIR into the new directory OUT; a server may run on DIR
       quota-db clock DIR                  show how far the clock of DIR is ahead of the machine's clock
       quota-db clock --set-back DIR       set the clock of DIR to the machine's time, after the machine's clock was wrong

See docs/operating.md.
`

// checkData is quota-db check.
func (t *tools) checkData(ctx context.Context) error {
	t.files = newWatched(ctx, vfs.OS, t.stderr)
	switch args := t.sources.Args; {
	case t.wantsHelp():
	case areDirs(args, 1):
		return t.check(args[0])
	case len(args) > 0 && args[0] == "--salvage" && areDirs(args[1:], 2):
		return t.salvage(args[1], args[2])
	}
	return t.usage(dataUsage)
}

// backupData is quota-db backup.
func (t *tools) backupData(ctx context.Context) error {
	t.files = newWatched(ctx, vfs.OS, t.stderr)
	if args := t.sources.Args; !t.wantsHelp() && areDirs(args, 2) {
		return t.backup(args[0], args[1])
	}
	return t.usage(dataUsage)
}

// dataClock is quota-db clock.
func (t *tools) dataClock(ctx context.Context) error {
	t.files = newWatched(ctx, vfs.OS, t.stderr)
	switch args := t.sources.Args; {
	case t.wantsHelp():
	case areDirs(args, 1):
		return t.clock(args[0])
	case len(args) > 0 && args[0] == "--set-back" && areDirs(args[1:], 1):
		return t.setBack(args[1])
	}
	return t.usage(dataUsage)
}

// areDirs reports whether the arguments are n directories. A name that begins with "-" must be written as ./-name.
func areDirs(args []string, n int) bool {
	return len(args) == n && !slices.ContainsFunc(args, func(a string) bool { return a == "" || a[0] == '-' })
}

func (t *tools) printf(format string, args ...any) { _, _ = fmt.Fprintf(t.stdout, format, args...) }

// check prints the files of a directory, and returns the reason why a start on the directory would fail.
func (t *tools) check(dir string) error {
	r, err := persist.Check(t.files, dir)
	if errors.Is(err, context.Canceled) {
		return err
	}
	var bytes, records int64
	for i, f := range r.Files {
		state := ""
		if f.Err != nil {
			state = "  FAILS"
		}
		t.printf("%-22s %14d bytes %10d groups %12d records%s\n", f.Name, f.Bytes, f.Groups, r.Records[i], state)
		bytes += f.Bytes
		records += r.Records[i]
	}
	if r.Known {
		t.printf("%d files, %d bytes, %d records; %s\n", len(r.Files), bytes, records, owner(r.Report))
	}
	if r.Cut != nil {
		t.printf("torn tail: %s from offset %d on, %d bytes: %s. That is normal after a kill or a loss of power%s: the next start cuts it\n",
			r.Cut.File, r.Cut.Offset, r.Cut.Bytes, r.Cut.Reason, orBusy(r.Busy))
	}
	if err != nil {
		return explain(dir, err)
	}
	t.printf("sound: a start on it succeeds\n")
	return nil
}

// owner is the text for the identity of the directory, and for the end of the last run.
func owner(r *disk.Report) string {
	if r.Node == 0 {
		return "no identity: a node that starts on it takes a new one"
	}
	ending := "not stopped clean"
	if r.Clean {
		ending = "stopped clean"
	}
	if r.Busy {
		ending = "a server uses it: this is the state when the check began"
	}
	return fmt.Sprintf("node %d, identity %016x; %s", r.Node, r.Life, ending)
}

func orBusy(busy bool) string {
	if busy {
		return ", and while a server writes"
	}
	return ""
}

// explain adds to an error of a check what the operator can do.
func explain(dir string, err error) error {
	var damage *disk.DamageError
	switch {
	case errors.Is(err, disk.ErrNoData):
		return fmt.Errorf("%s: %w", dir, err)
	case errors.Is(err, disk.ErrVersion) && !errors.As(err, &damage):
		return fmt.Errorf("%w: use the release that wrote the directory, or a later one", err)
	case errors.Is(err, disk.ErrEarlier):
		return err
	case isContent(err):
		return fmt.Errorf("a start on %s fails:\n%w\nrestore a backup, or keep the undamaged data: quota-db check --salvage %s OUT", dir, err, dir)
	}
	return fmt.Errorf("check %s: %w", dir, err)
}

// isContent reports whether an error is about the contents of files, and not about reading them.
func isContent(err error) bool {
	var damage *disk.DamageError
	return errors.As(err, &damage) || errors.Is(err, crdt.ErrCorrupt) || errors.Is(err, crdt.ErrShort)
}

// salvage writes the undamaged data of a directory into a new one, and prints what was kept and what was lost.
func (t *tools) salvage(dir, out string) error {
	found, err := persist.Salvage(t.files, dir, out)
	if err != nil {
		return fmt.Errorf("salvage %s: %w", dir, err)
	}
	if found.Assumed != "" {
		t.printf("assumed: %s\n", found.Assumed)
	}
	for _, f := range found.Files {
		t.printf("kept: %-22s %14d bytes %10d groups\n", f.Name, f.Bytes, f.Groups)
	}
	for _, l := range found.Losses {
		t.printf("lost: %s from offset %d on, %d bytes%s: %s\n", l.File, l.Offset, l.Bytes, orMore(l.Records), l.Reason)
	}
	switch {
	case found.LostKeys < 0:
		t.printf("lost: an unknown number of keys of the snapshot, except keys that changed later: these are in the log\n")
	case found.LostKeys > 0:
		t.printf("lost: %d keys of the snapshot, except keys that changed later: these are in the log\n", found.LostKeys)
	}
	if found.Mixed {
		t.printf("mixed: each key has its state at some moment while the snapshot was written, not all keys at the same moment\n")
	}
	t.printf("%s is sound: a node that starts on it takes a new identity\n", out)
	return nil
}

func orMore(records int64) string {
	if records == 0 {
		return ""
	}
	return fmt.Sprintf(", %d records or more", records)
}

// backup copies a directory into a new one.
func (t *tools) backup(dir, out string) error {
	err := persist.Backup(t.files, dir, out)
	if err != nil && isContent(err) {
		return fmt.Errorf("back up %s: %w; for details: quota-db check %s", dir, err, dir)
	}
	if err != nil {
		return fmt.Errorf("back up %s: %w", dir, err)
	}
	t.printf("%s has the data that %s had when the backup began; a node that starts on it takes a new identity\n", out, dir)
	return nil
}

// clock prints the last time of a directory's clock, and how far that time is ahead of the machine's clock.
func (t *tools) clock(dir string) error {
	c, clean, err := disk.ReadClock(t.files, dir)
	if err != nil {
		return fmt.Errorf("%s: %w", dir, err)
	}
	state := "stopped clean"
	if !clean {
		state = "not stopped clean, or a server uses it: the time when the last run began, or a later one"
	}
	t.printf("the clock of %s: %s (%s)\nthe machine's clock: %s\n", dir, moment(c.Wall), state, moment(time.Now().UnixMilli()))
	if ahead := time.Until(time.UnixMilli(c.Wall)); ahead > time.Second {
		t.printf("a node that starts on it uses a clock that is %v ahead of the machine's clock. If the machine's clock is right: quota-db clock --set-back %s\n", ahead.Round(time.Second), dir)
	}
	return nil
}

func moment(wall int64) string { return time.UnixMilli(wall).UTC().Format(time.RFC3339) }

// setBack sets the clock of a directory to the machine's time.
func (t *tools) setBack(dir string) error {
	before, _, err := disk.ReadClock(t.files, dir)
	now := time.Now().UnixMilli()
	if err == nil {
		err = disk.SetBack(t.files, dir, now)
	}
	if err != nil {
		return fmt.Errorf("set the clock of %s back: %w", dir, err)
	}
	t.printf("the clock of %s is set back from %s to %s\n", dir, moment(before.Wall), moment(now))
	return nil
}
