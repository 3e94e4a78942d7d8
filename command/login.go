package command

import (
	"slices"
	"sync"
	"time"

	"github.com/quotadb/quota-db/acl"
	"github.com/quotadb/quota-db/params"
	"github.com/quotadb/quota-db/quota"
)

// loginDelay is how long the reply to a wrong password is delayed when there are too many wrong passwords.
const loginDelay = time.Second

// failureRate is how many wrong passwords, of all clients together, are answered without delay.
func failureRate() quota.Rate { return quota.Rate{Capacity: 20, Count: 10, Period: time.Second} }

// failureLogInterval is the time between two lines in the log about wrong passwords.
const failureLogInterval = time.Second

// failures limits how fast clients can guess passwords, and what guessing costs the server. A right password never
// waits; within a transaction it may be refused.
type failures struct {
	rate   quota.Rate // fixed
	mu     sync.Mutex // protects the fields below
	bucket quota.Bucket
	logged int64 // when the last log line was written, nanoseconds of engine.Moment.Mono; 0: none yet
	silent int64 // wrong passwords since that line
}

// note counts a wrong password, and reports whether there are too many.
func (f *failures) note(c *call, name []byte) (excess bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	now := c.now.Mono
	if f.logged == 0 || now-f.logged >= int64(failureLogInterval) {
		c.server.Log.Warn("login failed", "user", string(clip(name, shown)), "remote", c.client.RemoteAddr, "others_since_last_line", f.silent)
		f.logged, f.silent = max(now, 1), 0
	} else {
		f.silent++
	}
	return !f.bucket.Take(f.rate, 1, now)
}

// spent reports whether one more wrong password would be one too many.
func (f *failures) spent(now int64) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.bucket.Remaining(f.rate, now) == 0
}

// tryLogin logs the client in. It returns false if the password is wrong; then failLogin replies. Within a transaction
// no reply can be late. So while there are too many wrong passwords, a login within a transaction fails without a look
// at the password: otherwise a transaction could try many guesses at once.
func (c *call) tryLogin(name, password []byte) bool {
	if c.x.inExec && c.server.failures.spent(c.now.Mono) {
		return false
	}
	u := c.server.Users.Login(name, password)
	return u != nil && c.client.login(c.server, u)
}

// failLogin replies to a wrong password, after loginDelay if there are too many. Within a transaction nothing waits.
func (c *call) failLogin(name []byte) {
	c.server.accessLog.add(c, deniedAuth, c.row.full, string(clip(name, shown)))
	excess := c.server.failures.note(c, name)
	if !excess || c.x.inExec {
		c.fail(errWrongPass)
		return
	}
	mark := len(c.out)
	c.fail(errWrongPass)
	text := slices.Clone(c.out[mark:])
	c.client.answerLate(c.now.Mono+int64(loginDelay), func(dst []byte, over bool) ([]byte, bool) {
		if !over {
			return dst, false
		}
		return append(dst, text...), true
	})
	c.out = c.out[:mark]
}

// auth is AUTH [user] password.
func auth(c *call) {
	name, password := []byte(acl.DefaultUser), c.args[len(c.args)-1]
	switch {
	case len(c.args) > 3:
		c.fail(errSyntax)
		return
	case len(c.args) == 2 && c.server.Users.Default().Permissions().NoPass:
		c.fail(errNoPassword)
		return
	case len(c.args) == 3:
		name = c.args[1]
	}
	if !c.tryLogin(name, password) {
		c.failLogin(name)
		return
	}
	c.ok()
}

// requirePassParam is the parameter requirepass. The password is kept only so that CONFIG GET can show it, as in Redis.
func (s *Server) requirePassParam() params.Param {
	get := func() string { return *s.Params.RequirePass.Load() }
	return params.Param{Name: "requirepass", Get: get, Set: func(value string) (func(), string) {
		return func() {
			if err := s.requirePassword(value); err == nil {
				s.Log.Warn("CONFIG SET requirepass changed the password until the restart only: change --requirepass-file too")
			}
		}, ""
	}}
}

// endUser disconnects a user's clients. If the caller is one of them, it is disconnected after its reply.
func (c *call) endUser(u *acl.User) {
	c.server.endUserBut(u, c.client)
	if c.client.user == u {
		c.client.end()
	}
}

// endUser disconnects a user's clients.
func (s *Server) endUser(u *acl.User) { s.endUserBut(u, nil) }

// endUserBut disconnects a user's clients, except the caller, which is disconnected after its reply. Any goroutine may
// call it.
func (s *Server) endUserBut(u *acl.User, caller *Client) {
	s.Clients.each(func(client *Client) {
		if client.user == u && client != caller {
			client.kill()
		}
	})
}
