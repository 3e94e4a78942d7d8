package resp

import "strings"

// stream is a client's bytes and what they mean.
type stream struct {
	name     string
	bytes    string
	commands [][]string
	err      string // without "Protocol error: "
	own      bool   // Redis takes it in another way
}

func cmd(words ...string) []string { return words }

// streams has commands that Redis answers without knowing more than their arguments: PING and ECHO.
var streams = []stream{
	{name: "nothing"},
	{name: "one command", bytes: "*1\r\n$4\r\nPING\r\n", commands: [][]string{cmd("PING")}},
	{name: "a pipeline", bytes: "*2\r\n$4\r\nECHO\r\n$1\r\na\r\n*1\r\n$4\r\nPING\r\n*2\r\n$4\r\nECHO\r\n$12\r\ntwelve bytes\r\n",
		commands: [][]string{cmd("ECHO", "a"), cmd("PING"), cmd("ECHO", "twelve bytes")}},
	{name: "any byte in an argument", bytes: "*2\r\n$4\r\nECHO\r\n$8\r\n\x00\r\n*$\xff\r\n\r\n",
		commands: [][]string{cmd("ECHO", "\x00\r\n*$\xff\r\n")}},
	{name: "an empty argument", bytes: "*2\r\n$4\r\nECHO\r\n$0\r\n\r\n", commands: [][]string{cmd("ECHO", "")}},
	{name: "a long argument", bytes: "*2\r\n$4\r\nECHO\r\n$3000\r\n" + strings.Repeat("x", 3000) + "\r\n",
		commands: [][]string{cmd("ECHO", strings.Repeat("x", 3000))}},
	{name: "no array", bytes: "*0\r\n*-1\r\n*-7\r\n*1\r\n$4\r\nPING\r\n", commands: [][]string{cmd("PING")}},
	{name: "line ends are not looked at", bytes: "*2\rx$4\rxECHOxx$1\r\naxx*1\r\n$4\r\nPING\r\n",
		commands: [][]string{cmd("ECHO", "a"), cmd("PING")}},
	{name: "an unfinished command", bytes: "*1\r\n$4\r\nPING\r\n*2\r\n$4\r\nECHO\r\n$3\r\nab", commands: [][]string{cmd("PING")}},
	{name: "an unfinished line", bytes: "*1\r\n$4\r\nPING\r\n*1\r\n$4\r", commands: [][]string{cmd("PING")}},
	{name: "lines that end with a line feed alone", bytes: "*1\n$4\nPING\n"},

	{name: "array length that is no number", bytes: "*x\r\n", err: "invalid multibulk length"},
	{name: "array length that is missing", bytes: "*\r\n", err: "invalid multibulk length"},
	{name: "array length with a plus", bytes: "*+1\r\n", err: "invalid multibulk length"},
	{name: "array length with a zero", bytes: "*01\r\n", err: "invalid multibulk length"},
	{name: "array length with a space", bytes: "* 1\r\n", err: "invalid multibulk length"},
	{name: "array length minus zero", bytes: "*-0\r\n", err: "invalid multibulk length"},
	{name: "array length beyond 31 bits", bytes: "*2147483648\r\n", err: "invalid multibulk length"},
	{name: "array length beyond 64 bits", bytes: "*18446744073709551617\r\n", err: "invalid multibulk length"},
	{name: "array length beyond ours", bytes: "*1048577\r\n", err: "invalid multibulk length", own: true},
	{name: "the largest array", bytes: "*1048576\r\n"},
	{name: "array length without end", bytes: "*" + strings.Repeat("1", 64<<10), err: "too big mbulk count string"},
	{name: "array length nearly without end", bytes: "*" + strings.Repeat("1", 64<<10-1)},
	{name: "error behind a command", bytes: "PING\r\n*1\r\n$4\r\nPING\r\n*x\r\n*1\r\n$4\r\nPING\r\n",
		commands: [][]string{cmd("PING"), cmd("PING")}, err: "invalid multibulk length"},

	{name: "no bulk string", bytes: "*1\r\n:4\r\nPING\r\n", err: "expected '$', got ':'"},
	{name: "no bulk string, a byte", bytes: "*1\r\n\xff4\r\n", err: "expected '$', got '\xff'"},
	{name: "no bulk string, a line feed", bytes: "*1\r\n\n\r\n", err: "expected '$', got ' '"},
	{name: "no bulk string, nothing", bytes: "*1\r\n\r\n", err: "expected '$', got ' '"},
	{name: "no bulk string, seen when the line ends", bytes: "*1\r\nPING"},
	{name: "bulk length that is no number", bytes: "*1\r\n$x\r\n", err: "invalid bulk length"},
	{name: "bulk length that is missing", bytes: "*1\r\n$\r\n", err: "invalid bulk length"},
	{name: "bulk length with a zero", bytes: "*1\r\n$04\r\nPING\r\n", err: "invalid bulk length"},
	{name: "bulk length minus one", bytes: "*1\r\n$-1\r\n", err: "invalid bulk length"},
	{name: "bulk length minus two", bytes: "*1\r\n$-2\r\n", err: "invalid bulk length"},
	{name: "bulk length beyond the limit", bytes: "*1\r\n$536870913\r\n", err: "invalid bulk length"},
	{name: "bulk length beyond 64 bits", bytes: "*1\r\n$99999999999999999999\r\n", err: "invalid bulk length"},
	{name: "the longest bulk", bytes: "*1\r\n$536870912\r\nx"},
	{name: "bulk length without end", bytes: "*1\r\n$" + strings.Repeat("1", 64<<10), err: "too big bulk count string"},
	{name: "a reply", bytes: "*2\r\n$4\r\nECHO\r\n*0\r\n", err: "expected '$', got '*'"},

	{name: "inline", bytes: "PING\r\nECHO a\n", commands: [][]string{cmd("PING"), cmd("ECHO", "a")}},
	{name: "empty lines", bytes: "\r\n\n  \t\r\nPING\r\n", commands: [][]string{cmd("PING")}},
	{name: "inline between arrays", bytes: "*1\r\n$4\r\nPING\r\nECHO a\r\n*1\r\n$4\r\nPING\r\n",
		commands: [][]string{cmd("PING"), cmd("ECHO", "a"), cmd("PING")}},
	{name: "white space", bytes: " \v\fECHO\t\fb\v \rPING\r\r\n", err: "", commands: [][]string{cmd("ECHO", "b\v", "PING")}, own: true},
	{name: "quotes", bytes: `ECHO "a\x41\n\r\t\b\a\q\"\\"` + "\nECHO 'a\\'b\\n\"'\n", commands: [][]string{
		cmd("ECHO", "aA\n\r\t\b\aq\"\\"), cmd("ECHO", `a'b\n"`)}},
	{name: "a quote within a word", bytes: "ECHO a\"b c\"\nECHO a'b c'\n", commands: [][]string{cmd("ECHO", "ab c"), cmd("ECHO", "ab c")}},
	{name: "empty quotes", bytes: "ECHO \"\"\nECHO ''\n", commands: [][]string{cmd("ECHO", ""), cmd("ECHO", "")}},
	{name: "half a hexadecimal", bytes: `ECHO "\x4"` + "\n", commands: [][]string{cmd("ECHO", "x4")}},
	{name: "unquoted escapes", bytes: "ECHO \\n\\\n", commands: [][]string{cmd("ECHO", "\\n\\")}},
	{name: "open double quote", bytes: "ECHO \"a\r\n", err: "unbalanced quotes in request"},
	{name: "open single quote", bytes: "ECHO 'a\r\n", err: "unbalanced quotes in request"},
	{name: "escaped closing quote", bytes: `ECHO "a\"` + "\n", err: "unbalanced quotes in request"},
	{name: "backslash at the end of the line", bytes: `ECHO "a\` + "\n", err: "unbalanced quotes in request"},
	{name: "text behind a closing quote", bytes: "ECHO \"a\"b\r\n", err: "unbalanced quotes in request"},
	{name: "an inline command nearly too long", bytes: "ECHO " + strings.Repeat("a", 64<<10-5) + "\n",
		commands: [][]string{cmd("ECHO", strings.Repeat("a", 64<<10-5))}},
	{name: "an inline command too long", bytes: strings.Repeat("a", 64<<10+1), err: "too big inline request"},
	{name: "an inline command too long, complete", bytes: "ECHO " + strings.Repeat("a", 64<<10) + "\n", err: "too big inline request", own: true},
	{name: "a zero byte in a line", bytes: "ECHO a\x00b\r\nPING\r\n", commands: [][]string{cmd("ECHO", "a\x00b"), cmd("PING")}, own: true},
	{name: "a zero byte in a length", bytes: "*1\x00\r\n", err: "invalid multibulk length", own: true},
}
