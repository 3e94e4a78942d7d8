package main

import (
	"fmt"
	"io"
	"os/exec"
	"strings"
)

// limitKeys is how many buckets the rate limiting comparison goes over.
const limitKeys = 10_000

// Token buckets in Lua as people run them on Redis: tokens and time of the last refill in two keys, or in two fields of
// a hash. KEYS and ARGV: bucket, capacity, tokens per second, tokens wanted.
const (
	luaTwoKeys = `
local t = redis.call('TIME')
local now = t[1] + t[2] / 1000000
local capacity, rate, want = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local tokens = tonumber(redis.call('GET', KEYS[1] .. ':tokens')) or capacity
local last = tonumber(redis.call('GET', KEYS[1] .. ':at')) or now
tokens = math.min(capacity, tokens + (now - last) * rate)
local ok = tokens >= want
if ok then tokens = tokens - want end
local ttl = math.ceil(capacity / rate) * 2
redis.call('SET', KEYS[1] .. ':tokens', tokens, 'EX', ttl)
redis.call('SET', KEYS[1] .. ':at', now, 'EX', ttl)
if ok then return math.floor(tokens) end
return -1`

	luaHash = `
local t = redis.call('TIME')
local now = t[1] + t[2] / 1000000
local capacity, rate, want = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local state = redis.call('HMGET', KEYS[1], 'tokens', 'at')
local tokens = tonumber(state[1]) or capacity
local last = tonumber(state[2]) or now
tokens = math.min(capacity, tokens + (now - last) * rate)
local ok = tokens >= want
if ok then tokens = tokens - want end
redis.call('HMSET', KEYS[1], 'tokens', tokens, 'at', now)
redis.call('EXPIRE', KEYS[1], math.ceil(capacity / rate) * 2)
if ok then return math.floor(tokens) end
return -1`
)

// limitCosts is what one rate limiting decision costs in some way.
type limitCosts struct {
	name         string
	costs, rates []float64 // microseconds of CPU, and decisions a second, by round
}

// compareLimits prints what one rate limiting decision costs.
func compareLimits(out io.Writer, quota, redis *server, rounds int, scale float64) error {
	all, err := measureLimits(quota, redis, rounds, scale)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "%-18s %9s %11s   %s\n", "50 conn, P 16", "us", "rps", "INCR on a quota costs (min max)")
	for _, l := range all {
		fmt.Fprintf(out, "%-18s %9.3f %11.0f   %s\n", l.name, median(l.costs), median(l.rates), ratio(all[0].costs, l.costs))
	}
	return nil
}

// measureLimits measures INCR on a quota, INCR on a counter, QUOTAINCR, CL.THROTTLE, and two Lua token buckets on
// Redis. All admit every request: a refusal would be cheaper.
func measureLimits(quota, redis *server, rounds int, scale float64) ([]limitCosts, error) {
	err := quota.pipe(limitKeys, func(dst []byte, i int) []byte {
		return fmt.Appendf(dst, "QUOTASET quota:%012d 1000000000 60\r\n", i)
	})
	if err != nil {
		return nil, err
	}
	names := []string{"INCR on a quota", "INCR on a counter", "QUOTAINCR", "CL.THROTTLE", "Lua, two keys", "Lua, hash"}
	commands := [][]string{
		{"incr", "quota:__rand_int__"},
		{"incr", "counter:__rand_int__"},
		{"quotaincr", "client:__rand_int__", "1000000000", "60"},
		{"cl.throttle", "user:__rand_int__", "999999999", "1000000000", "60"},
	}
	for _, script := range []string{luaTwoKeys, luaHash} {
		sha, err := exec.Command("redis-cli", "-p", redis.port, "SCRIPT", "LOAD", script).Output()
		if err != nil {
			return nil, fmt.Errorf("load script: %w", err)
		}
		commands = append(commands, []string{"evalsha", strings.TrimSpace(string(sha)), "1", "bucket:__rand_int__", "1000000000", "16666666", "1"})
	}
	var sides []side
	for i, command := range commands {
		w := workload{names[i], []string{"-c", "50", "-P", "16"}, int(scale * 2_000_000), limitKeys, command}
		s := quota
		if command[0] == "evalsha" {
			s, w.requests = redis, int(scale*500_000)
		}
		sides = append(sides, side{server: s, workload: w})
	}
	costs, rates, err := alternate(sides, rounds)
	if err != nil {
		return nil, err
	}
	var all []limitCosts
	for i, s := range sides {
		all = append(all, limitCosts{s.name, costs[i], rates[i]})
	}
	return all, nil
}
