package command

import (
	"bytes"
	"strings"

	"github.com/quotadb/quota-db/glob"
	"github.com/quotadb/quota-db/params"
)

// configCommands are CONFIG and its subcommands.
func configCommands() []*row {
	const plain = admin | noscript | loading | stale
	return inGroup([]*row{
		{name: "config", arity: -2, since: "2.0.0",
			complexity: bySubcommand, summary: "Read and change parameters", subs: []*row{
				{name: "get", arity: -3, flags: plain, since: "2.0.0", handler: configGet,
					usage: "parameter [parameter ...]", complexity: perArgument,
					summary: "Get parameters by name or pattern"},
				{name: "set", arity: -4, flags: plain, since: "2.0.0", tips: []string{"request_policy:all_nodes", allSucceeded}, secrets: configSecrets, handler: configSet,
					usage: "parameter value [parameter value ...]", complexity: perArgument,
					summary: "Set parameters: all of them, or none if one has an error"},
				{name: "resetstat", arity: 2, flags: plain | wholeKeyspace, since: "2.0.0", handler: configResetStat,
					complexity: constantTime, summary: "Set the statistics of INFO to 0"},
				{name: "rewrite", arity: 2, flags: plain, since: "2.8.0", handler: configRewrite,
					complexity: constantTime, summary: "Not supported: there is no configuration file"},
				helpRow("5.0.0", 0),
			}},
	}, ofServer, 0)
}

// configGet replies with the parameters that match one of the names or patterns, each once.
func configGet(c *call) {
	type answer struct{ name, value string }
	var answers []answer
	patterns := make([]*glob.Pattern, len(c.args))
	for i, arg := range c.args {
		if bytes.ContainsAny(arg, "*?[") {
			patterns[i] = glob.Compile(bytes.ToLower(arg))
		}
	}
	for i := range c.server.params {
		p := &c.server.params[i]
		for j, arg := range c.args[2:] {
			if name := namedBy(p, arg, patterns[j+2]); name != "" {
				answers = append(answers, answer{name, p.Get()})
				break
			}
		}
	}
	c.pairs(len(answers))
	for _, a := range answers {
		c.bulk(a.name)
		c.bulk(a.value)
	}
}

// namedBy is the name of the parameter in the reply of CONFIG GET; empty if the argument does not match it. For an
// argument without a pattern it is the argument as the client has written it.
func namedBy(p *params.Param, arg []byte, pattern *glob.Pattern) string {
	budget := glob.Unbounded() // the names of parameters are short
	switch {
	case pattern == nil && is(arg, p.Name):
		return string(arg)
	case pattern != nil && pattern.Match([]byte(p.Name), &budget):
		return p.Name
	}
	return ""
}

// configSet is CONFIG SET: it sets all parameters, or none if one value is refused.
func configSet(c *call) {
	if len(c.args)%2 != 0 {
		c.fail(errSyntax)
		return
	}
	pairs := c.args[2:]
	chosen, ok := c.chooseParams(pairs)
	if !ok {
		return
	}
	changes := make([]func(), len(chosen))
	for i, p := range chosen {
		apply, problem := p.Set(string(pairs[2*i+1]))
		if problem != "" {
			c.failParam(p.Name, problem)
			return
		}
		changes[i] = apply
	}
	for _, apply := range changes {
		apply()
	}
	c.client.order(c.server)
	c.ok()
}

// chooseParams finds the parameters of pairs of name and value; false after replying with an error.
func (c *call) chooseParams(pairs [][]byte) (chosen []*params.Param, ok bool) {
	seen := make(map[*params.Param]bool)
	for i := 0; i < len(pairs); i += 2 {
		p := c.server.param(pairs[i])
		switch {
		case p == nil && isFixedInRedis(pairs[i]):
			c.failParam(string(pairs[i]), "can't set immutable config")
			return nil, false
		case p == nil:
			c.failf("ERR Unknown option or number of arguments for CONFIG SET - '%s'", clip(pairs[i], len(pairs[i])))
			return nil, false
		case p.Set == nil:
			c.failParam(string(pairs[i]), "can't set immutable config")
			return nil, false
		case seen[p]:
			c.failParam(string(pairs[i]), "duplicate parameter")
			return nil, false
		}
		seen[p] = true
		chosen = append(chosen, p)
	}
	return chosen, true
}

func (c *call) failParam(name, problem string) {
	c.failf("ERR CONFIG SET failed (possibly related to argument '%s') - %s", name, problem)
}

// param is the parameter with a name; nil if there is none.
func (s *Server) param(name []byte) *params.Param {
	for i := range s.params {
		if is(name, s.params[i].Name) {
			return &s.params[i]
		}
	}
	return nil
}

func configResetStat(c *call) {
	c.server.accessLog.resetCounts()
	c.server.Stats.Reset(c.all().Expired(), c.now.Mono)
	c.ok()
}

// configRewrite replies with an error: the server does not write its flags and environment.
func configRewrite(c *call) { c.fail(errNoConfigFile) }

// isFixedInRedis reports whether name is a parameter of Redis that Redis cannot set while it runs, and that means
// nothing here. CONFIG SET then has the same error as in Redis, and does not say that the name is unknown.
func isFixedInRedis(name []byte) bool {
	const names = " always-show-logo aof_rewrite_cpulist appenddirname appendfilename bgsave_cpulist bio_cpulist cluster-config-file " +
		"cluster-enabled cluster-port daemonize disable-thp enable-debug-command enable-module-command enable-protected-configs io-threads " +
		"io-threads-do-reads logfile pidfile rdbchecksum replicaof server_cpulist set-proc-title slaveof socket-mark-id supervised " +
		"syslog-enabled syslog-facility syslog-ident tcp-backlog unixsocketperm "
	return len(name) < 32 && !bytes.ContainsRune(name, ' ') && strings.Contains(names, " "+strings.ToLower(string(name))+" ")
}
