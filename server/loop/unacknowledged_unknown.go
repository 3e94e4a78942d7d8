//go:build !darwin && (!linux || poll)

package loop

// unacknowledged does not know the number. With the build tag poll Linux does not know it either, so that tests show
// what the server does then.
func unacknowledged(int) (bytes int, known bool) { return 0, false }
