// Package persist keeps a node's entries on its disk: it is the follower of the engine's changes, and brings them back at a start.
//
// Changes are written in groups. A group takes what has changed in every shard, as whole states, and appends it to the log in one write; a key that
// changes a million times between two groups is one record. A write to the DB belongs to a group that begins after it, so whoever wants to know that a
// write is safe waits for the next group to be written or synced: see Group.
//
// Invariants: records of one key are in the log in the order of its states, so recovery takes the last. Nothing is acknowledged as synced after a failed
// sync: the log goes on in another segment with everything since the last good one, or writes are refused.
package persist
