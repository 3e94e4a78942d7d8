package config

// Subcommand is a first argument that makes quota-db a tool instead of a node.
type Subcommand struct {
	Name    string
	Args    string // as usage shows them
	Summary string
	groups  func() []group // its options; nil: none
}

// Subcommands are all there are, in the order of the help text: the only place that names them for help, completion and manual page.
func Subcommands() []Subcommand {
	return []Subcommand{
		{"ping", "[ADDR]", "say whether a node is alive, for health checks; exit code 0: it is", defaultPing().groups},
		{"status", "[ADDR...]", "show nodes, links and what is wrong; exit code 0: healthy", defaultStatus().groups},
		{"bench", "[ADDR...]", "put load on nodes and measure how fast they answer", defaultBench().groups},
		{"config check", "[FILE] [OPTIONS]", "check a configuration and print every option with its source", nil},
		{"check", "DIR", "check a data directory; --salvage DIR OUT copies what is sound", nil},
		{"backup", "DIR OUT", "copy a data directory, also of a running server", nil},
		{"clock", "DIR", "show how far the clock of a data directory is ahead; --set-back DIR corrects it", nil},
		{"completion", "bash|zsh|fish", "print the completion script of a shell", nil},
		{"man", "", "print the manual page", nil},
		{"version", "", "as --version", nil},
		{"help", "", "as --help", nil},
	}
}

// Shells are those that completion knows.
var Shells = []string{"bash", "zsh", "fish"}
