package command

import (
	"bytes"
	"fmt"
	"maps"
	"reflect"
	"strconv"
	"strings"
	"testing"
)

// decode decodes a well-formed reply as a client does: strings with the letter of their type in front, integers, slices
// for arrays and sets, maps.
func decode(t *testing.T, b []byte) (value any, rest []byte) {
	t.Helper()
	line, rest, _ := bytes.Cut(b, []byte("\r\n"))
	n, _ := strconv.Atoi(string(line[1:]))
	switch line[0] {
	case ':':
		return n, rest
	case '$':
		return "$" + string(rest[:n]), rest[n+2:]
	case '*', '~':
		all := make([]any, n)
		for i := range all {
			all[i], rest = decode(t, rest)
		}
		return all, rest
	case '%':
		all := make(map[string]any, n)
		for range n {
			var name, field any
			name, rest = decode(t, rest)
			field, rest = decode(t, rest)
			all[name.(string)] = field
		}
		return all, rest
	}
	return string(line), rest
}

// docsDifferences are the commands whose arguments Redis 7.0 describes in another way, with the reason.
func docsDifferences() map[string]string {
	return map[string]string{
		"incrbyfloat":             "counters are integers",
		"setbit":                  "Redis calls two things value, a string elsewhere",
		"config|get":              "Redis has a group of one",
		"client|list":             "Redis has a group of one",
		"client|kill":             "MAXAGE, and groups of one",
		"command|getkeys":         "Redis describes none",
		"command|getkeysandflags": "Redis describes none",
	}
}

func TestDocsDescribeArgumentsAsRedis(t *testing.T) {
	redis := dialRedis(t)
	if redis == nil {
		t.Skip("no redis-server on PATH")
	}
	b := newBench(t, nil)
	b.do("HELLO", "3")
	redis.do(t, "HELLO", "3")
	differences := docsDifferences()
	for _, r := range b.table.rows {
		reply, _ := decode(t, []byte(redis.do(t, "COMMAND", "DOCS", r.full)))
		theirs, ok := reply.(map[string]any)["$"+r.full].(map[string]any)
		if !ok {
			continue // Redis 7.0 does not have it
		}
		reply, _ = decode(t, []byte(b.do("COMMAND", "DOCS", r.full)))
		ours := reply.(map[string]any)["$"+r.full].(map[string]any)
		for _, field := range []string{"$since", "$group", "$doc_flags", "$deprecated_since"} {
			if !reflect.DeepEqual(ours[field], theirs[field]) {
				t.Errorf("%s: %s is %v, Redis has %v", r.full, field[1:], ours[field], theirs[field])
			}
		}
		got, want := plain(ours["$arguments"]), plain(theirs["$arguments"])
		_, listed := differences[r.full]
		if same := reflect.DeepEqual(got, want); same == listed {
			t.Errorf("%s, listed as different: %t\ngot  %v\nwant %v", r.full, listed, got, want)
		}
	}
}

// plain is a description of arguments without the fields that only one of the servers has, and without the names of
// groups, for which Redis has no rule.
func plain(v any) any {
	switch v := v.(type) {
	case []any:
		all := make([]any, len(v))
		for i := range v {
			all[i] = plain(v[i])
		}
		return all
	case map[string]any:
		all := maps.Clone(v)
		for _, field := range []string{"$since", "$deprecated_since", "$display_text"} {
			delete(all, field)
		}
		if all["$type"] == "$oneof" || all["$type"] == "$block" {
			delete(all, "$name")
		}
		for field := range all {
			all[field] = plain(all[field])
		}
		return all
	}
	return v
}

func TestDocsAreOfTheTypesThatClientsRead(t *testing.T) {
	b := newBench(t, nil)
	b.do("HELLO", "3")
	reply, rest := decode(t, []byte(b.do("COMMAND", "DOCS")))
	if len(rest) > 0 {
		t.Fatalf("behind the reply: %q", rest)
	}
	rows := 0
	checkDocs(t, reply, &rows)
	if rows != len(b.table.rows) {
		t.Errorf("%d commands are described, there are %d", rows, len(b.table.rows))
	}
}

// checkDocs checks the descriptions of commands for everything that redis-cli and client libraries assume.
func checkDocs(t *testing.T, docs any, rows *int) {
	for name, fields := range docs.(map[string]any) {
		*rows++
		for field, value := range fields.(map[string]any) {
			switch field {
			case "$summary", "$since", "$group", "$complexity", "$deprecated_since", "$replaced_by":
				checkBulk(t, name+" "+field, value)
			case "$doc_flags":
				checkWords(t, name, value, "+deprecated")
			case "$arguments":
				checkArguments(t, name, value)
			case "$subcommands":
				checkDocs(t, value, rows)
			default:
				t.Errorf("%s: field %s", name, field)
			}
		}
	}
}

func checkArguments(t *testing.T, name string, arguments any) {
	if len(arguments.([]any)) == 0 {
		t.Errorf("%s: an empty list of arguments", name)
	}
	for _, argument := range arguments.([]any) {
		fields := argument.(map[string]any)
		kind := fmt.Sprint(fields["$type"])
		if !strings.Contains(" $key $string $integer $double $pattern $unix-time $pure-token $oneof $block ", " "+kind+" ") {
			t.Errorf("%s: type %s", name, kind)
		}
		if _, nested := fields["$arguments"]; nested != (kind == "$oneof" || kind == "$block") {
			t.Errorf("%s: arguments in a %s: %t", name, kind, nested)
		}
		if _, worded := fields["$token"]; kind == "$pure-token" && !worded {
			t.Errorf("%s: a token without a word", name)
		}
		checkBulk(t, name, fields["$name"])
		for field, value := range fields {
			switch field {
			case "$name", "$type", "$token", "$display_text":
				checkBulk(t, name+" "+field, value)
			case "$key_spec_index":
				if value.(int) < 0 || kind != "$key" {
					t.Errorf("%s: key_spec_index %v of a %s", name, value, kind)
				}
			case "$flags":
				checkWords(t, name, value, "+optional", "+multiple", "+multiple_token")
			case "$arguments":
				checkArguments(t, name, value)
			default:
				t.Errorf("%s: field %s of an argument", name, field)
			}
		}
	}
}

func checkBulk(t *testing.T, what string, value any) {
	if text, ok := value.(string); !ok || len(text) < 2 || text[0] != '$' {
		t.Errorf("%s is %v", what, value)
	}
}

func checkWords(t *testing.T, name string, words any, known ...string) {
	for _, word := range words.([]any) {
		if !strings.Contains(" "+strings.Join(known, " ")+" ", fmt.Sprintf(" %v ", word)) {
			t.Errorf("%s: flag %v", name, word)
		}
	}
}
