package config

import (
	"errors"
	"fmt"
	"log/slog"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"
)

// value is a flag whose argument is parsed into one field. It has no method IsBoolFlag, so that the argument of a
// boolean may also stand after a space.
type value[T any] struct {
	dst    *T
	parse  func(string) (T, error)
	format func(T) string
	empty  bool // the empty argument is allowed
}

// Set parses the argument. If it is wrong, the field stays as it was.
func (v *value[T]) Set(s string) error {
	parsed, err := v.parse(s)
	if err == nil {
		*v.dst = parsed
	}
	return err
}

// String is the field as an argument.
func (v *value[T]) String() string { return v.format(*v.dst) }

// Type is for the help text of pflag, which we do not use.
func (v *value[T]) Type() string { return "value" }

func (v *value[T]) acceptsEmpty() bool { return v.empty }

// acceptsEmpty reports whether an option allows an empty argument. For other options an empty environment variable
// counts as not set.
func acceptsEmpty(v pflag.Value) bool {
	e, ok := v.(interface{ acceptsEmpty() bool })
	return ok && e.acceptsEmpty()
}

// listValue is a comma list. The first argument replaces the default; further arguments of the same source add to it.
type listValue struct {
	dst   *[]string
	given bool
}

// Set takes one comma list. An empty list is allowed, an empty element is not.
func (v *listValue) Set(s string) error {
	var list []string
	if s != "" {
		list = strings.Split(s, ",")
	}
	for i := range list {
		if list[i] = strings.TrimSpace(list[i]); list[i] == "" {
			return errors.New("empty element in the list")
		}
	}
	if v.given {
		list = append(*v.dst, list...)
	}
	*v.dst, v.given = list, true
	return nil
}

// String is the list as an argument.
func (v *listValue) String() string { return strings.Join(*v.dst, ",") }

// Type is for the help text of pflag, which we do not use.
func (v *listValue) Type() string { return "list" }

// text is any text, also the empty one.
func text(dst *string) *value[string] {
	v := word(dst)
	v.empty = true
	return v
}

// word is a text for which an empty environment variable counts as not set.
func word(dst *string) *value[string] {
	same := func(s string) string { return s }
	return &value[string]{dst: dst, parse: func(s string) (string, error) { return s, nil }, format: same}
}

func number(dst *int) *value[int] {
	return &value[int]{dst: dst, format: strconv.Itoa, parse: func(s string) (int, error) {
		n, err := strconv.Atoi(s)
		if err != nil {
			return 0, errors.New("not a whole number")
		}
		return n, nil
	}}
}

func boolean(dst *bool) *value[bool] {
	return &value[bool]{dst: dst, format: strconv.FormatBool, parse: func(s string) (bool, error) {
		b, err := strconv.ParseBool(s)
		if err != nil {
			return false, errors.New("neither true nor false")
		}
		return b, nil
	}}
}

// switched is a boolean that the flag turns on without an argument.
func switched(dst *bool) *value[bool] {
	v := boolean(dst)
	v.format = func(bool) string { return "" }
	return v
}

// duration is a whole number of units, not negative.
func duration(dst *time.Duration, unit time.Duration) *value[time.Duration] {
	format := func(d time.Duration) string { return strconv.FormatInt(int64(d/unit), 10) }
	return &value[time.Duration]{dst: dst, format: format, parse: func(s string) (time.Duration, error) {
		n, err := strconv.ParseInt(s, 10, 64)
		switch {
		case isTooLarge(err), err == nil && n > math.MaxInt64/int64(unit):
			return 0, errTooLarge
		case err != nil || n < 0:
			return 0, errors.New("not a whole number of 0 or more")
		}
		return time.Duration(n) * unit, nil
	}}
}

// interval is a length of time as Go writes it, or a whole number of seconds.
func interval(dst *time.Duration) *value[time.Duration] {
	return &value[time.Duration]{dst: dst, format: time.Duration.String, parse: func(s string) (time.Duration, error) {
		n, err := strconv.ParseInt(s, 10, 64)
		switch {
		case isTooLarge(err), err == nil && n > math.MaxInt64/int64(time.Second):
			return 0, errTooLarge
		case err == nil && n >= 0:
			return time.Duration(n) * time.Second, nil
		}
		d, err := time.ParseDuration(s)
		switch {
		case err != nil && isLength(s):
			return 0, errTooLarge
		case err != nil || d < 0:
			return 0, errors.New("neither a whole number of seconds nor a length of time such as 500ms or 1m")
		}
		return d, nil
	}}
}

var errTooLarge = errors.New("too large")

// isTooLarge reports whether an error of package strconv means that the number does not fit in 64 bits.
func isTooLarge(err error) bool { return errors.Is(err, strconv.ErrRange) }

// isLength reports whether a text has the form of a length of time. Package time has one error for 10000000h, which is
// too large, and for texts that are no length of time.
func isLength(s string) bool {
	digits := strings.TrimLeft(s, "0123456789")
	return len(digits) < len(s) && slices.Contains([]string{"ns", "us", "ms", "s", "m", "h"}, digits)
}

func level(dst *slog.Level) *value[slog.Level] {
	return &value[slog.Level]{dst: dst, format: levelName, parse: func(s string) (slog.Level, error) {
		for _, l := range levels {
			if strings.EqualFold(s, l.name) {
				return l.level, nil
			}
		}
		return 0, errors.New("not one of trace, debug, info, warn, error")
	}}
}

// levelName is the name of a level for --log-level; for other levels the name that slog gives it.
func levelName(level slog.Level) string {
	for _, l := range levels {
		if l.level == level {
			return l.name
		}
	}
	return level.String()
}

func memory(dst *int64) *value[int64] {
	return &value[int64]{dst: dst, parse: ParseBytes, format: func(n int64) string { return strconv.FormatInt(n, 10) }}
}

// ParseBytes reads an amount of memory in the form of Redis, in bytes: a whole number with an optional unit b, k
// (1000), kb (1024), m, mb, g or gb, in upper or lower case. The error is for people.
func ParseBytes(s string) (int64, error) {
	digits := strings.TrimRight(s, "bkmgBKMG")
	unit := int64(1)
	switch strings.ToLower(s[len(digits):]) {
	case "", "b":
	case "k":
		unit = 1000
	case "kb":
		unit = 1 << 10
	case "m":
		unit = 1000 * 1000
	case "mb":
		unit = 1 << 20
	case "g":
		unit = 1000 * 1000 * 1000
	case "gb":
		unit = 1 << 30
	default:
		return 0, fmt.Errorf("unknown unit %q", s[len(digits):])
	}
	n, err := strconv.ParseInt(digits, 10, 64)
	if err != nil || n < 0 || n > math.MaxInt64/unit {
		return 0, errors.New("not an amount of memory such as 1000000, 100mb or 1gb")
	}
	return n * unit, nil
}
