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
		{"ping", "[ADDR]", "say whether a node answers", defaultPing().groups},
		{"status", "[ADDR...]", "show nodes, links and what is wrong; exit code 0: healthy", defaultStatus().groups},
		{"bench", "[ADDR...]", "put load on nodes, and measure the answers", defaultBench().groups},
		{"config check", "[FILE] [OPTIONS]", "say whether a configuration is sound, and what it comes to", nil},
		{"check", "DIR", "say whether a data directory is sound; --salvage DIR OUT keeps what is", nil},
		{"backup", "DIR OUT", "copy a data directory, also of a running server", nil},
		{"clock", "DIR", "say how far its clock is ahead; --set-back DIR after a wrong clock", nil},
		{"completion", "bash|zsh|fish", "print the completion script of a shell", nil},
		{"man", "", "print the manual page", nil},
		{"version", "", "as --version", nil},
		{"help", "", "as --help", nil},
	}
}

// Shells are those that completion knows.
var Shells = []string{"bash", "zsh", "fish"}
