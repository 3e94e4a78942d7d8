// Package remote talks to nodes as any client does: it is what the tools that look at a node from outside work with.
//
// The client library is go-redis, so that a tool sees what users' programs see; nothing here knows the protocol.
package remote

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/logging"
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
	return &Node{addr, redis.NewClient(&redis.Options{
		Network: network, Addr: address, Username: o.User, Password: o.Password, ClientName: "quota-db-tool",
		DialTimeout: o.Timeout, ReadTimeout: o.Timeout, WriteTimeout: o.Timeout, PoolTimeout: o.Timeout,
		PoolSize: max(o.Connections, 1), MaxRetries: -1, DialerRetries: 1, ContextTimeoutEnabled: true,
	})}
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
		case isReply(err):
			if refused++; first == nil {
				first = err
			}
		default:
			return refused, first, err
		}
	}
	if err != nil && !isReply(err) && !errors.Is(err, redis.Nil) {
		return refused, first, err
	}
	return refused, first, nil
}

// Ping says how long the node took to answer PING. A node that wants a password answers too: then wanted is true.
func (n *Node) Ping(ctx context.Context) (took time.Duration, wanted bool, err error) {
	begin := time.Now()
	err = n.client.Ping(ctx).Err()
	if WantsPassword(err) {
		wanted, err = true, nil
	}
	return time.Since(begin), wanted, err
}

// WantsPassword reports whether an error is that the node answers only clients that have logged in.
func WantsPassword(err error) bool { return isReply(err) && strings.HasPrefix(err.Error(), "NOAUTH") }

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

// isReply reports whether the node itself has refused a command, and the connection goes on.
func isReply(err error) bool {
	var reply redis.Error
	return errors.As(err, &reply) && !errors.Is(err, redis.Nil)
}

// Explain says in plain words why a node does not answer.
func Explain(err error) string {
	var timeout net.Error
	switch {
	case err == nil:
		return ""
	case isReply(err):
		return err.Error()
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		return "it does not answer in time"
	}
	return fmt.Sprintf("it cannot be reached: %v", err)
}
