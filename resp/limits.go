package resp

// Limits bound what one client can make a Reader accept and hold. A Reader keeps only the pointer: many share one
// Limits, which must not change while they read.
type Limits struct {
	// MaxArgs is the largest number of arguments of a command, its name included.
	MaxArgs int
	// MaxBulkBytes is the longest argument in bytes. Those of inline commands are bounded by MaxInlineBytes alone.
	MaxBulkBytes int
	// MaxInlineBytes is the longest inline command in bytes, without its line feed.
	MaxInlineBytes int
	// MaxBufferedBytes is the longest command in bytes, counted as it is on the wire, and the most unread input that
	// Keep accepts to hold.
	MaxBufferedBytes int
	// Locked says that these are the limits of a client that has not logged in: the errors say so, as Redis's do.
	Locked bool
}

const (
	defaultMaxArgs          = 1 << 20
	defaultMaxBulkBytes     = 512 << 20
	defaultMaxInlineBytes   = 64 << 10
	defaultMaxBufferedBytes = 1 << 30

	lockedMaxArgs          = 10
	lockedMaxBulkBytes     = 16 << 10
	lockedMaxBufferedBytes = 256 << 10

	// maxLengthLine bounds in bytes the search for the end of a "*n" or "$n" line. Redis has the same bound.
	maxLengthLine = 64 << 10
)

// DefaultLimits returns Redis's limits, except that a command has at most 1<<20 arguments, where Redis allows 1<<31.
func DefaultLimits() *Limits {
	return &Limits{
		MaxArgs:          defaultMaxArgs,
		MaxBulkBytes:     defaultMaxBulkBytes,
		MaxInlineBytes:   defaultMaxInlineBytes,
		MaxBufferedBytes: defaultMaxBufferedBytes,
	}
}

// LockedLimits returns Redis's limits for a client that has not logged in.
func LockedLimits() *Limits {
	return &Limits{
		MaxArgs:          lockedMaxArgs,
		MaxBulkBytes:     lockedMaxBulkBytes,
		MaxInlineBytes:   defaultMaxInlineBytes,
		MaxBufferedBytes: lockedMaxBufferedBytes,
		Locked:           true,
	}
}
