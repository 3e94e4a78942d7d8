package crash

import (
	"regexp"
	"testing"
	"time"

	"github.com/quotadb/quota-db/tests/internal/process"
)

// batchDelay is --batch-max-delay-ms: what was acknowledged longer ago is in the file.
const batchDelay = 10 * time.Millisecond

// level is what a server promises about what it has acknowledged.
type level string

const (
	always   level = "always"
	interval level = "interval"
	never    level = "none"
)

// system is a server that is crashed.
type system struct {
	start func(t *testing.T, l level, dir string) *process.Server
	// logs matches the log files in the data directory; the one with the largest name is written to.
	logs string
	// wasCut matches what the server says at the start when the end of the log was torn.
	wasCut *regexp.Regexp
	// mendsTails reports that the server takes its log up to the last whole write, whatever follows. Redis (7.0) does
	// not: garbage keeps it from starting, and a log cut inside a transaction's command keeps the MULTI before it.
	mendsTails bool
	hasQuotas  bool
}

var quotaDB = system{
	start: func(t *testing.T, l level, dir string) *process.Server {
		return process.QuotaDB(t, "--log-level", "info", "--data-dir", dir, "--durability", string(l),
			"--batch-max-delay-ms", "10")
	},
	logs:       "log-*",
	wasCut:     regexp.MustCompile(`msg="log was cut.* bytes=[1-9]`),
	mendsTails: true,
	hasQuotas:  true,
}

// redis stands in for quota-db to prove the harness.
var redis = system{
	start: func(t *testing.T, l level, dir string) *process.Server {
		fsync := map[level]string{always: "always", interval: "everysec", never: "no"}[l]
		return process.Redis(t, "--dir", dir, "--appendonly", "yes", "--appendfsync", fsync, "--loglevel", "notice")
	},
	logs:   "appendonlydir/*.incr.aof",
	wasCut: regexp.MustCompile(`Truncating the AOF`),
}
