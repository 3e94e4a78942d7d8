package config

import (
	"errors"
	"fmt"
)

// ErrUsage: the command line or a variable is wrong, and the exit code is 2. A mistake in the file is another error,
// because the command itself was right.
var ErrUsage = errors.New("wrong usage")

// usageError is an error that errors.Is takes for ErrUsage, with a text of its own.
type usageError struct{ error }

func (e usageError) Is(target error) bool { return target == ErrUsage }

func (e usageError) Unwrap() error { return e.error }

// usage makes err a usage error; nil stays nil.
func usage(err error) error {
	if err == nil {
		return nil
	}
	return usageError{err}
}

func usagef(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }
