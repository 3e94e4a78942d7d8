package params

import (
	"strconv"
	"strings"
	"sync/atomic"

	"github.com/quotadb/quota-db/config"
	"github.com/quotadb/quota-db/resp"
)

// Param is one parameter of CONFIG.
type Param struct {
	Name string
	Get  func() string
	// Set checks a value, and returns the function that sets it, or the reason why the value is refused. Nil: the
	// parameter is fixed at the start.
	Set func(value string) (apply func(), problem string)
}

// Constant is a Get of a value that does not change.
func Constant(value string) func() string { return func() string { return value } }

// Only is a Set that accepts only the value that the parameter already has. problem is the reason for all others.
func Only(value, problem string) func(string) (func(), string) {
	return func(v string) (func(), string) {
		if !same(v, value) {
			return nil, problem
		}
		return func() {}, ""
	}
}

// Fixed is a parameter that CONFIG SET cannot set.
func Fixed(name, value string) Param { return Param{Name: name, Get: Constant(value)} }

// Sole is a parameter with one possible value, which CONFIG SET accepts too. problem is the reason why it has no other.
func Sole(name, value, problem string) Param {
	return Param{Name: name, Get: Constant(value), Set: Only(value, problem)}
}

// Integer is a parameter that is an integer from low to high.
func Integer(name string, field *atomic.Int64, low, high int64) Param {
	get := func() string { return strconv.FormatInt(field.Load(), 10) }
	return Param{name, get, func(value string) (func(), string) {
		n, ok := resp.ParseInt([]byte(value))
		if !ok {
			return nil, "argument couldn't be parsed into an integer"
		}
		if n < low || n > high {
			return nil, "argument must be between " + strconv.FormatInt(low, 10) + " and " + strconv.FormatInt(high, 10) + " inclusive"
		}
		return func() { field.Store(n) }, ""
	}}
}

// Switch is a parameter that is yes or no.
func Switch(name string, field *atomic.Bool) Param {
	get := func() string {
		if field.Load() {
			return "yes"
		}
		return "no"
	}
	return Param{name, get, func(value string) (func(), string) {
		yes := same(value, "yes")
		if !yes && !same(value, "no") {
			return nil, "argument must be 'yes' or 'no'"
		}
		return func() { field.Store(yes) }, ""
	}}
}

// Memory is a parameter that is an amount of memory, such as 100mb. An empty value is 0, as in Redis.
func Memory(name string, field *atomic.Int64) Param {
	get := func() string { return strconv.FormatInt(field.Load(), 10) }
	return Param{name, get, func(value string) (func(), string) {
		n, err := config.ParseBytes(value)
		if value == "" {
			n, err = 0, nil
		}
		if err != nil {
			return nil, "argument must be a memory value"
		}
		return func() { field.Store(n) }, ""
	}}
}

// same compares a value with a word of ASCII letters, ignoring case. It compares the lengths too, because Unicode folds
// some longer characters to ASCII letters.
func same(value, word string) bool { return len(value) == len(word) && strings.EqualFold(value, word) }
