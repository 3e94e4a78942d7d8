package command

import (
	"bytes"
	"fmt"
	"strconv"
	"testing"
)

// FuzzCommands runs any commands in any batches. Nothing may panic, and each command has exactly one well-formed reply,
// except commands that end the client. A line of the input is a command, with spaces between its words; an empty line
// ends a batch.
func FuzzCommands(f *testing.F) {
	for _, seed := range []string{
		"SET k v EX 10 GET\nGET k\n\nINCR k\nHELLO 3\nGET none\nMGET a b\nCOMMAND\nINFO all",
		"MSET a 1 b\nMSETNX a 1\nDEL a a\nSCAN 0 MATCH [a-\nKEYS *a*[^b]?\nCOMMAND DOCS\nCOMMAND GETKEYS mset a 1 b",
		"EXPIRE k -1 NX GT\nPEXPIREAT k 9223372036854775807\nTTL k\nEXPIRETIME k\nGETEX k PERSIST\nPERSIST k",
		"CONFIG SET maxmemory 1 timeout 5\nINCR k\nCONFIG GET *\nCLIENT LIST\nCLIENT SETINFO lib-name x\nCLIENT INFO",
		"INCRBY k 9223372036854775807\nINCR k\nDECRBY k -9223372036854775808\nSTRLEN k\nOBJECT ENCODING k\nMEMORY USAGE k",
		"RESET\nAUTH a\nSELECT 0\nFLUSHALL\nRANDOMKEY\nDBSIZE\nTIME\nECHO x\nPING\nQUIT\nPING",
		"HELLO 3\nCOMMAND DOCS get config|set\nCOMMAND GETKEYSANDFLAGS set a 1 get\nCOMMAND GETKEYSANDFLAGS object encoding k\nCOMMAND LIST FILTERBY PATTERN *|*",
		"CONFIG\nCONFIG NOSUCH\nCLIENT \nOBJECT HELP x\nMEMORY USAGE\nCLUSTER KEYSLOT\nCOMMAND INFO config|\nCOMMAND GETKEYS command getkeys get k",
		"SETRANGE k 5 abc\nAPPEND k 12\nGETRANGE k -3 -1\nSUBSTR k 0 99\nSETRANGE k 536870911 x\nAPPEND n 1\nINCR n\nSETRANGE n 0 -",
		"SETBIT k 4294967295 2\nSETBIT k 100 1\nGETBIT k 100\nBITCOUNT k -5 -1 BIT\nBITPOS k 0 1 2 BYTE\nBITPOS k 1 -1\nBITCOUNT k 1",
		"MSET a abcab b bacba\nLCS a b\nLCS a b IDX MINMATCHLEN 2 WITHMATCHLEN\nLCS a b LEN\nHELLO 3\nLCS a none IDX",
		"SET a 1 EX 5\nRENAME a b\nRENAMENX b b\nCOPY b c DB 0 REPLACE\nMOVE c 0\nSWAPDB 0 0\nQUOTASET q 5 5\nRENAME q b\nCOPY b q REPLACE\nAPPEND q x",
		"MEMORY STATS\nMEMORY DOCTOR\nMEMORY MALLOC-STATS\nOBJECT FREQ k\nOBJECT IDLETIME k\nLOLWUT VERSION 5\nLPUSH k v\nREADONLY\nCLUSTER MEET a b",
		"CONFIG SET slowlog-log-slower-than 0 latency-monitor-threshold 1\nAUTH a\nHELLO 3 AUTH\nSLOWLOG GET -1\nLATENCY HISTOGRAM\n\nLATENCY LATEST\nLATENCY GRAPH x",
		"WATCH k\nMULTI\nINCR k\nSCAN 0\nFLUSHALL\nEXEC\n\nMULTI\nFOO\nEXEC\nMULTI\nDISCARD\nEXEC\nUNWATCH\nMULTI\nMULTI\nWATCH a\nMONITOR\nEXEC\nRESET",
		"ACL SETUSER u on >p ~k +get\nAUTH u p\nGET k\nGET l\nSET k 1\nMULTI\nACL LIST\nEXEC\nRESET\nACL DELUSER u\nACL LOG\nACL DRYRUN default get k\nACL SETUSER u (+get",
		"CLIENT KILL ID 5 SKIPME no\nCLIENT LIST TYPE normal\nCLIENT UNBLOCK 1\nCLIENT TRACKINGINFO\nCLIENT NO-EVICT on\nCONFIG SET client-output-buffer-limit x\nCONFIG SET requirepass x\nPING",
		"SHUTDOWN ABORT\nSHUTDOWN\nPING", "PING\nPOST / HTTP/1.1\nHost: x", "CLUSTER INFO\nCOMMAND LIST FILTERBY ACLCAT string\nCONFIG HELP\nFOO \x00 \r\nX",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, input []byte) {
		b := newBench(t, nil)
		b.failures.rate.Capacity = 1_000_000               // so that no reply is delayed
		b.do("CONFIG", "SET", "proto-max-bulk-len", "1mb") // so that no offset makes a value of 512 MB
		for part := range bytes.SplitSeq(input, []byte("\n\n")) {
			var batch [][][]byte
			for line := range bytes.SplitSeq(part, []byte("\n")) {
				batch = append(batch, bytes.Split(line, []byte(" ")))
			}
			replies, turn := b.x.Run(b.client, batch, nil)
			n := 0
			for rest := replies; len(rest) > 0; n++ {
				size, err := replySize(rest, maxReplyDepth)
				if err != nil {
					t.Fatalf("reply %d of %q: %v in %q", n, batch, err, replies)
				}
				rest = rest[size:]
			}
			if turn.Next == Bye {
				if n > len(batch) {
					t.Fatalf("%d replies for %q", n, batch)
				}
				return
			}
			if turn.Wait > 0 { // CLIENT PAUSE
				b.pause.stop()
				b.x.Run(b.client, nil, nil)
				continue
			}
			if quiet := bytes.Contains(bytes.ToLower(input), []byte("reply")); n != len(batch) && !(quiet && n < len(batch)) {
				t.Fatalf("%d replies for %q: %q", n, batch, replies)
			}
			b.wall += 1000
		}
	})
}

