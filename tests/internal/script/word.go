package script

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// word is one argument as written. A quoted word is literal even if it looks computed.
type word struct {
	text   string
	quoted bool
}

var errQuotes = errors.New("unbalanced quotes, or text right behind a closing quote")

// split cuts a line into words by redis-cli's quoting rules.
func split(line string) ([]word, error) {
	var words []word
	for {
		line = strings.TrimLeft(line, " \t")
		if line == "" {
			return words, nil
		}
		w, rest, err := cutWord(line)
		if err != nil {
			return nil, err
		}
		words, line = append(words, w), rest
	}
}

func cutWord(line string) (w word, rest string, err error) {
	quote := line[0]
	if quote != '"' && quote != '\'' {
		end := strings.IndexAny(line, " \t")
		if end < 0 {
			end = len(line)
		}
		return word{text: line[:end]}, line[end:], nil
	}
	var b strings.Builder
	for i := 1; i < len(line); i++ {
		switch {
		case line[i] == quote:
			rest = line[i+1:]
			if rest != "" && rest[0] != ' ' && rest[0] != '\t' {
				return w, "", errQuotes
			}
			return word{text: b.String(), quoted: true}, rest, nil
		case line[i] == '\\' && i+1 < len(line):
			i += escape(&b, line[i+1:], quote)
		default:
			b.WriteByte(line[i])
		}
	}
	return w, "", errQuotes
}

// escape writes what the text behind a backslash stands for and returns how many bytes that took.
func escape(b *strings.Builder, text string, quote byte) int {
	if quote == '\'' {
		if text[0] != '\'' {
			b.WriteByte('\\')
		}
		b.WriteByte(text[0])
		return 1
	}
	if text[0] == 'x' && len(text) >= 3 {
		if n, err := strconv.ParseUint(text[1:3], 16, 8); err == nil {
			b.WriteByte(byte(n))
			return 3
		}
	}
	if i := strings.IndexByte("nrtab", text[0]); i >= 0 {
		b.WriteByte("\n\r\t\a\b"[i])
	} else {
		b.WriteByte(text[0])
	}
	return 1
}

// expand computes a word in braces; every other word is itself.
func (w word) expand(now time.Time) (string, error) {
	inner, ok := strings.CutPrefix(w.text, "{")
	if w.quoted || !ok || !strings.HasSuffix(inner, "}") {
		return w.text, nil
	}
	inner = strings.TrimSuffix(inner, "}")
	if count, text, ok := strings.Cut(inner, "*"); ok {
		n, err := strconv.Atoi(count)
		if err != nil || n < 0 {
			return "", fmt.Errorf("count of %s", w.text)
		}
		return strings.Repeat(text, n), nil
	}
	base := now.Unix()
	offset, ok := strings.CutPrefix(inner, "nowms")
	if ok {
		base = now.UnixMilli()
	} else if offset, ok = strings.CutPrefix(inner, "now"); !ok {
		return "", fmt.Errorf("unknown computed word %s", w.text)
	}
	if offset == "" {
		return strconv.FormatInt(base, 10), nil
	}
	n, err := strconv.ParseInt(offset, 10, 64)
	if err != nil {
		return "", fmt.Errorf("offset of %s: %w", w.text, err)
	}
	return strconv.FormatInt(base+n, 10), nil
}
