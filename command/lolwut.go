package command

import (
	"strings"

	"github.com/quotadb/quota-db/config"
	"github.com/quotadb/quota-db/resp"
)

// lolwut is LOLWUT [VERSION n]: a picture of some counters. Its last line has the version, because clients look for
// that.
func lolwut(c *call) {
	if len(c.args) > 2 && is(c.args[1], "version") {
		if _, ok := resp.ParseInt(c.args[2]); !ok {
			c.fail(errNotInteger)
			return
		}
	}
	const counters = 64
	heights := []rune(" ▁▂▃▄▅▆▇█")
	var text strings.Builder
	at := len(heights) / 2
	for range counters {
		at += int(c.server.random()%3) - 1
		at = min(max(at, 0), len(heights)-1)
		text.WriteRune(heights[at])
	}
	c.text(text.String() + "\nEvery increment counts once. QuotaDB " + config.Version + ", Redis ver. " + RedisVersion + "\n")
}
