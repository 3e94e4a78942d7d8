package manual

import (
	"slices"
	"strings"
	"testing"
)

func TestUsageLinesBecomeArguments(t *testing.T) {
	value := func(word string) Argument {
		name, kind := splitKind(word)
		return Argument{Name: name, Kind: kind}
	}
	word := func(token string) Argument {
		return Argument{Name: strings.ToLower(token), Kind: "pure-token", Token: token}
	}
	count := value("count:integer")
	count.Token = "COUNT"
	any := word("ANY")
	any.Optional = true
	for line, want := range map[string][]Argument{
		"":              nil,
		"key":           {value("key")},
		"key [key ...]": {{Name: "key", Kind: "key", Multiple: true}},
		"[a [a ...]]":   {{Name: "a", Kind: "string", Multiple: true, Optional: true}},
		"a key value [key value ...]": {value("a"),
			{Name: "key_value", Kind: "block", Multiple: true, Parts: []Argument{value("key"), value("value")}}},
		"[FORCE]":                   {{Name: "force", Kind: "pure-token", Token: "FORCE", Optional: true}},
		"<LEFT | RIGHT>":            {{Name: "left_right", Kind: "oneof", Parts: []Argument{word("LEFT"), word("RIGHT")}}},
		"[NX | XX]":                 {{Name: "condition", Kind: "oneof", Optional: true, Parts: []Argument{word("NX"), word("XX")}}},
		"TYPE <A | B>":              {{Name: "a_b", Kind: "oneof", Token: "TYPE", Parts: []Argument{word("A"), word("B")}}},
		"[COUNT count:integer]":     {{Name: "count", Kind: "integer", Token: "COUNT", Optional: true}},
		"[count | RESET]":           {{Name: "count_reset", Kind: "oneof", Optional: true, Parts: []Argument{value("count"), word("RESET")}}},
		"COUNT count:integer [ANY]": {count, any},
		"[COUNT count:integer [ANY]]": {{Name: "count_any", Kind: "block", Optional: true,
			Parts: []Argument{count, any}}},
		"[AUTH a b]": {{Name: "a_b", Kind: "block", Token: "AUTH", Optional: true, Parts: []Argument{value("a"), value("b")}}},
		"ip:port newkey:key at:unix-time pattern p:pattern": {{Name: "ip:port", Kind: "string"}, {Name: "newkey", Kind: "key"},
			{Name: "at", Kind: "unix-time"}, {Name: "pattern", Kind: "pattern"}, {Name: "p", Kind: "pattern"}},
		"slot:integer [slot ...]": {{Name: "slot", Kind: "integer", Multiple: true}},
		"ID a [a ...]":            {{Name: "a", Kind: "string", Token: "ID", Multiple: true}},
		"[PREFIX a [PREFIX a ...]]": {{Name: "a", Kind: "string", Token: "PREFIX", Multiple: true, MultipleToken: true,
			Optional: true}},
	} {
		got, err := Parse(line)
		if err != nil || !slices.EqualFunc(got, want, same) {
			t.Errorf("%s\ngot  %+v, %v\nwant %+v", line, got, err, want)
		}
	}
	for _, bad := range []string{"[", "]", "a ]", "[]", "[a", "<A | B", "<A | >", "a | b", "...", "[a ...]", "a [b ...]", "a b [a b c ...]", "A a [B a ...]"} {
		if got, err := Parse(bad); err == nil {
			t.Errorf("%q is read as %+v", bad, got)
		}
	}
}

func TestPeopleReadALineWithoutTheTypes(t *testing.T) {
	for _, line := range []string{
		"", "key", "key [key ...]", "[a [a ...]]", "key value [key value ...]", "[NX | XX]", "TYPE <A | B>", "[TYPE <A | B>]",
		"key [EX seconds:integer | PX milliseconds:integer | KEEPTTL]", "[ID client-id:integer [client-id ...]]", "<ip:port | [ID a]>",
		"slot:integer [slot ...]", "[PREFIX a [PREFIX a ...]]", "start:integer [end:integer [BYTE | BIT]]",
	} {
		arguments, err := Parse(line)
		want := strings.TrimSpace("NAME " + strings.ReplaceAll(line, ":integer", ""))
		if got := Text("NAME", arguments); err != nil || got != want {
			t.Errorf("%q is shown as %q, %v", line, got, err)
		}
	}
}

func same(a, b Argument) bool {
	equal := slices.EqualFunc(a.Parts, b.Parts, same)
	return equal && a.Name == b.Name && a.Kind == b.Kind && a.Token == b.Token &&
		a.Optional == b.Optional && a.Multiple == b.Multiple && a.MultipleToken == b.MultipleToken
}
