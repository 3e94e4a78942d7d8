package command

import (
	"fmt"
	"strings"
)

// maxMissingBytes is the longest name in families.
const maxMissingBytes = 32

// families are the commands of Redis 7.2 that this server does not have: the reason, and the names. The error for such
// a command gives the reason. COMMAND does not show them. If a name here has a row, the row counts; so a name may stay
// here until its whole family exists.
func families() [][2]string {
	const keeps = "QuotaDB keeps counters, strings and quotas, no "
	return [][2]string{
		{keeps + "lists", "blmove blmpop blpop brpop brpoplpush lindex linsert llen lmove lmpop lpop lpos lpush lpushx lrange " +
			"lrem lset ltrim rpop rpoplpush rpush rpushx"},
		{keeps + "sets", "sadd scard sdiff sdiffstore sinter sintercard sinterstore sismember smembers smismember smove spop " +
			"srandmember srem sscan sunion sunionstore"},
		{keeps + "sorted sets", "bzmpop bzpopmax bzpopmin zadd zcard zcount zdiff zdiffstore zincrby zinter zintercard zinterstore " +
			"zlexcount zmpop zmscore zpopmax zpopmin zrandmember zrange zrangebylex zrangebyscore zrangestore zrank zrem " +
			"zremrangebylex zremrangebyrank zremrangebyscore zrevrange zrevrangebylex zrevrangebyscore zrevrank zscan zscore " +
			"zunion zunionstore"},
		{keeps + "hashes", "hdel hexists hget hgetall hincrby hincrbyfloat hkeys hlen hmget hmset hrandfield hscan hset hsetnx hstrlen hvals"},
		{keeps + "streams", "xack xadd xautoclaim xclaim xdel xgroup xinfo xlen xpending xrange xread xreadgroup xrevrange xsetid xtrim"},
		{keeps + "HyperLogLogs", "pfadd pfcount pfdebug pfmerge pfselftest"},
		{keeps + "places", "geoadd geodist geohash geopos georadius georadius_ro georadiusbymember georadiusbymember_ro geosearch geosearchstore"},
		{keeps + "lists or sets to sort", "sort sort_ro"},
		{"QuotaDB has of the commands on bits SETBIT, GETBIT, BITCOUNT and BITPOS only", "bitfield bitfield_ro bitop"},
		{"QuotaDB has no channels to publish to", "psubscribe publish pubsub punsubscribe spublish ssubscribe subscribe sunsubscribe unsubscribe"},
		{"QuotaDB runs no scripts", "eval eval_ro evalsha evalsha_ro fcall fcall_ro function script"},
		{"QuotaDB does not speak Redis's replication", "failover psync replconf replicaof role slaveof sync wait"},
		{"QuotaDB's values have another form than Redis's", "dump migrate restore restore-asking"},
		{"QuotaDB loads no modules", "module"},
		{"QuotaDB does not show what its clients do", "debug"},
	}
}

// missingCommands is the reason for each command of families, by name.
func missingCommands() map[string]string {
	why := make(map[string]string)
	for _, family := range families() {
		for name := range strings.FieldsSeq(family[1]) {
			why[name] = family[0]
		}
	}
	return why
}

// unknown is the error reply for a command that is not in the table.
func (s *Server) unknown(args [][]byte) string {
	if name := args[0]; len(name) <= maxMissingBytes {
		if why, ok := s.missing[strings.ToLower(string(name))]; ok {
			return fmt.Sprintf("ERR unknown command '%s': %s", name, why)
		}
	}
	return unknownCommand(args)
}
