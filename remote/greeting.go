package remote

import (
	"context"
	"errors"
	"net"
	"strings"

	"github.com/redis/go-redis/v9"
)

// toolName is what CLIENT LIST shows of a tool.
const toolName = "quota-db-tool"

// refusedError is what a node says to a client that it does not serve, in place of a greeting.
type refusedError struct{ text string }

func (e *refusedError) Error() string { return e.text }

// greeting makes an error of the client library out of a refused HELLO. The library takes each error reply to HELLO for that of a server that does not
// know this command, goes on, and then shows only that the connection has ended.
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

// isUnknownHello reports whether a server is older than HELLO, and is talked to without it.
func isUnknownHello(reply string) bool {
	return strings.HasPrefix(reply, "NOPROTO") || strings.HasPrefix(reply, "ERR unknown command")
}

// introduce gives the connection a name in CLIENT LIST. It is an option of HELLO, as every user may run HELLO; CLIENT SETNAME needs a right.
func introduce(ctx context.Context, conn *redis.Conn) error {
	err := conn.Do(ctx, "HELLO", "3", "SETNAME", toolName).Err()
	if isReply(err) {
		return nil // the connection goes without a name
	}
	return err
}

// isReply reports whether it is the node itself that has refused something.
func isReply(err error) bool {
	var reply redis.Error
	return isOver(err) || errors.As(err, &reply) && !errors.Is(err, redis.Nil)
}

// isOver reports whether the node has refused the whole connection, and not one command on it.
func isOver(err error) bool {
	var refused *refusedError
	return errors.As(err, &refused)
}

// Reply is the node's own error, and its first word: NOAUTH, NOPERM, LOADING, ... Both are empty if the node has not answered.
func Reply(err error) (code, text string) {
	if !isReply(err) {
		return "", ""
	}
	text = err.Error()
	if at := strings.Index(text, ": "); at >= 0 && strings.HasPrefix(text, "failed to ") { // the client library's own words
		text = text[at+2:]
	}
	code, _, _ = strings.Cut(text, " ")
	return code, text
}

// Explain says in plain words why a node does not do what it was asked.
func Explain(err error) string {
	var timeout net.Error
	switch _, text := Reply(err); {
	case err == nil:
		return ""
	case text != "":
		return "it answers: " + text
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		return "it does not answer in time"
	}
	return "it cannot be reached: " + err.Error()
}
