package loop

// interest is what the poller looks for at a connection.
type interest struct{ read, write bool }

// event says that a descriptor is ready. broken: both directions have ended, or the connection has failed.
type event struct {
	fd                  int
	read, write, broken bool
}
