# The claims of redis-rb: program.rb host port [password]
require "redis"

HOST, PORT, PASSWORD = ARGV
$stdout.sync = true

def connect(**options)
  Redis.new(host: HOST, port: PORT.to_i, timeout: 10, **options)
end

def equal(got, want)
  raise "#{got.inspect}, want #{want.inspect}" unless got == want
end

def raises(error, text)
  yield
rescue error => e
  raise "#{e.inspect}, want #{text.inspect}" unless e.message.include?(text)
else
  raise "no #{error}"
end

R = connect(**(PASSWORD ? { password: PASSWORD } : {}))

OPEN = {
  connects: -> { equal R.ping, "PONG" },

  commands: lambda {
    equal R.set("k", "v", ex: 100), "OK"
    equal R.get("k"), "v"
    equal R.get("missing"), nil
    equal [R.incr("n"), R.incrby("n", 5), R.decr("n")], [1, 6, 5]
    equal R.expire("n", 100), true
    equal R.ttl("n").between?(90, 100), true
    equal R.mapped_mget("k", "missing", "n"), { "k" => "v", "missing" => nil, "n" => "5" }
    equal R.set("k", "w", nx: true), false
    equal R.del("k", "n"), 2
  },

  errors: lambda {
    R.set("text", "abc")
    raises(Redis::CommandError, "ERR value is not an integer or out of range") { R.incr("text") }
    raises(Redis::CommandError, "wrong number of arguments for 'get' command") { R.call("GET") }
    raises(Redis::CommandError, "unknown command 'NOSUCH'") { R.call("NOSUCH") }
  },

  oom: lambda {
    R.set("some", "x" * 1000)
    R.config(:set, "maxmemory", 1)
    begin
      raises(Redis::CommandError, "OOM command not allowed when used memory > 'maxmemory'") { R.set("more", "x") }
    ensure
      R.config(:set, "maxmemory", 0)
    end
  },

  pipeline: lambda {
    equal R.pipelined { |p| p.set("p", 1); p.incr("p"); p.get("p") }, ["OK", 2, "2"]
    raises(Redis::CommandError, "not an integer") { R.pipelined { |p| p.set("p", "text"); p.incr("p"); p.get("p") } }
  },

  transaction: lambda {
    results = R.multi { |m| m.set("t", 1); m.incr("t"); m.mget("t", "missing"); m.expire("t", 100) }
    equal results, ["OK", 2, ["2", nil], true]
    raises(Redis::CommandError, "not an integer") { R.multi { |m| m.set("t", "text"); m.incr("t") } }
    raises(Redis::CommandError, "unknown command") { R.multi { |m| m.call("NOSUCH") } }
  },

  watch: lambda {
    R.del("w")
    other = connect
    tries = []
    loop do
      done = R.watch("w") do
        tries << R.get("w").to_i
        other.set("w", 10) if tries.size == 1 # the conflict
        R.multi { |m| m.set("w", tries.last + 1) }
      end
      break equal(done, ["OK"]) if done
    end
    equal tries, [0, 10]
    equal R.get("w"), "11"
  },

  discard: lambda {
    equal [R.call("MULTI"), R.call("SET", "d", 1), R.call("DISCARD")], %w[OK QUEUED OK]
    equal R.get("d"), nil
    equal R.watch("d"), "OK"
    equal R.unwatch, "OK"
  },

  killed: lambda {
    c = connect
    equal R.client(:kill, "ID", c.call("CLIENT", "ID")), 1
    equal c.ping, "PONG"
  },

  restarted: lambda {
    puts "restart"
    $stdin.gets
    equal R.ping, "PONG"
  },

  name: lambda {
    c = connect(id: "named")
    equal c.client(:setname, "named"), "OK"
    equal c.client(:getname), "named"
    found = R.client(:list).select { |x| x["name"] == "named" }
    equal found.map { |x| x["id"].to_i }, [c.call("CLIENT", "ID")]
  },

  scan: lambda {
    R.flushall
    R.mset((0...100).flat_map { |i| ["scan:#{i}", i] })
    equal R.scan_each(match: "scan:*", count: 7).to_a.sort, (0...100).map { |i| "scan:#{i}" }.sort
    equal R.keys("scan:1*").size, 11
  },

  info: lambda {
    equal R.info["connected_clients"].to_i >= 1, true
    equal R.info["redis_version"].split(".").size, 3
    R.set("some", 1)
    equal R.info(:keyspace)["db0"].start_with?("keys=#{R.dbsize},"), true
    equal R.info(:commandstats)["set"]["calls"].to_i >= 1, true
  },

  config: lambda {
    equal R.config(:get, "maxmemory"), { "maxmemory" => "0" }
    equal R.config(:set, "slowlog-log-slower-than", 10_000), "OK"
  },

  slowlog: lambda {
    R.config(:set, "slowlog-log-slower-than", 0)
    R.set("slow", "log")
    R.config(:set, "slowlog-log-slower-than", 10_000)
    entry = R.slowlog(:get, 10).find { |x| x[3] == %w[set slow log] }
    equal entry[4].start_with?(HOST), true
    equal R.slowlog(:reset), "OK"
  },

  command: lambda {
    get = R.call("COMMAND", "INFO", "GET").first
    equal [get[0], get[1], get[2].include?("readonly")], ["get", 2, true]
  },

  pool: lambda { # one connection, which the library locks
    8.times.map { Thread.new { 100.times { R.incr("pool") } } }.each(&:join)
    equal R.get("pool"), "800"
  }
}.freeze

LOCKED = {
  noauth: lambda {
    raises(Redis::CommandError, "NOAUTH Authentication required") { connect.get("k") }
    raises(Redis::CommandError, "WRONGPASS invalid username-password pair") { connect(password: "wrong").ping }
  },

  password: -> { equal R.set("k", 1), "OK" },

  user: lambda {
    equal R.call("ACL", "SETUSER", "alice", "on", ">word", "~a*", "+get", "+set"), "OK"
    alice = connect(username: "alice", password: "word")
    equal alice.set("a1", "x"), "OK"
    raises(Redis::CommandError, "NOPERM this user has no permissions to access one of the keys") { alice.set("b1", "x") }
    raises(Redis::CommandError, "no permissions to run the 'incr' command") { alice.incr("a1") }
    equal R.call("ACL", "DELUSER", "alice"), 1
  }
}.freeze

(PASSWORD ? LOCKED : OPEN).each do |name, claim|
  claim.call
  puts "ok #{name}"
rescue StandardError => e
  puts "FAIL #{name}: #{e.class} #{e.message}".tr("\n", " ")
end
