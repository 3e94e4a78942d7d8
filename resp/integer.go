package resp

import "math"

// maxIntDigits is the length of the largest int64.
const maxIntDigits = 19

// ParseInt reads an integer as strictly as Redis reads one in a value or an argument: only the text that it writes
// itself for the integer. An empty text, "+1", "-0", "01", " 1" and integers beyond 64 bits are not ok.
func ParseInt(b []byte) (n int64, ok bool) {
	if len(b) == 1 {
		if d := b[0] - '0'; d <= 9 {
			return int64(d), true
		}
		return 0, false
	}
	digits, negative := b, false
	if len(b) > 0 && b[0] == '-' {
		digits, negative = b[1:], true
	}
	if len(digits) == 0 || len(digits) > maxIntDigits || digits[0] == '0' {
		return 0, false
	}
	var u uint64 // 19 digits fit
	for _, c := range digits {
		d := c - '0'
		if d > 9 {
			return 0, false
		}
		u = u*10 + uint64(d)
	}
	if negative {
		return -int64(u), u <= -math.MinInt64
	}
	return int64(u), u <= math.MaxInt64
}
