package resp

// Kind is the type of a reply.
type Kind uint8

// The types of replies.
const (
	KindNull      Kind = iota
	KindNullArray      // null where an array was asked for
	KindInteger        // Int
	KindDouble         // Double
	KindBulk           // Text, any bytes
	KindSimple         // Text, a word such as OK
	KindVerbatim       // Text, for people
	KindError          // Text, its code first, as in "ERR syntax error"
	KindArray          // Items
	KindSet            // Items
	KindMap            // Items: each key before its value
)

// Value is one reply as a value, for callers inside the server. AppendValue makes the bytes for a client.
type Value struct {
	Kind   Kind
	Int    int64
	Double float64
	Text   string
	Items  []Value
}

// AppendValue appends a reply with all of its items.
func AppendValue(dst []byte, v Value, proto int) []byte {
	switch v.Kind {
	case KindNull:
		return AppendNull(dst, proto)
	case KindNullArray:
		return AppendNullArray(dst, proto)
	case KindInteger:
		return AppendInt(dst, v.Int)
	case KindDouble:
		return AppendDouble(dst, v.Double, proto)
	case KindBulk:
		return AppendBulkString(dst, v.Text)
	case KindSimple:
		return AppendSimple(dst, v.Text)
	case KindVerbatim:
		return AppendVerbatim(dst, "txt", v.Text, proto)
	case KindError:
		return AppendError(dst, v.Text)
	case KindArray:
		dst = AppendArray(dst, len(v.Items))
	case KindSet:
		dst = AppendSet(dst, len(v.Items), proto)
	case KindMap:
		dst = AppendMap(dst, len(v.Items)/2, proto)
	}
	for _, item := range v.Items {
		dst = AppendValue(dst, item, proto)
	}
	return dst
}
