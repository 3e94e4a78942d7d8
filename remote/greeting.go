package remote

import (
	"context"
	"errors"
	"net"
	"strings"

	"github.com/redis/go-redis/v9"
)

// toolName is the name of a tool's connection in CLIENT LIST.
const toolName = "quota-db-tool"

// refusedError is the error reply with which a node refuses a whole connection, in place of the reply to HELLO.
type refusedError struct{ text string }

func (e *refusedError) Error() string { return e.text }

// greeting is a hook of the client library that makes a refused HELLO an error. The library itself assumes that a
// server with an error reply to HELLO does not know this command. It continues, and then shows only that the connection
// ended.
type greeting struct{}

func (greeting) DialHook(next redis.DialHook) redis.DialHook { return next }

func (greeting) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}

func (greeting) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		err := next(ctx, cmd)
		if cmd.Name() != "hello" || !isReply(err) || isUnknownHello(err.Error()) {
			return err
		}
		return &refusedError{err.Error()}
	}
}

// isUnknownHello reports whether the server does not know HELLO, so that the connection works without it.
func isUnknownHello(reply string) bool {
	return strings.HasPrefix(reply, "NOPROTO") || strings.HasPrefix(reply, "ERR unknown command")
}

// introduce gives the connection a name in CLIENT LIST. It uses HELLO for that, because every user may run HELLO, while
// CLIENT SETNAME needs a right.
func introduce(ctx context.Context, conn *redis.Conn) error {
	err := conn.Do(ctx, "HELLO", "3", "SETNAME", toolName).Err()
	if isReply(err) {
		return nil // the connection has no name
	}
	return err
}

// isReply reports whether err is an error reply of the node.
func isReply(err error) bool {
	var reply redis.Error
	return isOver(err) || errors.As(err, &reply) && !errors.Is(err, redis.Nil)
}

// isOver reports whether the node has refused the whole connection, and not one command on it.
func isOver(err error) bool {
	var refused *refusedError
	return errors.As(err, &refused)
}

// Reply is the node's error reply, and its first word: NOAUTH, NOPERM, LOADING, ... Both are empty if err is no error
// reply.
func Reply(err error) (code, text string) {
	if !isReply(err) {
		return "", ""
	}
	text = err.Error()
	// The client library puts words of its own in front of some errors.
	if at := strings.Index(text, ": "); at >= 0 && strings.HasPrefix(text, "failed to ") {
		text = text[at+2:]
	}
	code, _, _ = strings.Cut(text, " ")
	return code, text
}

// Explain is the error of a command as a text for people; empty for nil.
func Explain(err error) string {
	var timeout net.Error
	switch _, text := Reply(err); {
	case err == nil:
		return ""
	case text != "":
		return "the node answers: " + text
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		return "the node does not answer in time"
	}
	return "the node cannot be reached: " + err.Error()
}
