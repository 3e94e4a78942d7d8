package shares

// DeskStats counts since the start.
type DeskStats struct {
	Asks, Looks   uint64 // messages that were sent: asks for tokens, and for levels only
	Waited        uint64 // orders that were given
	Granted       uint64 // of those: filled
	GrantedTokens uint64
	Denied        uint64 // of those: not filled
	Cancelled     uint64 // of those: their clients have gone, or were answered, before
	Hopeless      uint64 // orders that were denied at once, without a message
	GivenBack     uint64 // tokens that were sent back to the nodes that had taken them
	Late          uint64 // of the tokens that came: after their orders had ended
	Lost          uint64 // tokens that could not be given back: the session in which they came has ended
	Served        uint64 // asks of other nodes that were answered
	TakenFor      uint64 // tokens that were taken here for clients of other nodes
	BackFor       uint64 // of those: came back
}

// Stats returns the counters.
func (d *Desk) Stats() DeskStats {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.stats
}

// Served counts an ask of another node that was answered, with the tokens that were taken for it.
func (d *Desk) Served(tokens uint64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.stats.Served++
	d.stats.TakenFor += tokens
}

// CameBack counts tokens that another node has given back, or was never told of because its session ended.
func (d *Desk) CameBack(tokens uint64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.stats.BackFor += tokens
}
