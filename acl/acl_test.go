package acl

import (
	"errors"
	"strconv"
	"strings"
	"testing"
)

// newTest returns users over a small catalogue.
func newTest() *Users {
	c := &Catalogue{Categories: []string{"read", "write", "admin"}, Foreign: func(name string) bool { return name == "lpush" || name == "@list" }}
	for i, command := range []struct {
		name       string
		categories uint64
	}{{"get", 1}, {"set", 2}, {"config|get", 4}, {"config|set", 4}, {"select", 0}} {
		c.Commands = append(c.Commands, Command{ID: i, Name: command.name, Categories: command.categories})
	}
	c.Size = 70 // more than one word of bits
	return New(c)
}

const (
	get = iota
	set
	configGet
	configSet
	selects
)

func check(us *Users, user string, id int, words string, keys ...Key) Denial {
	var args [][]byte
	for _, word := range strings.Fields(words) {
		args = append(args, []byte(word))
	}
	denial, _ := us.User(user).Permissions().Check(id, args, keys)
	return denial
}

func TestRulesAllowAndForbid(t *testing.T) {
	key := func(name string, need Need) Key { return Key{[]byte(name), need} }
	for _, tt := range []struct {
		rules string
		id    int
		words string
		keys  []Key
		want  Denial
	}{
		{"", get, "get k", nil, NoCommand},
		{"+get", get, "get k", nil, Allowed},
		{"+get", get, "get k", []Key{key("k", Read)}, NoKey},
		{"+get ~k", get, "get k", []Key{key("k", Read)}, Allowed},
		{"+get ~k", get, "get l", []Key{key("k", Read), key("l", Read)}, NoKey},
		{"+get %R~k", get, "get k", []Key{key("k", Read)}, Allowed},
		{"+set %R~k", set, "set k v", []Key{key("k", Write)}, NoKey},
		{"+set %R~k %W~k", set, "set k v", []Key{key("k", Read|Write)}, Allowed},
		{"+set %R~k %W~k*", set, "set k v", []Key{key("k", Read|Write)}, NoKey}, // no single pattern allows both
		{"+get %W~k", get, "exists k", []Key{key("k", 0)}, Allowed},
		{"+@all -set", set, "set k v", nil, NoCommand},
		{"+@all -set", configSet, "config set a b", nil, Allowed},
		{"+config -config|set", configSet, "set a b", nil, NoCommand},
		{"+config -config|set", configGet, "get a", nil, Allowed},
		{"-@all +@admin", configSet, "set a b", nil, Allowed},
		{"+@all -@admin", configSet, "set a b", nil, NoCommand},
		{"+select|0", selects, "select 0", nil, Allowed},
		{"+select|0", selects, "select 1", nil, NoCommand},
		{"+select|0 -select", selects, "select 0", nil, NoCommand},
		{"+get ~a (+set ~b)", set, "set b v", []Key{key("b", Write)}, Allowed},
		{"+get ~a (+set ~b)", set, "set a v", []Key{key("a", Write)}, NoKey},
		{"+lpush +@list -lpush", get, "get k", nil, NoCommand},
		{"allcommands allkeys", 69, "later", []Key{key("x", Read|Write)}, Allowed},
	} {
		us := newTest()
		if err := us.Set("u", strings.Fields(tt.rules)...); err != nil {
			t.Errorf("%s: %v", tt.rules, err)
			continue
		}
		if got := check(us, "u", tt.id, tt.words, tt.keys...); got != tt.want {
			t.Errorf("%s: %s is %d, want %d", tt.rules, tt.words, got, tt.want)
		}
	}
}

func TestRulesAreAllOrNone(t *testing.T) {
	us := newTest()
	if err := us.Set("u", "on", ">pw", "+get"); err != nil {
		t.Fatal(err)
	}
	before := us.List()
	var rule *RuleError
	if err := us.Set("u", "off", "+set", "+nosuch"); !errors.As(err, &rule) || rule.Rule != "+nosuch" {
		t.Error(err)
	}
	if err := us.Set("new", "on", "nosuch"); err == nil || us.User("new") != nil {
		t.Errorf("%v, and the user is %v", err, us.User("new"))
	}
	if got := us.List(); strings.Join(got, "\n") != strings.Join(before, "\n") {
		t.Errorf("got %q, want %q", got, before)
	}
}

