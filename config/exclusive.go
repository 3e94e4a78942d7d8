package config

import "fmt"

// exclusives are pairs of options of which at most one may be set: a value, and the file that contains the value.
var exclusives = [][2]string{
	{"requirepass", "requirepass-file"},
	{"cluster-secret", "cluster-secret-file"},
}

// strength orders the sources: the larger one wins.
func strength(source string) int {
	return map[string]int{sourceFlag: 3, sourceEnvironment: 2, sourceFile: 1}[source]
}

// settleExclusives decides when both options of a pair are set. The option of the stronger source wins, as if the
// weaker source did not have the other option. If both have the same source, that is an error. An option that is set to
// an empty value counts as not set, so that an empty password does not win over a password file. flag is the option
// that the error is about.
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
