package command

import (
	"strconv"
	"strings"
	"testing"
)

// runOurs runs a script of commands that Redis does not have. A line "+250" moves both clocks by 250 milliseconds.
func runOurs(t *testing.T, script string) {
	t.Helper()
	b := newBench(t, nil)
	for line := range strings.Lines(script) {
		line = strings.TrimSpace(line)
		if ms, ok := strings.CutPrefix(line, "+"); ok {
			n, err := strconv.ParseInt(ms, 10, 64)
			if err != nil {
				t.Fatal(err)
			}
			b.wall += n
			continue
		}
		for _, s := range parseScript(t, line) {
			if got := b.do(s.args...); got != s.want {
				t.Errorf("%s\ngot  %q\nwant %q", s.text, got, s.want)
			}
		}
	}
}

func TestQuotasTakeTokensAllOrNothing(t *testing.T) {
	runOurs(t, `
		QUOTASET q 10 60 => +OK
		TYPE q => +quota
		GET q => $2¶10
		QUOTAGET q => *3¶:10¶:60¶:10
		INCR q => :9
		INCRBY q 4 => :5
		INCRBY q 6 => :-1
		INCRBY q 11 => :-1
		INCRBY q 0 => :5
		INCRBY q 5 => :0
		INCR q => :-1
		GET q => $1¶0
		QUOTAGET q FULL => *9¶:10¶:60¶:0¶:6000¶:60000¶:10¶:0¶:0¶:0
		+5999
		INCR q => :-1
		+1
		INCR q => :0
		INCR q => :-1
		+60000
		QUOTAGET q full => *9¶:10¶:60¶:10¶:0¶:0¶:10¶:10¶:0¶:0
	`)
}

func TestQuotasRefuseWhatIsNotTaking(t *testing.T) {
	runOurs(t, `
		QUOTASET q 10 60 => +OK
		DECR q => -ERR the key holds a quota: INCR and INCRBY take tokens, QUOTAGIVE gives them back
		DECRBY q 1 => -ERR the key holds a quota: INCR and INCRBY take tokens, QUOTAGIVE gives them back
		DECRBY q 0 => -ERR the key holds a quota: INCR and INCRBY take tokens, QUOTAGIVE gives them back
		DECRBY q -1 => -ERR the key holds a quota: INCR and INCRBY take tokens, QUOTAGIVE gives them back
		INCRBY q -1 => -ERR the key holds a quota: INCR and INCRBY take tokens, QUOTAGIVE gives them back
		INCREX q => -ERR the key holds a quota: INCR and INCRBY take tokens, QUOTAGIVE gives them back
		GET q => $2¶10
		SET s abc => +OK
		QUOTASET s 1 1 => -ERR the key holds a string: a quota can only replace a counter
		QUOTAINCR s 1 1 => -ERR the key holds a string: a quota can only replace a counter
		CL.THROTTLE s 1 1 1 => -ERR the key holds a string: a quota can only replace a counter
		GET s => $3¶abc
		QUOTASET q 0 1 => -ERR a quota has from 1 to 1000000000000000 tokens
		QUOTASET q 1000000000000001 1 => -ERR a quota has from 1 to 1000000000000000 tokens
		QUOTASET q x 1 => -ERR a quota has from 1 to 1000000000000000 tokens
		QUOTASET q 1 0 => -ERR a quota's window is from 1ms to 1000000000 seconds: a number of seconds, or with a unit as 500ms, 60s, 5m or 1h
		QUOTASET q 1 1000000001 => -ERR a quota's window is from 1ms to 1000000000 seconds: a number of seconds, or with a unit as 500ms, 60s, 5m or 1h
		QUOTASET q 1 => -ERR wrong number of arguments for 'quotaset' command
		QUOTAINCR q 1 1 -1 => -ERR the number of tokens is not an integer or out of range
		QUOTAINCR q 1 1 1 1 => -ERR syntax error
		QUOTAINCR q 1 1 FULL 1 => -ERR syntax error
		QUOTAINCR q 1 1 FULL FULL => -ERR the number of tokens is not an integer or out of range
		QUOTAINCR q 1 1 1 1 FULL => -ERR syntax error
		QUOTAGIVE q -1 => -ERR the number of tokens is not an integer or out of range
		QUOTAGIVE q all => -ERR the number of tokens is not an integer or out of range
		QUOTAGIVE q => -ERR wrong number of arguments for 'quotagive' command
		QUOTAGET q WHAT => -ERR syntax error
		QUOTASET big 1000000000000000 1000000000 => +OK
		INCRBY big 999999999999999 => :1
	`)
}

