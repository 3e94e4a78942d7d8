package server

import (
	"io"
	"math/rand/v2"
	"net"
	"strings"
	"sync"
	"testing"
	"time"
)

// TestClientsThatDoEverythingAtOnceLeaveNothingBehind mixes transactions, watches, pauses, kills, logins, MONITOR and
// CLIENT REPLY in pipelines. Its clients connect and disconnect, and mostly do not read.
func TestClientsThatDoEverythingAtOnceLeaveNothingBehind(t *testing.T) {
	commands := strings.Split("MULTI|EXEC|DISCARD|WATCH a b|UNWATCH|INCR a|GET b|SET b x|FLUSHALL|SCAN 0|DBSIZE|MSET a 1 b 2 c 3|DEL a b|EXPIRE a 1|"+
		"CLIENT REPLY OFF|CLIENT REPLY ON|CLIENT REPLY SKIP|CLIENT PAUSE 5|CLIENT PAUSE 5 WRITE|CLIENT UNPAUSE|CLIENT LIST|CLIENT KILL TYPE normal MAXAGE 1|"+
		"CLIENT KILL USER u|MONITOR|RESET|QUIT|AUTH x y|AUTH u z|ACL SETUSER u on nopass +@all ~*|ACL SETUSER u -set|ACL DELUSER u|HELLO 3|HELLO 2|"+
		"INFO everything|SLOWLOG GET|CONFIG SET slowlog-log-slower-than 0|CONFIG SET slowlog-log-slower-than 10000|CONFIG RESETSTAT|QUOTASET q 5 1|INCR q|ACL LOG", "|")
	s := startWithClock(t, time.Now())
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	addr := s.Addrs()[0].String()
	var group sync.WaitGroup
	for i := range 20 {
		group.Go(func() {
			random := rand.New(rand.NewPCG(seed, uint64(i)))
			for range 30 {
				conn, err := net.Dial("tcp", addr)
				if err != nil {
					t.Error(err)
					return
				}
				for range 1 + random.IntN(8) {
					var pipeline strings.Builder
					for range 1 + random.IntN(20) {
						pipeline.WriteString(request(strings.Fields(commands[random.IntN(len(commands))])...))
					}
					if _, err := io.WriteString(conn, pipeline.String()); err != nil {
						break // killed
					}
				}
				_ = conn.Close()
			}
		})
	}
	group.Wait()
	// Clients are accepted in their order: all are in the roster once this one has been answered, or killed.
	last := dial(t, s)
	last.send(request("QUIT"))
	_, _ = io.Copy(io.Discard, last)
	wait(t, "all are gone and everything is given back", func() bool {
		return s.commands.Clients.Len() == 0 && s.roster.size() == 0 && s.budgets.held(unread) == 0 && s.budgets.held(unsent) == 0
	})
	c := dial(t, s)
	wait(t, "commands are no longer looked at one by one", func() bool { // a pause of theirs may last
		c.send(request("CLIENT", "UNPAUSE") + request("PING"))
		c.expect("+OK\r\n+PONG\r\n")
		return s.commands.Attention() == 0 && s.commands.Clients.Len() == 1
	})
}
