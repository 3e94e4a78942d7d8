package command

import (
	"slices"
	"sync"
	"time"

	"github.com/quotadb/quota-db/acl"
	"github.com/quotadb/quota-db/params"
	"github.com/quotadb/quota-db/quota"
)

// loginDelay is how long the answer to a wrong password takes once there are too many of them.
const loginDelay = time.Second

// failureRate is how many wrong passwords, of all clients together, are answered at once.
func failureRate() quota.Rate { return quota.Rate{Capacity: 20, Count: 10, Period: time.Second} }

// failureLogInterval is the time between two lines in the log about wrong passwords.
const failureLogInterval = time.Second

// failures bounds what guessing passwords gains and costs. Right passwords never wait; within a transaction they may be
// refused.
type failures struct {
	rate   quota.Rate // fixed
	mu     sync.Mutex // protects what follows
	bucket quota.Bucket
	logged int64 // when the last line was written, nanoseconds of engine.Moment.Mono; 0: none yet
	silent int64 // wrong passwords since without a line
}

// note takes note of a wrong password and reports whether it is one too many.
func (f *failures) note(c *call, name []byte) (excess bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	now := c.now.Mono
	if f.logged == 0 || now-f.logged >= int64(failureLogInterval) {
		c.server.Log.Warn("login failed", "user", string(clip(name, shown)), "remote", c.client.RemoteAddr, "others since the last line", f.silent)
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

// tryLogin logs the client in; false after a wrong password, for which failLogin has an answer. Within a transaction,
// where no answer can be late, it looks at none while there are too many wrong ones: a queue of guesses would learn
// them all at once.
func (c *call) tryLogin(name, password []byte) bool {
	if c.x.inExec && c.server.failures.spent(c.now.Mono) {
		return false
	}
	u := c.server.Users.Login(name, password)
	return u != nil && c.client.login(c.server, u)
}

// failLogin answers a wrong password, late if there have been too many. Within a transaction nothing waits.
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

// requirePassParam is requirepass. CONFIG GET shows it to those who may ask, as in Redis; it is kept for that alone.
func (s *Server) requirePassParam() params.Param {
	get := func() string { return *s.Params.RequirePass.Load() }
	return params.Param{Name: "requirepass", Get: get, Set: func(value string) (func(), string) {
		return func() {
			if err := s.requirePassword(value); err == nil {
				s.Log.Warn("the password was changed by CONFIG SET requirepass: that is not kept over a restart, change --requirepass-file too")
			}
		}, ""
	}}
}

// endUser disconnects a user's clients; the caller's own once it has its reply.
func (c *call) endUser(u *acl.User) {
	c.server.endUserBut(u, c.client)
	if c.client.user == u {
		c.client.end()
	}
}

// endUser disconnects a user's clients.
func (s *Server) endUser(u *acl.User) { s.endUserBut(u, nil) }

// endUserBut disconnects a user's clients, except the caller, which ends itself once it has its reply. Any goroutine
// may call it.
func (s *Server) endUserBut(u *acl.User, caller *Client) {
	s.Clients.each(func(client *Client) {
		if client.user == u && client != caller {
			client.kill()
		}
	})
}