func TestQuotasKeepTheCounterAndTheDeadline(t *testing.T) {
	runOurs(t, `
		INCRBY k 42 => :42
		PEXPIRE k 5000 => :1
		QUOTASET k 3 60 => +OK
		PTTL k => :5000
		INCR k => :2
		QUOTASET k 3 60 => +OK
		INCR k => :1
		QUOTASET k 5 60 => +OK
		GET k => $1¶3
		QUOTASET k 1 60 => +OK
		GET k => $1¶0
		QUOTADEL k => :1
		QUOTADEL k => :0
		GET k => $2¶42
		PTTL k => :5000
		QUOTAGET k => *-1
		QUOTASET k 3 60 => +OK
		+5000
		QUOTAGET k => *-1
		EXISTS k => :0
		INCR k => :1
		QUOTASET n 3 60 => +OK
		QUOTADEL n => :1
		EXISTS n => :0
	`)
}

func TestQuotasEndWithTheirKeyAndBeginFull(t *testing.T) {
	for _, end := range []string{"SET q 5 => +OK", "DEL q => :1", "FLUSHDB => +OK", "PEXPIRE q 0 => :1"} {
		runOurs(t, "QUOTASET q 3 60 => +OK\n INCRBY q 3 => :0\n"+end+"\n QUOTAGET q => *-1\n QUOTASET q 3 60 => +OK\n GET q => $1¶3")
	}
}

func TestTransientQuotasVanishOnceFull(t *testing.T) {
	runOurs(t, `
		QUOTAINCR t 10 10 => :9
		QUOTAINCR t 10 10 3 => :6
		QUOTAINCR t 10 10 7 => :-1
		QUOTAINCR t 10 10 0 => :6
		QUOTAGET t => *3¶:10¶:10¶:6
		TTL t => :-1
		+3999
		EXISTS t => :1
		+1
		EXISTS t => :0
		QUOTAINCR t 10 10 0 => :10
		EXISTS t => :0
		QUOTASET p 10 10 => +OK
		QUOTAINCR p 10 10 => :9
		+10000
		EXISTS p => :1
		QUOTAINCR p 5 10 => :4
		+10000
		QUOTAGET p => *3¶:5¶:10¶:5
	`)
}

func TestThrottleAnswersAsRedisCell(t *testing.T) {
	runOurs(t, `
		CL.THROTTLE u 4 1 1 6 => *5¶:1¶:5¶:5¶:-1¶:0
		CL.THROTTLE u 4 1 1 => *5¶:0¶:5¶:4¶:-1¶:1
		CL.THROTTLE u 4 1 1 => *5¶:0¶:5¶:3¶:-1¶:2
		CL.THROTTLE u 4 1 1 3 => *5¶:0¶:5¶:0¶:-1¶:5
		CL.THROTTLE u 4 1 1 => *5¶:1¶:5¶:0¶:1¶:5
		+3000
		CL.THROTTLE u 4 1 1 => *5¶:0¶:5¶:2¶:-1¶:3
		+100
		CL.THROTTLE u 4 1 1 => *5¶:0¶:5¶:1¶:-1¶:4
		CL.THROTTLE u 4 1 1 0 => *5¶:0¶:5¶:1¶:-1¶:4
		CL.THROTTLE u 4 1 1 5 => *5¶:1¶:5¶:1¶:4¶:4
		QUOTAGET u => *3¶:5¶:5¶:1
		CL.THROTTLE v 15 30 60 => *5¶:0¶:16¶:15¶:-1¶:2
		QUOTAGET v => *3¶:16¶:32¶:15
		CL.THROTTLE v 15 30 => -ERR wrong number of arguments for 'cl.throttle' command
		CL.THROTTLE v 15 30 60 1 1 => -ERR syntax error
		CL.THROTTLE v x 30 60 => -ERR value is not an integer or out of range
		CL.THROTTLE v -1 30 60 => -ERR max_burst is from 0 to 999999999999999
		CL.THROTTLE v 1 0 60 => -ERR count is from 1 to 1000000000000000 tokens
		CL.THROTTLE v 1 1 60 -1 => -ERR quantity cannot be negative: QUOTAGIVE gives tokens back
		CL.THROTTLE v 1 1 0 => -ERR period is from 1 to 1000000000 seconds
		CL.THROTTLE v 1000 1 1000000000 => -ERR the bucket would take longer than 1000000000 seconds to fill
		CL.THROTTLE v 1 1 500ms => -ERR value is not an integer or out of range
		CL.THROTTLE w 0 3 1 => *5¶:0¶:1¶:0¶:-1¶:1
		QUOTAGET w => *3¶:1¶:1¶:0
	`)
}

