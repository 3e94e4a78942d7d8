// Package client checks that programs made for Redis work with QuotaDB unmodified: go-redis, redis-benchmark and
// redis-cli.
package client

import (
	"os"
	"testing"

	"github.com/quotadb/quota-db/tests/internal/process"
)

func TestMain(m *testing.M) { os.Exit(process.Main(m)) }