// maxReplyDepth is the deepest nesting of a reply. The replies of COMMAND DOCS are the deepest.
const maxReplyDepth = 16

// replySize is the length of the reply that b begins with.
func replySize(b []byte, depth int) (int, error) {
	end := bytes.Index(b, []byte("\r\n"))
	if end < 1 {
		return 0, fmt.Errorf("no line")
	}
	line, size := string(b[1:end]), end+2
	switch b[0] {
	case '+', '-':
		if bytes.ContainsAny(b[:end], "\r\n") {
			return 0, fmt.Errorf("a line break in %q", line)
		}
		return size, nil
	case ',', '#':
		return size, nil
	case '_':
		if line != "" {
			return 0, fmt.Errorf("null with %q", line)
		}
		return size, nil
	}
	n, err := strconv.Atoi(line)
	if err != nil && b[0] != ':' {
		return 0, err
	}
	switch b[0] {
	case ':':
		_, err := strconv.ParseInt(line, 10, 64)
		return size, err
	case '$', '=':
		if n == -1 {
			return size, nil
		}
		if n < 0 || len(b) < size+n+2 || string(b[size+n:size+n+2]) != "\r\n" {
			return 0, fmt.Errorf("a bulk of %d bytes does not end", n)
		}
		return size + n + 2, nil
	case '*':
		if n == -1 {
			return size, nil
		}
	case '%':
		n *= 2
	case '~':
	default:
		return 0, fmt.Errorf("type %q", b[0])
	}
	if depth == 0 || n < 0 {
		return 0, fmt.Errorf("%d elements at depth %d", n, maxReplyDepth-depth)
	}
	for range n {
		element, err := replySize(b[size:], depth-1)
		if err != nil {
			return 0, err
		}
		size += element
	}
	return size, nil
}
