package resp

import (
	"math"
	"strconv"
)

// The functions below append one reply, or the head of one, to dst and return it, as append does. Those whose reply
// differs between the protocols take proto, which is 2 or 3.

// proto3 is the first protocol with types of its own for null, maps, sets, booleans, doubles and pushes.
const proto3 = 3

// maxDigits is the longest decimal of an int64, sign included.
const maxDigits = 20

// AppendSimple appends a simple string. The text must have no line break; AppendBulkString is for any text.
func AppendSimple(dst []byte, text string) []byte {
	dst = append(dst, '+')
	dst = append(dst, text...)
	return append(dst, '\r', '\n')
}

// AppendError appends an error. The text is without the leading '-', but with the code ("ERR syntax error"). Line
// breaks, which only a client's own words can have brought, become spaces.
func AppendError(dst []byte, text string) []byte {
	dst = append(dst, '-')
	for i := range len(text) {
		c := text[i]
		if c == '\r' || c == '\n' {
			c = ' '
		}
		dst = append(dst, c)
	}
	return append(dst, '\r', '\n')
}

// AppendInt appends an integer.
func AppendInt(dst []byte, n int64) []byte { return appendHead(dst, ':', n) }

// AppendBulk appends a bulk string, which may be empty but is never null.
func AppendBulk(dst, b []byte) []byte {
	dst = appendHead(dst, '$', int64(len(b)))
	dst = append(dst, b...)
	return append(dst, '\r', '\n')
}

// AppendBulkString is AppendBulk for a string.
func AppendBulkString(dst []byte, s string) []byte {
	dst = appendHead(dst, '$', int64(len(s)))
	dst = append(dst, s...)
	return append(dst, '\r', '\n')
}

// AppendBulkInt appends a bulk string that is n in decimal.
func AppendBulkInt(dst []byte, n int64) []byte {
	var digits [maxDigits]byte
	return AppendBulk(dst, strconv.AppendInt(digits[:0], n, 10))
}

// AppendNull appends null: in RESP2, the null bulk string.
func AppendNull(dst []byte, proto int) []byte {
	if proto >= proto3 {
		return append(dst, "_\r\n"...)
	}
	return append(dst, "$-1\r\n"...)
}

// AppendNullArray appends null in place of an array: in RESP2, the null array.
func AppendNullArray(dst []byte, proto int) []byte {
	if proto >= proto3 {
		return append(dst, "_\r\n"...)
	}
	return append(dst, "*-1\r\n"...)
}

// AppendArray appends the head of an array; its n elements follow.
func AppendArray(dst []byte, n int) []byte { return appendHead(dst, '*', int64(n)) }

// AppendMap appends the head of a map; its n pairs, each key before its value, follow. In RESP2 they are an array.
func AppendMap(dst []byte, n, proto int) []byte {
	if proto >= proto3 {
		return appendHead(dst, '%', int64(n))
	}
	return appendHead(dst, '*', 2*int64(n))
}

// AppendSet appends the head of a set; its n elements follow. In RESP2 they are an array.
func AppendSet(dst []byte, n, proto int) []byte {
	if proto >= proto3 {
		return appendHead(dst, '~', int64(n))
	}
	return appendHead(dst, '*', int64(n))
}

// AppendPush appends the head of a message that answers no command; its n elements follow. In RESP2 they are an array.
func AppendPush(dst []byte, n, proto int) []byte {
	if proto >= proto3 {
		return appendHead(dst, '>', int64(n))
	}
	return appendHead(dst, '*', int64(n))
}

// AppendBool appends a boolean: in RESP2, 0 or 1.
func AppendBool(dst []byte, b bool, proto int) []byte {
	switch {
	case proto >= proto3 && b:
		return append(dst, "#t\r\n"...)
	case proto >= proto3:
		return append(dst, "#f\r\n"...)
	case b:
		return append(dst, ":1\r\n"...)
	}
	return append(dst, ":0\r\n"...)
}

// AppendDouble appends a number with 17 digits at most, as C's %.17g writes it: in RESP2, a bulk string.
func AppendDouble(dst []byte, f float64, proto int) []byte {
	var text [32]byte // "-1.7976931348623157e+308" has 24 bytes
	digits := text[:0]
	switch {
	case math.IsInf(f, 0):
		if f < 0 {
			digits = append(digits, '-')
		}
		digits = append(digits, "inf"...)
	case math.IsNaN(f):
		digits = append(digits, "nan"...)
	default:
		digits = strconv.AppendFloat(digits, f, 'g', 17, 64)
	}
	if proto >= proto3 {
		dst = append(dst, ',')
		dst = append(dst, digits...)
		return append(dst, '\r', '\n')
	}
	return AppendBulk(dst, digits)
}

// AppendVerbatim appends a text with its format, three letters such as "txt": in RESP2, a bulk string without it.
func AppendVerbatim(dst []byte, format, text string, proto int) []byte {
	if proto < proto3 {
		return AppendBulkString(dst, text)
	}
	dst = appendHead(dst, '=', int64(len(format)+1+len(text)))
	dst = append(dst, format...)
	dst = append(dst, ':')
	dst = append(dst, text...)
	return append(dst, '\r', '\n')
}

// appendHead appends a line of a type and a number.
func appendHead(dst []byte, kind byte, n int64) []byte {
	dst = append(dst, kind)
	dst = strconv.AppendInt(dst, n, 10)
	return append(dst, '\r', '\n')
}
