package main

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// kind is what a program understands of durability.
type kind int

const (
	plain     kind = iota // no options: an earlier quota-db
	quotaKind             // --data-dir, --durability
	redisKind             // --appendonly, --appendfsync
)

// mode is how durable a server is.
type mode int

const (
	memory   mode = iota // no files
	interval             // files are about a second behind at most
	always               // a command is answered once it is synced
)

// options make a program of some kind durable. They come last on the command line, where they win.
var options = map[kind][3]string{
	quotaKind: {
		memory:   "--data-dir ''",
		interval: "--data-dir {dir}",
		always:   "--data-dir {dir} --durability always",
	},
	redisKind: {
		memory:   "--appendonly no",
		interval: "--dir {dir} --appendonly yes --appendfsync everysec",
		always:   "--dir {dir} --appendonly yes --appendfsync always",
	},
}

// program is a server that can be started.
type program struct {
	line       string // its command line; {port} and {dir} are replaced
	kind       kind
	processors string // to which it is pinned, in the form of taskset; empty: not pinned
}

// with is the program with more options.
func (p program) with(options string) program {
	p.line += " " + options
	return p
}

const helpLimit = 5 * time.Second

// newProgram finds the program that a command line begins with, and asks it for help to see what it is.
func newProgram(line, processors string) (program, error) {
	name, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
	path, err := exec.LookPath(name)
	if err != nil {
		return program{}, err
	}
	if path, err = filepath.Abs(path); err != nil { // servers have other working directories
		return program{}, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), helpLimit)
	defer cancel()
	help, _ := exec.CommandContext(ctx, path, "--help").CombinedOutput() // a program without help is plain
	return program{path + " " + rest, kindOf(string(help)), processors}, nil
}

func kindOf(help string) kind {
	switch {
	case strings.Contains(help, "--data-dir"):
		return quotaKind
	case strings.Contains(help, "redis-server"):
		return redisKind
	}
	return plain
}

// words are the program and its arguments: those of its line, split at blanks, then those of the mode.
func (p program) words(m mode, port, dir string) ([]string, error) {
	if p.kind == plain && m != memory {
		return nil, fmt.Errorf("%s: its help has no --data-dir, so it is not durable", p.line)
	}
	words := strings.Fields(p.line + " " + options[p.kind][m])
	for i, w := range words {
		words[i] = strings.NewReplacer("{port}", port, "{dir}", dir).Replace(strings.Trim(w, "'"))
	}
	return words, nil
}
