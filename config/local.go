package config

import (
	"fmt"
	"net"
	"slices"
	"strings"

	"github.com/BurntSushi/toml"
)

// local is the settings that a tool takes from the server on the same machine, so that a health check beside a server
// needs no options.
type local struct {
	*Config
	table []group
}

// readLocal reads the wanted options of the server, and no others, from the environment. If the environment has none of
// them, it reads the file too. It ignores mistakes in other options: because of them a health check must not call a
// running node dead.
func readLocal(s Sources, file string, wanted ...string) (*Config, error) {
	l := local{Config: Default()}
	l.sources = map[string]string{}
	for _, g := range groups(l.Config) {
		l.table = append(l.table, group{g.title, slices.DeleteFunc(g.options, func(o option) bool { return !slices.Contains(wanted, o.name) })})
	}
	if err := readEnvironment(l.Config, l.table, s.Env); err != nil {
		return nil, err
	}
	if file == "" {
		file, _ = s.Env(envPrefix + "CONFIG")
	}
	if file != "" && !l.found() {
		if err := l.readFile(s, file); err != nil {
			return nil, err
		}
	}
	flag, err := settleExclusives(l.Config, l.table)
	return l.Config, l.blame(err, flag)
}

// found reports whether the environment has set one of the options to a value that is not empty.
func (l *local) found() bool {
	for name := range l.sources {
		if o, ok := find(l.table, name); ok && o.value.String() != "" {
			return true
		}
	}
	return false
}

func (l *local) readFile(s Sources, file string) error {
	text, err := s.ReadFile(file)
	if err != nil {
		return fmt.Errorf("--%s: %w", fileOption, err)
	}
	var keys map[string]any
	if _, err := toml.Decode(string(text), &keys); err != nil {
		return syntaxError(file, err)
	}
	for key, value := range keys {
		o, ok := find(l.table, key)
		if !ok || l.sources[key] != "" {
			continue
		}
		argument, err := argumentOf(value)
		if err == nil {
			err = o.value.Set(argument)
		}
		if err != nil {
			return fmt.Errorf("%s:%d: %s: %w", file, lineOf(string(text), key), key, err)
		}
		l.sources[key] = sourceFile
	}
	return nil
}

// localAddr is the address of the server on this machine: the first address of --bind, and a loopback address if that
// is all interfaces.
func localAddr(s Sources, file string) (string, error) {
	c, err := readLocal(s, file, "bind")
	if err != nil {
		return "", err
	}
	if err := validateBind(c.Bind); err != nil {
		return "", c.blame(fmt.Errorf("bind: %w", err), "bind")
	}
	network, address := SplitBind(c.Bind[0])
	if network == "unix" {
		return c.Bind[0], nil
	}
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return "", err
	}
	if strings.Trim(port, "0") == "" {
		return "", c.blame(fmt.Errorf("bind: %s has port 0, so the server uses a free port: give the server's address as an argument", c.Bind[0]), "bind")
	}
	ip := net.ParseIP(host)
	switch {
	case host == "", ip != nil && ip.IsUnspecified() && ip.To4() != nil:
		host = "127.0.0.1"
	case ip != nil && ip.IsUnspecified():
		host = "::1"
	}
	return net.JoinHostPort(host, port), nil
}
