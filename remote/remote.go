// Package remote talks to nodes as any client does: it is what the tools that look at a node from outside work with.
//
// The client library is go-redis, so that a tool sees what users' programs see; nothing here knows the protocol.
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

// Options say how nodes are reached.
type Options struct {
	User, Password string        // empty: no login
	Timeout        time.Duration // for one answer, the connection included
	Connections    int           // at most; 0: one
}

// Node is a node seen from outside. Its methods may be called by many goroutines.
type Node struct {
	addr   string
	client *redis.Client
}

// Silence turns off the log lines of the client library, which repeat what errors say. Call it before anything else.
func Silence() { logging.Disable() }

// Open prepares to talk to a node, at host:port or unix:/path. It connects when the first question is asked.
func Open(addr string, o Options) *Node {
	network, address := "tcp", addr
	if path, ok := strings.CutPrefix(addr, "unix:"); ok {
		network, address = "unix", path
	}
	client := redis.NewClient(&redis.Options{
		Network: network, Addr: address, Username: o.User, Password: o.Password, Dialer: dial(o), OnConnect: introduce,
		DialTimeout: o.Timeout, ReadTimeout: o.Timeout, WriteTimeout: o.Timeout, PoolTimeout: o.Timeout,
		PoolSize: max(o.Connections, 1), MaxRetries: -1, DialerRetries: 1, ContextTimeoutEnabled: true, DisableIdentity: true,
		// The library's own default asks each node for notices that only a hosted Redis has.
		MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
	})
	client.AddHook(greeting{})
	return &Node{addr, client}
}

// Close ends the connections.
func (n *Node) Close() error { return n.client.Close() }

// Addr is where the node is, as Open got it.
func (n *Node) Addr() string { return n.addr }

// Do sends one command and returns its answer; an error reply is an error.
func (n *Node) Do(ctx context.Context, command ...any) (any, error) {
	return n.client.Do(ctx, command...).Result()
}

// Pipeline sends commands in one write and waits for all their answers. It returns how many of them were error replies, and
// the first of these; or an error if the connection failed.
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

// Ping says how long the node took to answer PING. A node that answers with an error lives too, unless this error means that it does not serve yet
// or that the login is wrong: then it returns that error as refusal.
func (n *Node) Ping(ctx context.Context) (took time.Duration, refusal, err error) {
	begin := time.Now()
	err = n.client.Ping(ctx).Err()
	if isAlive(err) {
		refusal, err = err, nil
	}
	return time.Since(begin), refusal, err
}

// maxClients is how a node refuses a client that is one too many.
const maxClients = "ERR max number of clients reached"

// isAlive reports whether an error reply is one of a node that works, and that a restart would not help: it wants a password, this user may not run
// PING, all its connections are taken, or it refuses writes because its disk fails.
func isAlive(err error) bool {
	switch code, text := Reply(err); code {
	case "NOAUTH", "NOPERM", "MISCONF":
		return true
	default:
		return text == maxClients
	}
}

// WantsPassword reports whether an error is that the node answers only clients that have logged in.
func WantsPassword(err error) bool { code, _ := Reply(err); return code == "NOAUTH" }

// IsFull reports whether an error is that all connections of the node are taken.
func IsFull(err error) bool { _, text := Reply(err); return text == maxClients }

// Info is INFO with all sections: the fields by their names.
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

// Digest is CLUSTER DIGEST: the same text on nodes that store the same.
func (n *Node) Digest(ctx context.Context) (string, error) {
	return n.client.Do(ctx, "CLUSTER", "DIGEST").Text()
}
