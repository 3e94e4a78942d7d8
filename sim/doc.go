// Package sim simulates clusters: the real machine, engine and disk code of a few nodes, on simulated networks, disks
// and clocks, with clients that send random commands, all from one seed. It has tests only; `make sim` runs many seeds,
// and prints how often each fault and each state of interest occurred.
//
// A world (world_test.go) has hosts. On a host, processes run, die and start again with the disk that is left, with an
// empty one, with an old one or with a copy of another host's. Whole clusters are restored from copies
// (restore_test.go). Pipes (pipe_test.go) connect processes, and lose, delay, swallow and cut their traffic. Clients
// (client_test.go) record their replies with package history, which decides in the end whether all are within the laws.
// After all faults have healed, all nodes must store the same, row by row (settle_test.go). Keys of some kinds are also
// watched with knowledge of the commands' purpose: windows_test.go, cell_test.go, due_test.go, lease_test.go. Quotas
// are judged by the tokens that clients got: quotas_test.go.
//
// Like TCP, a connection never loses, doubles or reorders bytes, except that its end loses bytes; acknowledgements rely
// on that. States are different: a state sent once may be merged again, late, out of order, at any node (repeatSome).
//
// A seed gives one world, and repeats exactly. Some worlds are written by hand: told_test.go. Directory planted has
// faults that the simulator must find.
package sim
