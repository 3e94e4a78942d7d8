// Package sim simulates clusters: the real machine, engine and disk code of a few nodes, on simulated networks, disks
// and clocks, under clients' random commands, all from one seed. It has tests only; `make sim` runs many seeds, and
// says how often each fault and each state of interest occurred.
//
// A world (world_test.go) has hosts, on which processes run, die and start again with the disk that is left, with none,
// with an old one or with another host's; whole clusters are restored from copies (restore_test.go). Pipes
// (pipe_test.go) connect processes, and lose, delay, swallow and cut what is said. Clients (client_test.go) record what
// they are answered with package history, which says in the end whether all of it is within the laws; and once all is
// healed, all nodes are to store the same, row by row (settle_test.go). Keys of a few kinds are watched besides, by who
// knows what clients meant: windows_test.go, cell_test.go, lease_test.go. Quotas are judged by what clients have of
// them: quotas_test.go.
//
// A connection never loses, doubles or reorders what is said on it but at its end, as TCP: an acknowledgement stands on
// that. States may: what was sent once is merged again, late, out of order, by anybody (repeatSome).
//
// A seed is a world, and repeats exactly. Some are told: told_test.go. Directory planted has bugs that the simulator is
// to find.
package sim
