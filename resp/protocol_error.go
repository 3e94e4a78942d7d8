package resp

// ProtocolError tells why a client's bytes are not RESP, or exceed Limits. If Redis has a text for the case, it is that
// text: the reply is "-ERR " followed by Error(). The error is final: the rest of the stream has no meaning.
type ProtocolError struct {
	text string
}

// Error returns the text for the client. It has no line breaks.
func (e *ProtocolError) Error() string { return e.text }

// Every text that a Reader can return, except that of notBulkError.
var (
	errMultibulkLength = &ProtocolError{"Protocol error: invalid multibulk length"}
	errLockedMultibulk = &ProtocolError{"Protocol error: unauthenticated multibulk length"}
	errLockedBulk      = &ProtocolError{"Protocol error: unauthenticated bulk length"}
	errMultibulkLine   = &ProtocolError{"Protocol error: too big mbulk count string"}
	errBulkLength      = &ProtocolError{"Protocol error: invalid bulk length"}
	errBulkLine        = &ProtocolError{"Protocol error: too big bulk count string"}
	errInlineLength    = &ProtocolError{"Protocol error: too big inline request"}
	errInlineQuotes    = &ProtocolError{"Protocol error: unbalanced quotes in request"}

	// Redis has no text for these two: it closes the connection without a reply.
	errCommandLength = &ProtocolError{"Protocol error: too big request"}
	errUnreadInput   = &ProtocolError{"Protocol error: too much unread input"}
)

// notBulkError is for an argument that begins with got instead of '$'.
func notBulkError(got byte) *ProtocolError {
	if got == '\r' || got == '\n' {
		got = ' ' // as Redis: the reply is one line
	}
	return &ProtocolError{"Protocol error: expected '$', got '" + string([]byte{got}) + "'"}
}
