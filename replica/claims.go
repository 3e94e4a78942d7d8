package replica

import "errors"

// Claims is which run each life of a peer was last started with. Methods are safe for concurrent use.
type Claims struct {
}

// NewClaims reads what save was given before; nil text: nothing. save makes a text durable.
func NewClaims(text []byte, save func(text []byte) error) (*Claims, error) {
	return nil, errors.New("to be written")
}

// Register notes the run of a life that is running. Errors: ErrTwice if the life is known to have been started with another run; those of save.
func (c *Claims) Register(node uint16, life, run uint64) error { return errors.New("to be written") }

// Claim notes that run is about to go on with a life that run before has stopped cleanly; false if that was not its last.
func (c *Claims) Claim(node uint16, life, before, run uint64) (ok bool, err error) {
	return false, errors.New("to be written")
}
