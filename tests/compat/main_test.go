// Package compat checks that client libraries work with QuotaDB with their own defaults: redis-py, redis-rb, phpredis,
// hiredis, ioredis, node-redis.
//
// Each library has one small program in testdata. Its arguments are a host, a port and, if the server needs one, the
// password. It prints a line per claim:
//
//	ok name
//	FAIL name: why
//
// If it prints the line "restart", the server is killed and started again, and then a line is sent to its standard
// input. The same program also runs against redis-server, which proves the program itself.
//
// If a library is not installed, its test is skipped with a message; with QUOTADB_REQUIRE_COMPAT=1 it fails.
package compat

import (
	"os"
	"testing"

	"github.com/quotadb/quota-db/tests/internal/process"
)

func TestMain(m *testing.M) { os.Exit(process.Main(m)) }
