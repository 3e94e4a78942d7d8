package acl

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
)

// maxUsers is the largest number of users.
const maxUsers = 1 << 16

// ErrUserName reports a user name that a file of users cannot contain.
var ErrUserName = errors.New("acl: a blank or a zero byte in a name")

// ErrTooManyUsers reports that maxUsers exist already.
var ErrTooManyUsers = errors.New("acl: too many users")

// RuleError reports a rule that cannot be applied.
type RuleError struct {
	Rule string
	Err  error
}

// Error names the rule and the reason.
func (e *RuleError) Error() string {
	return fmt.Sprintf("rule '%s': %v", e.Rule, e.Err)
}

// Unwrap returns the reason.
func (e *RuleError) Unwrap() error { return e.Err }

// Users are all users of a server. They are safe for concurrent use.
type Users struct {
	catalogue *Catalogue
	nobody    *Permissions // stands for an unknown name, so that its check takes as long as a known name's

	mu    sync.Mutex       // protects the fields below, and changes of permissions
	users map[string]*User // by name
	// rules for the default user's password, used when a loaded file does not define the default user
	password []string
}

// New returns the users of a server without configured users: the default user may do everything, without a password.
func New(c *Catalogue) *Users {
	c.complete()
	us := &Users{catalogue: c, nobody: newPermissions(c), users: make(map[string]*User)}
	us.nobody.passwords = []hash{{}}
	if err := us.Set(DefaultUser, "on", "nopass", "~*", "&*", "+@all"); err != nil {
		panic("acl: " + err.Error())
	}
	return us
}

// User returns the user of a name, nil if there is none.
func (us *Users) User(name string) *User {
	us.mu.Lock()
	defer us.mu.Unlock()
	return us.users[name]
}

// Default returns the default user, who always exists.
func (us *Users) Default() *User { return us.User(DefaultUser) }

