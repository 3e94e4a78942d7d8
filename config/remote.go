package config

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/pflag"
)

// Remote is the options of tools that connect to nodes.
type Remote struct {
	// Addrs are the nodes: host:port or unix:/path.
	Addrs []string
	// User and Password are for AUTH. Without a password the tool does not log in.
	User, Password string
	// PasswordFile names a file whose first line is Password.
	PasswordFile string
	// File names the TOML file of the server on this machine. The tool takes address and password from the file if the
	// arguments have none.
	File string
	// Patience is how long the tool waits for one answer. Default 2 s.
	Patience time.Duration
}

// Ping is the options of `quota-db ping`.
type Ping struct{ Remote }

// Status is the options of `quota-db status`.
type Status struct {
	Remote
	// JSON: print the report as one JSON document instead of tables.
	JSON bool
}

// Bench is the options of `quota-db bench`.
type Bench struct {
	Remote
	// Tests are the names of the loads, which run one after the other. Default incr, get, quota.
	Tests []string
	// Clients is the number of connections, divided evenly between the nodes. Default 50.
	Clients int
	// Pipeline is how many commands a client sends before it reads their replies. Default 1.
	Pipeline int
	// Keys is the number of different keys in the commands. Default 10000.
	Keys int
	// Duration is how long each test runs. A test ends earlier once it has sent Requests commands. 0: only Requests
	// ends it. Default 10 s; 0 if Requests is given.
	Duration time.Duration
	// Requests is how many commands each test sends. 0, the default: as many as fit in Duration.
	Requests int
	// Limit and Window configure the quotas of the tests `quota` and `throttle`. Default 100 tokens per 60 s.
	Limit, Window int
	// JSON: print the figures as one JSON document instead of a table.
	JSON bool
}

// Bounds of the tools' options.
const (
	maxPatience  = 10 * time.Minute
	maxClients   = 10000
	maxPipeline  = 10000
	maxBenchKeys = 100_000_000
	maxDuration  = 24 * time.Hour
	maxNodes     = 256
)

// BenchTests are the names of all loads of `quota-db bench`.
var BenchTests = []string{"ping", "get", "set", "incr", "quota", "throttle"}

func defaultPing() *Ping { return &Ping{Remote{Patience: 2 * time.Second}} }

func defaultStatus() *Status { return &Status{Remote: Remote{Patience: 2 * time.Second}} }

func defaultBench() *Bench {
	return &Bench{
		Remote: Remote{Patience: 10 * time.Second}, Tests: []string{"incr", "get", "quota"},
		Clients: 50, Pipeline: 1, Keys: 10000, Duration: 10 * time.Second, Limit: 100, Window: 60,
	}
}

func (r *Remote) group() group {
	return group{"Options", []option{
		{"user", "", "NAME", "User to log in as (empty: the default user)", text(&r.User)},
		{passwordOption, "", "PASSWORD", "Password to log in with", text(&r.Password)},
		{passwordFileOption, "", "PATH", "File whose first line is the password", text(&r.PasswordFile)},
		{fileOption, "", "FILE", "TOML file of the server, for its address and password", text(&r.File)},
		{"patience", "", "TIME", "How long to wait for an answer, for example 2 (seconds), 500ms or 1m", interval(&r.Patience)},
	}}
}

// The tools read their password from the server's environment variables, so that a health check beside a server needs
// no flag.
const (
	passwordOption     = "password"
	passwordFileOption = "password-file"
)

func (p *Ping) groups() []group { return []group{p.group()} }

func (s *Status) groups() []group {
	g := s.group()
	g.options = append(g.options, option{"json", "", "", "Print one JSON document", switched(&s.JSON)})
	return []group{g}
}

func (b *Bench) groups() []group {
	return []group{b.group(), {"Load", []option{
		{"test", "t", "NAME,...", "Tests to run, one after the other: ping, get, set, incr, quota, throttle", &listValue{dst: &b.Tests}},
		{"clients", "c", "NUM", "Connections in all, divided between the nodes", number(&b.Clients)},
		{"pipeline", "P", "NUM", "Commands that each connection sends at once", number(&b.Pipeline)},
		{"keys", "k", "NUM", "Number of different keys", number(&b.Keys)},
		{"duration", "d", "TIME", "How long each test runs; with --requests and without --duration: no limit", interval(&b.Duration)},
		{"requests", "n", "NUM", "Commands that each test sends (0: as many as fit in --duration)", number(&b.Requests)},
		{"limit", "", "NUM", "Limit of each quota, in tokens", number(&b.Limit)},
		{"window", "", "SECONDS", "Window of each quota", number(&b.Window)},
		{"json", "", "", "Print one JSON document", switched(&b.JSON)},
	}}}
}

