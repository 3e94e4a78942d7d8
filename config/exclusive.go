package config

import "fmt"

// exclusives are options of which at most one may be set: the value itself, and a file that has it.
var exclusives = [][2]string{
	{"requirepass", "requirepass-file"},
	{"cluster-secret", "cluster-secret-file"},
}

// strength says which source wins over which.
func strength(source string) int {
	return map[string]int{sourceFlag: 3, sourceEnvironment: 2, sourceFile: 1}[source]
}

// settleExclusives resolves that both options of a pair are set: the one of the stronger source wins, as if the weaker source did not have the other. If
// both are of one source, it is an error. An option that is set to nothing takes the place of none: an empty password is not to win over a file that
// has one. Its error comes with the option that it is about.
func settleExclusives(c *Config, table []group) (flag string, err error) {
	for _, pair := range exclusives {
		a, aThere := find(table, pair[0])
		b, bThere := find(table, pair[1])
		if !aThere || !bThere || a.value.String() == "" || b.value.String() == "" {
			continue
		}
		weaker := a
		switch sa, sb := strength(c.sources[a.name]), strength(c.sources[b.name]); {
		case sa == sb:
			return b.name, fmt.Errorf("--%s: not together with --%s", b.name, a.name)
		case sb < sa:
			weaker = b
		}
		if err := weaker.value.Set(""); err != nil {
			return weaker.name, fmt.Errorf("--%s: %w", weaker.name, err)
		}
		delete(c.sources, weaker.name)
	}
	return "", nil
}