func TestIncrexCountsWithinBounds(t *testing.T) {
	runOurs(t, `
		INCREX k => *2¶:1¶:1
		INCREX k BYINT 5 => *2¶:6¶:5
		INCREX k BYINT -2 => *2¶:4¶:-2
		INCREX k BYINT 7 UBOUND 10 => *2¶:4¶:0
		INCREX k BYINT 7 UBOUND 10 SATURATE => *2¶:10¶:6
		INCREX k UBOUND 10 SATURATE => *2¶:10¶:0
		INCREX k BYINT -20 LBOUND 0 => *2¶:10¶:0
		INCREX k BYINT -20 LBOUND 0 SATURATE => *2¶:0¶:-10
		INCREX none UBOUND 0 => *2¶:0¶:0
		EXISTS none => :0
		SET k 9223372036854775807 => +OK
		INCREX k => *2¶:9223372036854775807¶:0
		INCREX k BYINT 5 SATURATE => *2¶:9223372036854775807¶:0
		SET k -9223372036854775808 => +OK
		INCREX k BYINT -1 => *2¶:-9223372036854775808¶:0
		INCREX k BYINT 1 LBOUND 9223372036854775807 SATURATE => -ERR applied increment would overflow
		GET k => $20¶-9223372036854775808
		INCREX low BYINT 1 LBOUND 10 => *2¶:0¶:0
		INCREX low BYINT 1 LBOUND 10 SATURATE => *2¶:10¶:10
		SET s abc => +OK
		INCREX s => -ERR value is not an integer or out of range
		INCREX k BYINT x => -ERR Increment is not an integer or out of range
		INCREX k LBOUND x => -ERR LBOUND is not an integer or out of range
		INCREX k UBOUND 12.5 => -ERR UBOUND is not an integer or out of range
		INCREX k BYFLOAT 1.5 => -ERR INCRBYFLOAT is not supported: counters are 64-bit integers
		INCREX k LBOUND 2 UBOUND 1 => -ERR LBOUND can't be greater than UBOUND
		INCREX k WHAT => -ERR syntax error
		INCREX k LBOUND => -ERR syntax error
		INCREX k ENX => -ERR ENX flag requires an expiration (EX, PX, EXAT or PXAT)
		INCREX k ENX PERSIST => -ERR syntax error
		INCREX k EX 5 PX 5 => -ERR syntax error
		INCREX k PERSIST EX 5 => -ERR syntax error
		INCREX k EX 0 => -ERR invalid expire time in 'increx' command
		SET k 9223372036854775800 => +OK
		INCREX k BYINT 1 SATURATE UBOUND -9223372036854775808 => -ERR applied increment would overflow
		GET k => $19¶9223372036854775800
	`)
}

func TestIncrexWhoseConditionDoesNotHoldAnswersTheValueAndZero(t *testing.T) {
	runOurs(t, `
		INCREX new XX => *2¶$-1¶:0
		EXISTS new => :0
		INCREX new NX => *2¶:1¶:1
		INCREX new NX => *2¶:1¶:0
		INCREX new NX EX 10 => *2¶:1¶:0
		TTL new => :-1
		INCREX new XX => *2¶:2¶:1
	`)
}