// ParsePing reads the arguments of `quota-db ping`. Errors are as those of Parse.
func ParsePing(s Sources) (*Ping, error) {
	p := defaultPing()
	_, err := p.parse("ping", p.groups(), s)
	if err == nil && len(p.Addrs) > 1 {
		err = usagef("unexpected argument %q: ping asks one node", p.Addrs[1])
	}
	return p, err
}

// ParseStatus reads the arguments of `quota-db status`. Errors are as those of Parse.
func ParseStatus(s Sources) (*Status, error) {
	status := defaultStatus()
	_, err := status.parse("status", status.groups(), s)
	return status, err
}

// ParseBench reads the arguments of `quota-db bench`. Errors are as those of Parse.
func ParseBench(s Sources) (*Bench, error) {
	b := defaultBench()
	flags, err := b.parse("bench", b.groups(), s)
	if err != nil {
		return nil, err
	}
	if err := b.validate(); err != nil {
		return nil, usage(err)
	}
	if b.Requests > 0 && !flags.Changed("duration") {
		b.Duration = 0
	}
	return b, nil
}

func (b *Bench) validate() error {
	checks := []struct {
		flag string
		err  error
	}{
		{"clients", between(b.Clients, 1, maxClients)},
		{"pipeline", between(b.Pipeline, 1, maxPipeline)},
		{"keys", between(b.Keys, 1, maxBenchKeys)},
		{"requests", atLeastZero(int64(b.Requests))},
		{"duration", within(b.Duration, time.Millisecond, maxDuration, time.Nanosecond)},
		{"limit", between(b.Limit, 1, 1e15)},
		{"window", between(b.Window, 1, 1e9)},
	}
	if len(b.Tests) == 0 {
		return errors.New("--test: at least one is needed")
	}
	for _, test := range b.Tests {
		checks = append(checks, struct {
			flag string
			err  error
		}{"test", oneOf(test, BenchTests...)})
	}
	for _, check := range checks {
		if check.err != nil {
			return fmt.Errorf("--%s: %w", check.flag, check.err)
		}
	}
	if b.Clients < len(b.Addrs) {
		return fmt.Errorf("--clients: %d connections are too few for %d nodes: each needs one", b.Clients, len(b.Addrs))
	}
	return nil
}

// parse reads the options of one tool. The remaining arguments are addresses.
func (r *Remote) parse(name string, table []group, s Sources) (*pflag.FlagSet, error) {
	flags, help := newFlags(name, table)
	if err := flags.Parse(s.Args); err != nil {
		return nil, usage(err)
	}
	if *help {
		return nil, errors.Join(ErrHelp, printToolHelp(s.Out, name))
	}
	if r.Addrs = flags.Args(); len(r.Addrs) == 0 {
		addr, err := localAddr(s, r.File)
		if err != nil {
			return nil, err
		}
		r.Addrs = []string{addr}
	}
	if err := r.validate(); err != nil {
		return nil, usage(err)
	}
	return flags, r.readPassword(flags, s)
}

// readPassword takes the password from the server's settings if no flag gives one, and reads the password file.
func (r *Remote) readPassword(flags *pflag.FlagSet, s Sources) error {
	option := "--" + passwordFileOption
	if !flags.Changed(passwordOption) && !flags.Changed(passwordFileOption) {
		c, err := readLocal(s, r.File, "requirepass", "requirepass-file")
		if err != nil {
			return err
		}
		r.Password, r.PasswordFile, option = c.RequirePass, c.RequirePassFile, "requirepass-file"
	}
	if r.PasswordFile == "" {
		return nil
	}
	if r.Password != "" {
		return usagef("--%s: not together with --%s", passwordFileOption, passwordOption)
	}
	text, err := s.ReadFile(r.PasswordFile)
	if err != nil {
		return fmt.Errorf("%s: %w", option, err)
	}
	line, _, _ := strings.Cut(string(text), "\n")
	if r.Password = strings.TrimSuffix(line, "\r"); r.Password == "" {
		return fmt.Errorf("%s: the first line of %s is empty", option, r.PasswordFile)
	}
	return nil
}

func (r *Remote) validate() error {
	if r.Patience < time.Millisecond || r.Patience > maxPatience {
		return fmt.Errorf("--patience: %v is not from 1ms to %v", r.Patience, maxPatience)
	}
	if len(r.Addrs) > maxNodes {
		return fmt.Errorf("%d nodes are too many: at most %d", len(r.Addrs), maxNodes)
	}
	for i, addr := range r.Addrs {
		if slices.Contains(r.Addrs[:i], addr) {
			return fmt.Errorf("%q is given twice", addr)
		}
		network, address := SplitBind(addr)
		if network == "tcp" {
			if err := validateHostPort(address, 1); err != nil {
				return err
			}
		}
	}
	return nil
}
