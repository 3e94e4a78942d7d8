//go:build !darwin && (!linux || poll)

package loop

// unacknowledged does not know. With the build tag poll Linux does not either, so that its tests show what the server does
// then.
func unacknowledged(int) (bytes int, known bool) { return 0, false }
