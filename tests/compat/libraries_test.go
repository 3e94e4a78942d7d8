package compat

import (
	"path/filepath"
	"slices"
	"testing"
)

// claims are what every library's program says of an open server.
var claims = []string{
	"connects", "commands", "errors", "oom", "pipeline", "transaction", "watch", "discard",
	"killed", "restarted", "name", "scan", "info", "config", "slowlog", "pool",
}

func and(more ...string) []string { return slices.Concat(claims, more) }

// python is Debian's, which has python3-redis; another one may come first in PATH.
const python = "/usr/bin/python3"

func TestRedisPy(t *testing.T) {
	t.Parallel()
	installed(t, python, "-c", "import redis")
	holds(t, and("command"), python, "testdata/redis-py/program.py")
}

func TestRedisRb(t *testing.T) {
	t.Parallel()
	installed(t, "ruby", "-e", "require 'redis'")
	holds(t, and("command"), "ruby", "testdata/redis-rb/program.rb")
}

func TestPhpredis(t *testing.T) {
	t.Parallel()
	installed(t, "php", "-r", "new Redis(); exit(function_exists('pcntl_fork') ? 0 : 1);")
	holds(t, and("command"), "php", "testdata/phpredis/program.php")
}

func TestHiredis(t *testing.T) {
	t.Parallel()
	program := filepath.Join(t.TempDir(), "program")
	installed(t, "gcc", "-Wall", "-o", program, "testdata/hiredis/program.c", "-lhiredis", "-lpthread")
	holds(t, claims, program)
}
