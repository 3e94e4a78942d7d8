// Package compat checks that the client libraries people use work with quota-db
// with their own defaults: redis-py, redis-rb, phpredis, hiredis, ioredis, node-redis.
//
// Each library has one small program in testdata, called with a host, a port
// and, when the server is locked, the password. It prints a line per claim:
//
//	ok name
//	FAIL name: why
//
// and the line "restart" when it wants the server killed and started again,
// which is done when a line comes back on its standard input. The same program
// runs beside redis-server, which proves the program.
//
// What is not installed is skipped with a message, or fails when
// QUOTADB_REQUIRE_COMPAT=1 says that the machine is meant to have it.
package compat

import (
	"os"
	"testing"

	"github.com/quotadb/quota-db/tests/internal/process"
)

func TestMain(m *testing.M) { os.Exit(process.Main(m)) }
