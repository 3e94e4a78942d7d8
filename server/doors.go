package server

import (
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"

	"github.com/quotadb/quota-db/config"
)

// loadingReply is the reply to clients that come before the node has loaded its data. It is Redis's error, so client
// libraries know it and try again.
const loadingReply = "-LOADING QuotaDB is loading the dataset in memory\r\n"

const (
	loadingAtOnce  = 64          // clients that are answered at one time; further clients wait in the listen queue
	loadingTimeout = time.Second // for each of them to send a command and to read the reply
)

// Doors are the addresses of a node, opened before the node touches its data. So a node whose address is taken ends
// before it has changed anything. Until a Server takes the doors over, or Close is called, clients get the reply that
// the node is loading.
type Doors struct {
	listeners []net.Listener
	places    chan struct{}  // one element for each client that is being answered
	taken     chan struct{}  // closed when no more clients are to be answered
	acceptors sync.WaitGroup // they end when the doors are taken
	clients   sync.WaitGroup // they end loadingTimeout later at the latest
}

// OpenDoors listens on every address of --bind.
func OpenDoors(binds []string) (*Doors, error) {
	d := &Doors{places: make(chan struct{}, loadingAtOnce), taken: make(chan struct{})}
	for _, bind := range binds {
		l, err := listen(config.SplitBind(bind))
		if err != nil {
			return nil, errors.Join(fmt.Errorf("listen on %s: %w", bind, err), d.Close())
		}
		d.listeners = append(d.listeners, l)
	}
	for _, l := range d.listeners {
		d.acceptors.Go(func() { d.accept(l) })
	}
	return d, nil
}

// accept answers clients until the listener's deadline.
func (d *Doors) accept(l net.Listener) {
	for {
		select {
		case d.places <- struct{}{}:
		case <-d.taken:
			return
		}
		conn, err := l.Accept()
		if err == nil {
			d.clients.Go(func() {
				sayLoading(conn)
				<-d.places
			})
			continue
		}
		<-d.places
		if errors.Is(err, net.ErrClosed) || isTimeout(err) {
			return
		}
		time.Sleep(acceptBackoff)
	}
}

// sayLoading waits for a client's first bytes and answers loadingReply. If the connection were closed before the client
// has sent its first command, the command would meet a closed connection, and the client would lose the reply.
func sayLoading(conn net.Conn) {
	defer func() { _ = conn.Close() }()
	_ = conn.SetDeadline(time.Now().Add(loadingTimeout))
	var words [4096]byte
	if _, err := conn.Read(words[:]); err != nil {
		return
	}
	if _, err := io.WriteString(conn, loadingReply); err != nil {
		return
	}
	untilClosed(conn)
}

func isTimeout(err error) bool {
	var e net.Error
	return errors.As(err, &e) && e.Timeout()
}

// take ends the answers and returns the listeners. New clients wait in the listen queues until the caller accepts them.
func (d *Doors) take() []net.Listener {
	close(d.taken)
	d.setDeadline(time.Unix(1, 0)) // long past
	d.acceptors.Wait()
	d.setDeadline(time.Time{})
	taken := d.listeners
	d.listeners = nil
	return taken
}

func (d *Doors) setDeadline(t time.Time) {
	for _, l := range d.listeners {
		if timed, ok := l.(interface{ SetDeadline(time.Time) error }); ok {
			_ = timed.SetDeadline(t)
		}
	}
}

// Close is for doors that are not given to a Server. It closes them and waits for the last answers.
func (d *Doors) Close() error {
	var err error
	for _, l := range d.take() {
		err = errors.Join(err, l.Close())
	}
	d.clients.Wait()
	return err
}
