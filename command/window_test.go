package command

import (
	"fmt"
	"testing"
	"time"
)

func TestAWindowIsSecondsOrANumberWithAUnit(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"1": time.Second, "60": time.Minute, "1000000000": 1_000_000_000 * time.Second,
		"1ms": time.Millisecond, "500ms": 500 * time.Millisecond, "1500MS": 1500 * time.Millisecond, "1000000000000ms": 1_000_000_000 * time.Second,
		"60s": time.Minute, "1000000000s": 1_000_000_000 * time.Second, "5m": 5 * time.Minute, "16666666m": 16666666 * time.Minute,
		"2h": 2 * time.Hour, "2H": 2 * time.Hour, "277777h": 277777 * time.Hour,
	} {
		if got, ok := parseWindow([]byte(text)); !ok || got != want {
			t.Errorf("%q is %v, %v, want %v", text, got, ok, want)
		}
	}
	for _, text := range []string{
		"", "0", "0ms", "0s", "0m", "0h", "-1", "-5ms", "+5", "+5s", "1000000001", "1000000000001ms", "1000000001s", "16666667m", "277778h",
		"9223372036854775807h", "18446744073709551616", "18446744073710ms", "ms", "s", "m", "h", "1.5", "1.5s", "5 s", "5s ", " 5", "05", "1d", "5us", "1h30m", "1e3",
	} {
		if got, ok := parseWindow([]byte(text)); ok {
			t.Errorf("%q is %v, want an error", text, got)
		}
	}
}

// TestAWindowIsShownAsItWasSet: as a number of seconds, or as QUOTASET takes it.
func TestAWindowIsShownAsItWasSet(t *testing.T) {
	for set, shown := range map[string]string{
		"60": ":60", "500ms": "$5¶500ms", "1ms": "$3¶1ms", "1500ms": "$6¶1500ms", "2000ms": ":2", "90s": ":90", "5m": ":300", "1h": ":3600",
		"999999999999ms": "$14¶999999999999ms",
	} {
		runOurs(t, fmt.Sprintf(`
			QUOTASET q 7 %s => +OK
			QUOTAGET q => *3¶:7¶%s¶:7
			QUOTAINCR t 7 %[1]s 7 => :0
			QUOTAGET t => *3¶:7¶%[2]s¶:0
		`, set, shown))
	}
}

func TestTheSameWindowInAnotherUnitChangesNothing(t *testing.T) {
	runOurs(t, `
		QUOTASET q 10 2 => +OK
		INCRBY q 4 => :6
		QUOTASET q 10 2000ms => +OK
		QUOTAINCR q 10 2s => :5
		QUOTAGET q FULL => *9¶:10¶:2¶:5¶:0¶:1000¶:10¶:5¶:0¶:0
	`)
}

func TestWindowsBelowASecondRefillInTime(t *testing.T) {
	runOurs(t, `
		QUOTASET q 10 500ms => +OK
		INCRBY q 10 => :0
		QUOTAGET q FULL => *9¶:10¶$5¶500ms¶:0¶:50¶:500¶:10¶:0¶:0¶:0
		+49
		INCR q => :-1
		+1
		INCR q => :0
		+500
		GET q => $2¶10
		QUOTAINCR t 2 3ms 2 => :0
		+1
		QUOTAINCR t 2 3ms => :-1
		+1
		QUOTAINCR t 2 3ms => :0
		+3
		EXISTS t => :0
	`)
}
