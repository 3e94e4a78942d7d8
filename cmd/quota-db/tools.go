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

// errUsage: the arguments are not those of a tool, and the tool has printed which are. It is config.ErrUsage for tools without options.
var errUsage = errors.New("wrong usage, and what is right was printed")

// errSaid: a tool's answer is no, and the tool has said why.
var errSaid = errors.New("not healthy")

// tools is what the operator's tools work with.
type tools struct {
	sources        config.Sources
	stdout, stderr io.Writer
	files          vfs.FS
}

// rows are the tools: what config.Subcommands lists, with what runs each. The longer name comes first.
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

// run runs the tool that the arguments name; ok is false if they name none.
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

// usage says how a tool is used. Help was asked for, or it is an error.
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

const dataUsage = `Usage: quota-db check DIR                  whether a start on data directory DIR would succeed, and why not
       quota-db check --salvage DIR OUT    write what is sound of DIR into the new directory OUT
       quota-db backup DIR OUT             copy DIR into the new directory OUT; a server may run on DIR
       quota-db clock DIR                  how far the clock of DIR is ahead of the machine's
       quota-db clock --set-back DIR       begin at the machine's time again, after the machine's clock was wrong

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

// areDirs reports whether the arguments are so many directories; one that begins with "-" is written as ./-.
func areDirs(args []string, n int) bool {
	return len(args) == n && !slices.ContainsFunc(args, func(a string) bool { return a == "" || a[0] == '-' })
}

func (t *tools) printf(format string, args ...any) { _, _ = fmt.Fprintf(t.stdout, format, args...) }

// check prints what there is, and returns why a start would fail.
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

// owner says whose the directory is, and how the last run has ended.
func owner(r *disk.Report) string {
	if r.Node == 0 {
		return "nobody's: a start on it begins a new life"
	}
	ending := "not stopped clean"
	if r.Clean {
		ending = "stopped clean"
	}
	if r.Busy {
		ending = "a server has it: this is what it had written when the check began"
	}
	return fmt.Sprintf("node %d, life %016x; %s", r.Node, r.Life, ending)
}

func orBusy(busy bool) string {
	if busy {
		return ", and while a server writes"
	}
	return ""
}

// explain says what to do about what is not sound.
func explain(dir string, err error) error {
	var damage *disk.DamageError
	switch {
	case errors.Is(err, disk.ErrNoData):
		return fmt.Errorf("%s: %w", dir, err)
	case errors.Is(err, disk.ErrVersion) && !errors.As(err, &damage):
		return fmt.Errorf("%w: use the release that wrote it, or a later one", err)
	case errors.Is(err, disk.ErrEarlier):
		return err
	case isContent(err):
		return fmt.Errorf("a start on %s fails:\n%w\nrestore a backup, or keep what is sound: quota-db check --salvage %s OUT", dir, err, dir)
	}
	return fmt.Errorf("check %s: %w", dir, err)
}

// isContent reports whether it is what the files hold that is wrong, and not that they cannot be read.
func isContent(err error) bool {
	var damage *disk.DamageError
	return errors.As(err, &damage) || errors.Is(err, crdt.ErrCorrupt) || errors.Is(err, crdt.ErrShort)
}

// salvage prints what was kept and what was not.
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
		t.printf("lost: keys of the snapshot, how many is not known; those that changed later are in the log\n")
	case found.LostKeys > 0:
		t.printf("lost: %d keys of the snapshot; those of them that changed later are in the log\n", found.LostKeys)
	}
	if found.Mixed {
		t.printf("mixed: each key is as it was at some moment while the snapshot was written, not all at the same\n")
	}
	t.printf("%s is sound: a start on it begins a new life\n", out)
	return nil
}

func orMore(records int64) string {
	if records == 0 {
		return ""
	}
	return fmt.Sprintf(", %d records or more", records)
}

func (t *tools) backup(dir, out string) error {
	err := persist.Backup(t.files, dir, out)
	if err != nil && isContent(err) {
		return fmt.Errorf("back up %s: %w; quota-db check %s says more", dir, err, dir)
	}
	if err != nil {
		return fmt.Errorf("back up %s: %w", dir, err)
	}
	t.printf("%s has what was written to %s when the backup began; a start on it begins a new life\n", out, dir)
	return nil
}

// clock prints what the clock of a directory has come to, and how far that is ahead of the machine's.
func (t *tools) clock(dir string) error {
	c, clean, err := disk.ReadClock(t.files, dir)
	if err != nil {
		return fmt.Errorf("%s: %w", dir, err)
	}
	state := "stopped clean"
	if !clean {
		state = "not stopped clean, or a server has it: this is what was known when it began, or later"
	}
	t.printf("%s served clients by a clock that stood at %s (%s)\nthe machine's clock stands at            %s\n", dir, moment(c.Wall), state, moment(time.Now().UnixMilli()))
	if ahead := time.Until(time.UnixMilli(c.Wall)); ahead > time.Second {
		t.printf("a start goes on from the former, %v ahead. If that was wrong and the machine's is right: quota-db clock --set-back %s\n", ahead.Round(time.Second), dir)
	}
	return nil
}

func moment(wall int64) string { return time.UnixMilli(wall).UTC().Format(time.RFC3339) }

// setBack has a directory begin at the machine's time.
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
