// Package oracle holds quota-db to Redis: the same commands go to redis-server
// and to quota-db, and the replies, decoded into trees, must be equal.
//
// The commands come from the scripts in testdata (package script describes their
// form) and from seeded generators. Where quota-db means to differ from Redis,
// testdata/known-differences.txt has the exact command, both replies and the
// reason. It is the only such list: a difference that is not in it fails, and
// so does one that is in it and no longer occurs.
package oracle

import (
	"os"
	"testing"

	"github.com/quotadb/quota-db/tests/internal/process"
)

func TestMain(m *testing.M) { os.Exit(process.Main(m)) }
