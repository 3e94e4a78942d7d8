package command

import "strings"

// secretsFrom hides every argument from a position on.
func secretsFrom(first int) func(args [][]byte) []int {
	return func(args [][]byte) (hidden []int) {
		for i := first; i < len(args); i++ {
			hidden = append(hidden, i)
		}
		return hidden
	}
}

// helloSecrets hides the user and the password of HELLO's option AUTH.
func helloSecrets(args [][]byte) []int {
	for i := 2; i < len(args); i++ {
		if is(args[i], "auth") {
			return []int{i + 1, i + 2}
		}
	}
	return nil
}

// configSecrets hides the values of CONFIG SET's parameters that sound like passwords, whether they exist or not: also a
// mistake can show one.
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
