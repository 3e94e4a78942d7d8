package compat

import (
	"os/exec"
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

func TestIORedis(t *testing.T) {
	t.Parallel()
	installed(t, "node", "-e", "require('./testdata/node/node_modules/ioredis')")
	holds(t, and("command"), "node", "testdata/node/ioredis.js")
}

func TestNodeRedis(t *testing.T) {
	t.Parallel()
	installed(t, "node", "-e", "require('./testdata/node/node_modules/redis')")
	holds(t, and("command", "resp3"), "node", "testdata/node/node-redis.js")
}

func TestRedisRb(t *testing.T) {
	t.Parallel()
	installed(t, "ruby", "-e", "require 'redis'")
	holds(t, and("command"), "ruby", "testdata/redis-rb/program.rb")
}

func TestHiredis(t *testing.T) {
	t.Parallel()
	binary := filepath.Join(t.TempDir(), "program")
	installed(t, "sh", "-c", "echo '#include <hiredis/hiredis.h>' | cc -E - -o "+binary)
	if out, err := exec.Command("cc", "-Wall", "-Werror", "-o", binary, "testdata/hiredis/program.c", "-lhiredis", "-pthread").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	holds(t, and("command"), binary)
}

func TestPhpredis(t *testing.T) {
	t.Parallel()
	installed(t, "php", "-r", "new Redis(); exit(function_exists('pcntl_fork') ? 0 : 1);")
	holds(t, and("command"), "php", "testdata/phpredis/program.php")
}