// Names returns the names of all users, sorted.
func (us *Users) Names() []string {
	us.mu.Lock()
	defer us.mu.Unlock()
	names := make([]string, 0, len(us.users))
	for name := range us.users {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// Set changes a user by rules: all of them, or none if one is wrong. It creates the user if there is none. Errors: a
// *RuleError, ErrUserName, ErrTooManyUsers.
func (us *Users) Set(name string, rules ...string) error {
	if strings.ContainsAny(name, " \x00\t\r\n") {
		return ErrUserName
	}
	us.mu.Lock()
	defer us.mu.Unlock()
	return us.set(name, rules)
}

// RequirePass makes password the only password of the default user; empty: no password is needed. It also holds after
// Load of a file that does not define the default user.
func (us *Users) RequirePass(password string) error {
	rules := onlyPassword(password)
	us.mu.Lock()
	defer us.mu.Unlock()
	return us.setPassword(rules)
}

// setPassword is RequirePass; the caller holds the lock.
func (us *Users) setPassword(rules []string) error {
	if err := us.set(DefaultUser, rules); err != nil {
		return err
	}
	us.password = rules
	return nil
}

// onlyPassword returns the rules that set a user's only password; empty: no password is needed.
func onlyPassword(password string) []string {
	if password == "" {
		return []string{"resetpass", "nopass"}
	}
	return []string{"resetpass", ">" + password}
}

// set is Set; the caller holds the lock.
func (us *Users) set(name string, rules []string) error {
	u, p := us.users[name], newPermissions(us.catalogue)
	if u != nil {
		p = u.Permissions().clone()
	} else if len(us.users) == maxUsers {
		return ErrTooManyUsers
	}
	if err := us.applyAll(p, rules); err != nil {
		return err
	}
	if u == nil {
		u = &User{Name: name}
		us.users[name] = u
	}
	u.permissions.Store(p)
	return nil
}

// applyAll applies rules to permissions that are not published yet. A selector may be spread over several rules.
func (us *Users) applyAll(p *Permissions, rules []string) error {
	joined, err := joinSelectors(rules)
	if err != nil {
		return err
	}
	for _, rule := range joined {
		if rule == "" {
			continue // an empty rule has no effect, as in Redis
		}
		if err := p.apply(us.catalogue, rule); err != nil {
			return &RuleError{rule, err}
		}
	}
	p.full = p.root.isFull()
	return nil
}

// joinSelectors joins "(+get" and "~a*)" to one rule.
func joinSelectors(rules []string) ([]string, error) {
	var joined []string
	open := -1
	for i, rule := range rules {
		switch {
		case open < 0 && strings.HasPrefix(rule, "(") && !strings.HasSuffix(rule, ")"):
			open = i
		case open < 0:
			joined = append(joined, rule)
		case strings.HasSuffix(rule, ")"):
			joined = append(joined, strings.Join(rules[open:i+1], " "))
			open = -1
		}
	}
	if open >= 0 {
		return nil, &RuleError{rules[open], ErrUnmatched}
	}
	return joined, nil
}

// Delete deletes a user, except the default one, and reports whether it existed.
func (us *Users) Delete(name string) bool {
	us.mu.Lock()
	defer us.mu.Unlock()
	u := us.users[name]
	if u == nil || name == DefaultUser {
		return false
	}
	delete(us.users, name)
	u.gone.Store(true)
	return true
}

// Login returns the user of a name if the password is right and the user is enabled, otherwise nil. It takes the same
// time for an unknown name.
func (us *Users) Login(name, password []byte) *User {
	h := hash(sha256.Sum256(password))
	u, p := us.User(string(name)), us.nobody
	if u != nil {
		p = u.Permissions()
	}
	if right := p.accepts(h); !right || u == nil || !p.Enabled {
		return nil
	}
	return u
}

// List returns a line for each user, sorted by name.
func (us *Users) List() []string {
	var lines []string
	for _, name := range us.Names() {
		if u := us.User(name); u != nil {
			lines = append(lines, "user "+name+" "+u.Permissions().String())
		}
	}
	return lines
}

// File is the parsed content of a file of users.
type File struct{ fresh map[string]*Permissions }

// Load replaces all users by those of a file's text, or changes nothing if a line is wrong. It is Parse and Replace.
func (us *Users) Load(text string) (gone []*User, err error) {
	file, err := us.Parse(text)
	if err != nil {
		return nil, err
	}
	return us.Replace("", file)
}

// Parse parses a file's text and changes no user. If a line is wrong, the error has its number.
func (us *Users) Parse(text string) (*File, error) {
	fresh := make(map[string]*Permissions)
	n := 0
	for line := range strings.Lines(text) {
		n++
		words := strings.Fields(line)
		if len(words) == 0 || strings.HasPrefix(words[0], "#") {
			continue
		}
		if words[0] != "user" || len(words) < 2 {
			return nil, fmt.Errorf("line %d: not of the form: user name rules", n)
		}
		if fresh[words[1]] != nil {
			return nil, fmt.Errorf("line %d: user %q is there twice", n, words[1])
		}
		p := newPermissions(us.catalogue)
		if err := us.applyAll(p, words[2:]); err != nil {
			return nil, fmt.Errorf("line %d: user %q: %w", n, words[1], err)
		}
		if fresh[words[1]] = p; len(fresh) > maxUsers {
			return nil, ErrTooManyUsers
		}
	}
	return &File{fresh}, nil
}

// Replace does two things at one moment: it does what RequirePass does, unless password is empty, and it replaces all
// users by those of the file, unless file is nil. If the file does not define the default user, that user is as New
// makes it, with the password that RequirePass has set. It returns the users that no longer exist. A File can be used
// for one Replace only.
func (us *Users) Replace(password string, file *File) (gone []*User, err error) {
	us.mu.Lock()
	defer us.mu.Unlock()
	if password != "" {
		if err := us.setPassword(onlyPassword(password)); err != nil {
			return nil, err
		}
	}
	if file == nil {
		return nil, nil
	}
	fresh := file.fresh
	if fresh[DefaultUser] == nil {
		p := New(us.catalogue).Default().Permissions().clone()
		if err := us.applyAll(p, us.password); err != nil {
			return nil, err
		}
		fresh[DefaultUser] = p
	}
	for name, u := range us.users {
		if fresh[name] == nil {
			delete(us.users, name)
			u.gone.Store(true)
			gone = append(gone, u)
		}
	}
	for name, p := range fresh {
		if us.users[name] == nil {
			us.users[name] = &User{Name: name}
		}
		us.users[name].permissions.Store(p)
	}
	return gone, nil
}
