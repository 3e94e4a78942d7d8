package config

import (
	"errors"
	"fmt"
)

// ErrUsage is that the command line, or a variable, is wrong: exit code 2. What is wrong in a file is none: the command was understood.
var ErrUsage = errors.New("wrong usage")

// usageError is an error that is ErrUsage, without its words.
type usageError struct{ error }

func (e usageError) Is(target error) bool { return target == ErrUsage }

func (e usageError) Unwrap() error { return e.error }

// usage makes an error one of usage; nil stays nil.
func usage(err error) error {
	if err == nil {
		return nil
	}
	return usageError{err}
}

func usagef(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }
