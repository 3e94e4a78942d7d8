package config

// Subcommand is a first argument that makes quota-db a tool instead of a node.
type Subcommand struct {
	Name    string
	Args    string // as in the usage line
	Summary string
	groups  func() []group // its options; nil: none
}

// Subcommands are all subcommands, in the order of the help text. Help, completion and the manual page are made from
// this list.
func Subcommands() []Subcommand {
	return []Subcommand{
		{"ping", "[ADDR]", "check whether a node is alive, for health checks; exit code 0: alive", defaultPing().groups},
		{"status", "[ADDR...]", "show nodes, links and what is wrong; exit code 0: healthy", defaultStatus().groups},
		{"bench", "[ADDR...]", "put load on nodes and measure how fast they answer", defaultBench().groups},
		{"config check", "[FILE] [OPTIONS]", "check a configuration and print every option with its source", nil},
		{"check", "DIR", "check a data directory; --salvage DIR OUT copies the undamaged data", nil},
		{"backup", "DIR OUT", "copy a data directory, also of a running server", nil},
		{"clock", "DIR", "show how far the clock of a data directory is ahead; --set-back DIR corrects it", nil},
		{"completion", "bash|zsh|fish", "print the completion script of a shell", nil},
		{"man", "", "print the manual page", nil},
		{"version", "", "the same as --version", nil},
		{"help", "", "the same as --help", nil},
	}
}

// Shells are the shells for which PrintCompletion has a script.
var Shells = []string{"bash", "zsh", "fish"}
