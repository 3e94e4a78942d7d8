package loop

// interest is what a connection waits for.
type interest struct{ read, write bool }

// event says that a descriptor is ready. broken: both directions have ended, or the connection has failed.
type event struct {
	fd                  int
	read, write, broken bool
}
