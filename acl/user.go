package acl

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"slices"
	"strings"
	"sync/atomic"
)

// DefaultUser is the user of a client that has not logged in.
const DefaultUser = "default"

// hash is the SHA-256 of a password.
type hash [sha256.Size]byte

// User is a name with permissions that can change. It is safe for concurrent use.
type User struct {
	Name        string
	permissions atomic.Pointer[Permissions]
	gone        atomic.Bool
}

// Permissions returns the user's present permissions.
func (u *User) Permissions() *Permissions { return u.permissions.Load() }

// Gone reports whether the user has been deleted.
func (u *User) Gone() bool { return u.gone.Load() }

// Permissions are the permissions of a user. They are immutable; a change of the user makes new ones.
type Permissions struct {
	Enabled   bool
	NoPass    bool // any password is accepted
	passwords []hash
	root      *selector
	selectors []*selector
	full      bool
}

func newPermissions(c *Catalogue) *Permissions { return &Permissions{root: newSelector(c)} }

func (p *Permissions) clone() *Permissions {
	c := *p
	c.passwords = slices.Clone(p.passwords)
	c.root, c.selectors = p.root.clone(), make([]*selector, len(p.selectors))
	for i, s := range p.selectors {
		c.selectors[i] = s.clone()
	}
	return &c
}

// Unrestricted reports whether every command and every key is allowed.
func (p *Permissions) Unrestricted() bool { return p.full }

// apply applies one rule of ACL SETUSER.
func (p *Permissions) apply(c *Catalogue, rule string) error {
	switch word := strings.ToLower(rule); {
	case word == "on":
		p.Enabled = true
	case word == "off":
		p.Enabled = false
	case word == "nopass":
		p.NoPass, p.passwords = true, nil
	case word == "resetpass":
		p.NoPass, p.passwords = false, nil
	case word == "sanitize-payload", word == "skip-sanitize-payload": // about RESTORE, which this server does not have
	case word == "clearselectors":
		p.selectors = nil
	case word == "reset":
		*p = *newPermissions(c)
	case strings.HasPrefix(rule, ">"):
		return p.addPassword(sha256.Sum256([]byte(rule[1:])))
	case strings.HasPrefix(rule, "<"):
		return p.removePassword(sha256.Sum256([]byte(rule[1:])))
	case strings.HasPrefix(rule, "#"):
		h, err := parseHash(rule[1:])
		if err != nil {
			return err
		}
		return p.addPassword(h)
	case strings.HasPrefix(rule, "!"):
		h, err := parseHash(rule[1:])
		if err != nil {
			return err
		}
		return p.removePassword(h)
	case strings.HasPrefix(rule, "("):
		return p.addSelector(c, rule)
	default:
		return p.root.apply(c, rule)
	}
	return nil
}

func (p *Permissions) addPassword(h hash) error {
	p.NoPass = false
	if slices.Contains(p.passwords, h) {
		return nil
	}
	if len(p.passwords) == maxPasswords {
		return ErrTooMany
	}
	p.passwords = append(p.passwords, h)
	return nil
}

func (p *Permissions) removePassword(h hash) error {
	i := slices.Index(p.passwords, h)
	if i < 0 {
		return ErrNoPassword
	}
	p.passwords = slices.Delete(p.passwords, i, i+1)
	return nil
}

// addSelector applies a rule of the form (rules of the selector).
func (p *Permissions) addSelector(c *Catalogue, rule string) error {
	if !strings.HasSuffix(rule, ")") {
		return ErrUnmatched
	}
	if len(p.selectors) == maxSelectors {
		return ErrTooMany
	}
	s := newSelector(c)
	for _, word := range strings.Fields(rule[1 : len(rule)-1]) {
		if strings.HasSuffix(word, ")") {
			return ErrUnmatched // in the description it would end the selector
		}
		if err := s.apply(c, word); err != nil {
			return err
		}
	}
	p.selectors = append(p.selectors, s)
	return nil
}

// accepts reports whether a password is right. It always compares with all passwords, each in constant time.
func (p *Permissions) accepts(h hash) bool {
	right := 0
	for i := range p.passwords {
		right |= subtle.ConstantTimeCompare(p.passwords[i][:], h[:])
	}
	return right == 1 || p.NoPass
}

// Denial is the reason why a command may not run.
type Denial uint8

// Ordered: a greater denial means that more of the command was allowed. Allowed is outside this order.
const (
	Allowed Denial = iota
	NoCommand
	NoKey
)

// Check decides whether a command may run with its arguments (the name is args[0]) and keys. If a key is the reason of
// the denial, key is its index in keys.
func (p *Permissions) Check(id int, args [][]byte, keys []Key) (denial Denial, key int) {
	if p.full {
		return Allowed, 0
	}
	denial, key = p.root.check(id, args, keys)
	for _, s := range p.selectors {
		if denial == Allowed {
			break
		}
		if d, k := s.check(id, args, keys); d == Allowed || d > denial || d == denial && k > key {
			denial, key = d, k
		}
	}
	return denial, key
}

func (s *selector) check(id int, args [][]byte, keys []Key) (denial Denial, key int) {
	if !s.allowsCommand(id, args) {
		return NoCommand, 0
	}
	for i, k := range keys {
		if !s.allowsKey(k) {
			return NoKey, i
		}
	}
	return Allowed, 0
}

// Flags returns the user's flags as ACL GETUSER shows them.
func (p *Permissions) Flags() []string {
	flags := []string{"off"}
	if p.Enabled {
		flags[0] = "on"
	}
	if p.NoPass {
		flags = append(flags, "nopass")
	}
	return flags
}

// Passwords returns the SHA-256 of all passwords in hexadecimal.
func (p *Permissions) Passwords() []string {
	all := make([]string, len(p.passwords))
	for i := range p.passwords {
		all[i] = hex.EncodeToString(p.passwords[i][:])
	}
	return all
}

// Selector describes one selector as rules.
type Selector struct{ Commands, Keys, Channels string }

// Root describes the root selector.
func (p *Permissions) Root() Selector { return p.root.describe() }

// Selectors describes the other selectors.
func (p *Permissions) Selectors() []Selector {
	all := make([]Selector, len(p.selectors))
	for i, s := range p.selectors {
		all[i] = s.describe()
	}
	return all
}

func (s *selector) describe() Selector {
	return Selector{s.commandRules(), s.keyRules(), s.channelRules()}
}

// String returns the user's line in ACL LIST and in a file of users, without the name.
func (p *Permissions) String() string {
	words := p.Flags()
	for _, password := range p.Passwords() {
		words = append(words, "#"+password)
	}
	words = append(words, p.root.String())
	for _, s := range p.selectors {
		words = append(words, "("+s.String()+")")
	}
	return strings.Join(words, " ")
}