func TestLoginWantsTheRightPasswordOfAnEnabledUser(t *testing.T) {
	us := newTest()
	for name, rules := range map[string]string{"u": "on >one >two", "off": "off >one", "any": "on nopass", "none": "on"} {
		if err := us.Set(name, strings.Fields(rules)...); err != nil {
			t.Fatal(err)
		}
	}
	for _, tt := range []struct {
		name, password string
		want           bool
	}{
		{"u", "one", true}, {"u", "two", true}, {"u", "three", false}, {"u", "", false}, {"off", "one", false},
		{"any", "whatever", true}, {"none", "", false}, {"nobody", "", false}, {"nobody", "\x00", false}, {"default", "x", true},
	} {
		if got := us.Login([]byte(tt.name), []byte(tt.password)); (got != nil) != tt.want || got != nil && got.Name != tt.name {
			t.Errorf("%s with %q: %v", tt.name, tt.password, got)
		}
	}
}

func TestUsersHoldBounds(t *testing.T) {
	us := newTest()
	for _, prefix := range []string{">", "~", "&", "+select|", "+lpush|"} {
		var rules []string
		for i := range 5000 {
			rules = append(rules, prefix+strconv.Itoa(i))
		}
		err := us.Set("u", rules...)
		if !errors.Is(err, ErrTooMany) {
			t.Errorf("%s: %v", prefix, err)
		}
	}
}

func TestLoadIsAllOrNothingAndNamesTheLine(t *testing.T) {
	us := newTest()
	if err := us.Set("old", "on"); err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]string{
		"user a on\n\nuser b nosuch\n": "line 3: user \"b\"", "a on": "line 1", "user": "line 1", "user a\nuser a": "line 2",
	} {
		if _, err := us.Load(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", text, err)
		}
		if us.User("old") == nil || us.User("a") != nil {
			t.Errorf("%q changed the users", text)
		}
	}
	old := us.User("old")
	gone, err := us.Load("# comment\nuser a on >pw ~k +get (+set %W~w)\n")
	if err != nil || len(gone) != 1 || gone[0] != old || !old.Gone() {
		t.Fatalf("%v, %v", gone, err)
	}
	again := newTest()
	if _, err := again.Load(strings.Join(us.List(), "\n")); err != nil {
		t.Fatal(err)
	}
	if got, want := strings.Join(again.List(), "\n"), strings.Join(us.List(), "\n"); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// FuzzRules looks for rules that panic, and for rules whose description has another effect than the rules.
func FuzzRules(f *testing.F) {
	for _, seed := range []string{
		"on >pw ~a %R~b +@all -@admin +config|get", "(+get ~x) (allkeys -@all", "+select|0 +select|1 -select reset", "#abc !x <y &ch resetchannels",
		"+get -get +GET ~* ~a", "+lpush +@list -@list nopass resetpass", "%RW~ %WR~a %~ ( ) () (+get)",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		us := newTest()
		for _, rule := range strings.Fields(text) {
			_ = us.Set("u", rule)
		}
		if us.User("u") == nil {
			return
		}
		want := us.User("u").Permissions().String()
		again := newTest()
		if err := again.Set("u", strings.Fields(want)...); err != nil {
			t.Fatalf("%q: %v", want, err)
		}
		if got := again.User("u").Permissions().String(); got != want {
			t.Fatalf("%q became %q", want, got)
		}
		for id := range 5 {
			for _, arg := range []string{"0", "x"} {
				for _, need := range []Need{0, Read, Write, Read | Write} {
					words, key := "cmd "+arg, Key{[]byte("b"), need}
					if a, b := check(us, "u", id, words, key), check(again, "u", id, words, key); a != b {
						t.Fatalf("%q: command %d is %d, then %d", want, id, a, b)
					}
				}
			}
		}
	})
}
