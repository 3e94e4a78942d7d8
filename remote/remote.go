// Package remote connects to nodes as clients do. The tools ping, status and bench use it.
//
// The client library is go-redis, so that tools see the same as users' programs. The package does not know the
// protocol.
package remote

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/logging"
	"github.com/redis/go-redis/v9/maintnotifications"
)

// Options are the options of the connections to a node.
type Options struct {
	User, Password string        // empty: no login
	Timeout        time.Duration // longest wait for one reply, connecting included
	Connections    int           // largest number of connections; 0: one
}

// Node is a node, as a client sees it. Many goroutines may call its methods.
type Node struct {
	addr   string
	client *redis.Client
}

// Silence turns off the log lines of the client library, which repeat the errors. Call it before anything else.
func Silence() { logging.Disable() }

// Open returns the node at host:port or unix:/path. It connects with the first command.
func Open(addr string, o Options) *Node {
	network, address := "tcp", addr
	if path, ok := strings.CutPrefix(addr, "unix:"); ok {
		network, address = "unix", path
	}
	client := redis.NewClient(&redis.Options{
		Network: network, Addr: address, Username: o.User, Password: o.Password, Dialer: dial(o), OnConnect: introduce,
		DialTimeout: o.Timeout, ReadTimeout: o.Timeout, WriteTimeout: o.Timeout, PoolTimeout: o.Timeout,
		PoolSize: max(o.Connections, 1), MaxRetries: -1, DialerRetries: 1, ContextTimeoutEnabled: true, DisableIdentity: true,
		// By default the library asks each node for notices that only a hosted Redis sends.
		MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
	})
	client.AddHook(greeting{})
	return &Node{addr, client}
}

// Close closes the connections.
func (n *Node) Close() error { return n.client.Close() }

// Addr is the address that was given to Open.
func (n *Node) Addr() string { return n.addr }

// Do sends one command and returns its reply. An error reply is an error.
func (n *Node) Do(ctx context.Context, command ...any) (any, error) {
	return n.client.Do(ctx, command...).Result()
}

// Pipeline sends commands in one write, and waits for all their replies. refused is the number of error replies, first
// the first of them. err is an error of the connection.
func (n *Node) Pipeline(ctx context.Context, commands [][]any) (refused int, first, err error) {
	p := n.client.Pipeline()
	for _, c := range commands {
		p.Do(ctx, c...)
	}
	answers, err := p.Exec(ctx)
	for _, a := range answers {
		switch err := a.Err(); {
		case err == nil, errors.Is(err, redis.Nil):
		case isReply(err) && !isOver(err):
			if refused++; first == nil {
				first = err
			}
		default:
			return refused, first, err
		}
	}
	if err != nil && (!isReply(err) || isOver(err)) && !errors.Is(err, redis.Nil) {
		return refused, first, err
	}
	return refused, first, nil
}

// Ping sends PING and returns the time until the reply. If the reply is an error of a node that is alive, Ping returns
// that error as refusal, and err is nil. An error reply of a node that does not serve yet, or that refuses the login,
// is err.
func (n *Node) Ping(ctx context.Context) (took time.Duration, refusal, err error) {
	begin := time.Now()
	err = n.client.Ping(ctx).Err()
	if isAlive(err) {
		refusal, err = err, nil
	}
	return time.Since(begin), refusal, err
}

// maxClients is the reply of a node that already has --max-connections clients.
const maxClients = "ERR max number of clients reached"

// isAlive reports whether an error is the reply of a node that works, so that a restart would not help: the node wants
// a password, this user may not run PING, all connections are taken, or the node refuses writes because its disk fails.
func isAlive(err error) bool {
	switch code, text := Reply(err); code {
	case "NOAUTH", "NOPERM", "MISCONF":
		return true
	default:
		return text == maxClients
	}
}

// WantsPassword reports whether err means that the client has to log in first.
func WantsPassword(err error) bool { code, _ := Reply(err); return code == "NOAUTH" }

// IsFull reports whether err means that all connections of the node are taken.
func IsFull(err error) bool { _, text := Reply(err); return text == maxClients }

// Info returns all sections of INFO: the values of the fields by their names.
func (n *Node) Info(ctx context.Context) (map[string]string, error) {
	text, err := n.client.Info(ctx, "everything").Result()
	if err != nil {
		return nil, err
	}
	fields := map[string]string{}
	for line := range strings.Lines(text) {
		if name, value, ok := strings.Cut(strings.TrimRight(line, "\r\n"), ":"); ok && !strings.HasPrefix(name, "#") {
			fields[name] = value
		}
	}
	return fields, nil
}

// Digest returns the reply to CLUSTER DIGEST: the same text on nodes that store the same data.
func (n *Node) Digest(ctx context.Context) (string, error) {
	return n.client.Do(ctx, "CLUSTER", "DIGEST").Text()
}