func TestIncrexTakesNoOptionTwice(t *testing.T) {
	for _, twice := range []string{"LBOUND 0 LBOUND 1", "UBOUND 9 UBOUND 8", "SATURATE SATURATE", "ENX ENX EX 10", "PERSIST PERSIST", "NX NX", "XX XX",
		"NX XX", "BYINT 1 BYINT 2", "EX 10 EX 20", "PX 10 PX 20", "EXAT 9999999999 EXAT 9999999998", "EX 10 PX 5000", "PERSIST EX 10"} {
		runOurs(t, "INCREX k "+twice+" => -ERR syntax error\nEXISTS k => :0")
	}
}

func TestIncrexSetsDeadlines(t *testing.T) {
	runOurs(t, `
		INCREX k EX 10 => *2¶:1¶:1
		PTTL k => :10000
		INCREX k => *2¶:2¶:1
		PTTL k => :10000
		INCREX k EX 20 ENX => *2¶:3¶:1
		PTTL k => :10000
		INCREX k BYINT 9 UBOUND 5 PX 7 => *2¶:3¶:0
		PTTL k => :10000
		INCREX k PX 700 => *2¶:4¶:1
		PTTL k => :700
		INCREX k PERSIST => *2¶:5¶:1
		PTTL k => :-1
		INCREX k EX 20 ENX => *2¶:6¶:1
		PTTL k => :20000
		INCREX k EXAT 1 => *2¶:7¶:1
		EXISTS k => :0
	`)
}

// TestALimitThatChangesForgetsNothing: tokens that were taken above a smaller limit are a debt, replies show that, and
// with the larger limit these tokens are still used.
func TestALimitThatChangesForgetsNothing(t *testing.T) {
	runOurs(t, `
		QUOTASET p 100 3600 => +OK
		INCRBY p 30 => :70
		QUOTASET p 10 3600 => +OK
		GET p => $1¶0
		INCR p => :-1
		QUOTAGET p FULL => *9¶:10¶:3600¶:0¶:1080000¶:4320000¶:10¶:0¶:0¶:0
		QUOTASET p 100 3600 => +OK
		GET p => $2¶70
		INCRBY p 71 => :-1
		INCRBY p 70 => :0
		QUOTAINCR f 10 100 10 => :0
		QUOTAINCR f 11 100 => :0
		QUOTAINCR f 10 100 => :-1
		QUOTAINCR f 11 100 => :-1
		QUOTAINCR f 10 100 0 => :0
		+9091
		QUOTAINCR f 11 100 => :0
		QUOTAINCR f 10 100 => :-1
	`)
}

func TestThrottleAnswersInDebt(t *testing.T) {
	runOurs(t, `
		CL.THROTTLE d 99 100 100 100 => *5¶:0¶:100¶:0¶:-1¶:100
		CL.THROTTLE d 9 10 100 => *5¶:1¶:10¶:0¶:100¶:190
		CL.THROTTLE d 9 10 100 11 => *5¶:1¶:10¶:0¶:-1¶:190
		CL.THROTTLE d 9 10 100 0 => *5¶:0¶:10¶:0¶:-1¶:190
		CL.THROTTLE d 99 100 100 => *5¶:1¶:100¶:0¶:1¶:100
		+30000
		CL.THROTTLE d 9 10 100 => *5¶:1¶:10¶:0¶:70¶:160
		CL.THROTTLE d 99 100 100 31 => *5¶:1¶:100¶:30¶:1¶:70
		CL.THROTTLE d 99 100 100 30 => *5¶:0¶:100¶:0¶:-1¶:100
		CL.THROTTLE d 9 10 100 => *5¶:1¶:10¶:0¶:100¶:190
		+90000
		CL.THROTTLE d 9 10 100 => *5¶:1¶:10¶:0¶:10¶:100
		+10000
		CL.THROTTLE d 9 10 100 => *5¶:0¶:10¶:0¶:-1¶:100
	`)
}
