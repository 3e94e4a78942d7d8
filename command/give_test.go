package command

import "testing"

func TestQuotaincrFullAnswersWhatAHeaderNeeds(t *testing.T) {
	runOurs(t, `
		QUOTAINCR k 5 60 FULL => *5¶:1¶:5¶:4¶:0¶:12000
		QUOTAINCR k 5 60 2 full => *5¶:1¶:5¶:2¶:0¶:36000
		QUOTAINCR k 5 60 3 FULL => *5¶:0¶:5¶:2¶:12000¶:36000
		QUOTAINCR k 5 60 6 FULL => *5¶:0¶:5¶:2¶:-1¶:36000
		QUOTAINCR k 5 60 0 FULL => *5¶:1¶:5¶:2¶:0¶:36000
		QUOTAINCR k 5 60 2 => :0
		QUOTAINCR k 5 60 FULL => *5¶:0¶:5¶:0¶:12000¶:60000
		+1
		QUOTAINCR k 5 60 FULL => *5¶:0¶:5¶:0¶:11999¶:59999
		QUOTAINCR k 2 60 FULL => *5¶:0¶:2¶:0¶:65999¶:95999
		QUOTAINCR new 5 500ms 0 FULL => *5¶:1¶:5¶:5¶:0¶:0
		EXISTS new => :0
		SET bytes abc => +OK
		QUOTAINCR bytes 5 60 FULL => -ERR the key holds a string: a quota can only replace a counter
	`)
}

// TestLookingTakesNothing checks the commands of docs/commands.md for looking at a quota.
func TestLookingTakesNothing(t *testing.T) {
	runOurs(t, `
		QUOTAINCR k 5 60 2 => :3
		GET k => $1¶3
		INCRBY k 0 => :3
		QUOTAGET k => *3¶:5¶:60¶:3
		QUOTAGET k FULL => *9¶:5¶:60¶:3¶:0¶:24000¶:5¶:3¶:0¶:0
		QUOTAINCR k 5 60 0 => :3
		QUOTAINCR k 5 60 0 FULL => *5¶:1¶:5¶:3¶:0¶:24000
		CL.THROTTLE k 4 5 60 0 => *5¶:0¶:5¶:3¶:-1¶:24
		GET k => $1¶3
		GET none => $-1
		QUOTAGET none => *-1
		QUOTAINCR none 5 60 0 => :5
		EXISTS none => :0
	`)
}

func TestQuotagiveGivesBackWhatIsUsedAndNoMore(t *testing.T) {
	runOurs(t, `
		QUOTASET q 10 100 => +OK
		INCRBY q 6 => :4
		QUOTAGIVE q 2 => :6
		QUOTAGIVE q 0 => :6
		QUOTAGIVE q 9223372036854775807 => :10
		QUOTAGIVE q 1 => :10
		INCRBY q 10 => :0
		+15000
		QUOTAGET q FULL => *9¶:10¶:100¶:1¶:0¶:85000¶:10¶:1¶:0¶:0
		QUOTAGIVE q 8 => :9
		QUOTAGIVE q 8 => :10
		QUOTAGET q FULL => *9¶:10¶:100¶:10¶:0¶:0¶:10¶:10¶:0¶:0
		INCRBY q 10 => :0
		QUOTASET q 4 100 => +OK
		QUOTAGIVE q 5 => :0
		QUOTASET q 10 100 => +OK
		QUOTAGIVE q 5 => :5
		QUOTADEL q => :1
		QUOTAGIVE q 1 => $-1
		INCR counter => :1
		QUOTAGIVE counter 1 => $-1
		GET counter => $1¶1
		SET bytes abc => +OK
		QUOTAGIVE bytes 1 => $-1
		QUOTAGIVE none 1 => $-1
		EXISTS none => :0
	`)
}

func TestATransientQuotaThatIsGivenBackWholeEnds(t *testing.T) {
	runOurs(t, `
		INCRBY t 42 => :42
		QUOTAINCR t 10 10 4 => :6
		QUOTAGIVE t 3 => :9
		TYPE t => +quota
		QUOTAGIVE t 1 => :10
		QUOTAGIVE t 1 => $-1
		GET t => $2¶42
		QUOTAINCR u 10 10 4 => :6
		DBSIZE => :2
		QUOTAGIVE u 4 => :10
		DBSIZE => :1
		MULTI => +OK
		QUOTAINCR u 10 10 FULL => +QUEUED
		QUOTAGIVE u 1 => +QUEUED
		QUOTAGIVE u 1 => +QUEUED
		QUOTAINCR u 10 10 2 => +QUEUED
		EXEC => *4¶*5¶:1¶:10¶:9¶:0¶:1000¶:10¶$-1¶:8
	`)
}
