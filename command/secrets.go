package command

import "strings"

// hidden are the positions of arguments that no log may show.
func (r *row) hidden(args [][]byte) []int {
	if r.secrets == nil {
		return nil
	}
	return r.secrets(args)
}

// secretsFrom hides every argument from position first on.
func secretsFrom(first int) func(args [][]byte) []int {
	return func(args [][]byte) (hidden []int) {
		for i := first; i < len(args); i++ {
			hidden = append(hidden, i)
		}
		return hidden
	}
}

// helloSecrets hides users and passwords after HELLO's option AUTH. It also hides everything from the first unknown
// option on, which may be a password in the wrong place.
func helloSecrets(args [][]byte) (hidden []int) {
	for i := 2; i < len(args); {
		switch left := len(args) - i; {
		case is(args[i], "auth") && left > 2:
			hidden = append(hidden, i+1, i+2)
			i += 3
		case is(args[i], "setname") && left > 1:
			i += 2
		default:
			return append(hidden, secretsFrom(i)(args)...)
		}
	}
	return hidden
}

// configSecrets hides the values of CONFIG SET for parameters whose names sound like passwords. The parameter need not
// exist: a misspelled name may have a password as its value.
func configSecrets(args [][]byte) (hidden []int) {
	for i := 2; i < len(args); i += 2 {
		name := strings.ToLower(string(args[i]))
		for _, word := range []string{"pass", "auth", "secret"} {
			if strings.Contains(name, word) {
				hidden = append(hidden, i+1)
				break
			}
		}
	}
	return hidden
}
