# The claims of redis-py: program.py host port [password]
import sys
import threading

import redis

HOST, PORT = sys.argv[1], int(sys.argv[2])


def connect(**options):
    return redis.Redis(host=HOST, port=PORT, decode_responses=True, socket_timeout=10, **options)


def equal(got, want):
    if got != want:
        raise AssertionError(f"{got!r}, want {want!r}")


def raises(error, text, call, *args):
    try:
        call(*args)
    except error as e:
        if text not in str(e):
            raise AssertionError(f"{e!r}, want {text!r}")
        return
    raise AssertionError(f"no {error.__name__}")


def again(call):
    """The first call after a lost connection may fail, the next one connects."""
    try:
        return call()
    except redis.ConnectionError:
        return call()


def connects():
    equal(r.ping(), True)


def commands():
    equal(r.set("k", "v", ex=100), True)
    equal(r.get("k"), "v")
    equal(r.get("missing"), None)
    equal([r.incr("n"), r.incrby("n", 5), r.decr("n")], [1, 6, 5])
    equal(r.expire("n", 100), True)
    equal(90 < r.ttl("n") <= 100, True)
    equal(r.mget("k", "missing", "n"), ["v", None, "5"])
    equal(r.set("k", "w", nx=True), None)
    equal(r.delete("k", "n"), 2)


def errors():
    r.set("text", "abc")
    raises(redis.ResponseError, "value is not an integer or out of range", r.incr, "text")
    raises(redis.ResponseError, "wrong number of arguments for 'get' command", r.execute_command, "GET")
    raises(redis.ResponseError, "unknown command 'NOSUCH'", r.execute_command, "NOSUCH")


def oom():
    r.set("some", "x" * 1000)
    r.config_set("maxmemory", 1)
    try:
        raises(redis.ResponseError, "OOM command not allowed when used memory > 'maxmemory'", r.set, "more", "x")
    finally:
        r.config_set("maxmemory", 0)


def pipeline():
    with r.pipeline(transaction=False) as p:
        p.set("p", 1).incr("p").get("p")
        equal(p.execute(), [True, 2, "2"])
        p.set("p", "text").incr("p").get("p")
        results = p.execute(raise_on_error=False)
        equal([type(x) for x in results], [bool, redis.ResponseError, str])


def transaction():
    with r.pipeline(transaction=True) as p:
        p.set("t", 1).incr("t").get("t").mget("t", "missing").ttl("t")
        equal(p.execute(), [True, 2, "2", ["2", None], -1])
        p.set("t", "text").incr("t")
        raises(redis.ResponseError, "value is not an integer", p.execute)
        p.execute_command("NOSUCH")
        raises(redis.ResponseError, "unknown command", p.execute)


def watch():
    tries = []

    def add(p):
        n = int(p.get("w") or 0)
        tries.append(n)
        if len(tries) == 1:
            r.set("w", 10)  # the conflict
        p.multi()
        p.set("w", n + 1)

    r.delete("w")
    equal(r.transaction(add, "w"), [True])
    equal(tries, [0, 10])
    equal(r.get("w"), "11")


def discard():
    with connect(single_connection_client=True) as c:
        c.execute_command("MULTI")
        c.execute_command("SET", "d", 1)
        c.execute_command("DISCARD")
        equal(c.get("d"), None)
    with r.pipeline() as p:
        p.set("d", 1)
    equal(r.get("d"), None)


def killed():
    with connect(single_connection_client=True) as c:
        equal(r.client_kill_filter(_id=c.client_id()), 1)
        equal(again(c.ping), True)


def restarted():
    print("restart", flush=True)
    sys.stdin.readline()
    equal(again(r.ping), True)


def name():
    with connect(client_name="named", single_connection_client=True) as c:
        equal(c.client_getname(), "named")
        found = [x for x in r.client_list() if x["name"] == "named"]
        equal([int(x["id"]) for x in found], [c.client_id()])
        equal(c.client_info()["name"], "named")


def scan():
    r.flushall()
    r.mset({f"scan:{i}": i for i in range(100)})
    equal(sorted(r.scan_iter(match="scan:*", count=7)), sorted(f"scan:{i}" for i in range(100)))
    equal(len(r.keys("scan:1*")), 11)


def info():
    i = r.info()
    equal(type(i["redis_version"]), str)
    equal(i["connected_clients"] >= 1, True)
    equal(i["used_memory"] >= 0, True)
    r.set("some", 1)
    equal(r.info("keyspace")["db0"]["keys"], r.dbsize())


def config():
    equal(r.config_get("maxmemory"), {"maxmemory": "0"})
    equal(r.config_set("slowlog-log-slower-than", 10000), True)


def command():
    get = r.command()["get"]
    equal([get["arity"], get["first_key_pos"], "readonly" in get["flags"]], [2, 1, True])
    equal(r.command_count() == len(r.command()), True)
    equal(r.command_getkeys("MGET", "a", "b"), ["a", "b"])


def slowlog():
    r.config_set("slowlog-log-slower-than", 0)
    r.set("slow", "log")
    r.config_set("slowlog-log-slower-than", 10000)
    found = [x for x in r.slowlog_get(10) if x["command"] == b"SET slow log"]
    equal(len(found), 1)
    equal(found[0]["duration"] >= 0, True)
    equal(r.slowlog_len() >= 1, True)
    equal(r.slowlog_reset(), True)


def pool():
    pool = redis.BlockingConnectionPool(host=HOST, port=PORT, max_connections=4, timeout=20)
    c = redis.Redis(connection_pool=pool)
    threads = [threading.Thread(target=lambda: [c.incr("pool") for _ in range(100)]) for _ in range(8)]
    [t.start() for t in threads]
    [t.join() for t in threads]
    equal(c.get("pool"), b"800")
    pool.disconnect()


def noauth():
    raises(redis.AuthenticationError, "Authentication required", connect().get, "k")
    raises(redis.ResponseError, "WRONGPASS invalid username-password pair", connect(password="wrong").ping)


def password():
    equal(connect(password=sys.argv[3]).set("k", 1), True)


def user():
    r = connect(username="default", password=sys.argv[3])
    equal(r.acl_setuser("alice", enabled=True, passwords=["+word"], keys=["a*"], commands=["+set"]), True)
    alice = connect(username="alice", password="word")
    equal(alice.set("a1", "x"), True)
    raises(redis.exceptions.NoPermissionError, "keys used as arguments", alice.set, "b1", "x")
    raises(redis.exceptions.NoPermissionError, "'get' command", alice.get, "a1")
    equal(r.acl_deluser("alice"), 1)


OPEN = [connects, commands, errors, oom, pipeline, transaction, watch, discard, killed, restarted,
        name, scan, info, config, command, slowlog, pool]
LOCKED = [noauth, password, user]

r = connect()
for claim in LOCKED if len(sys.argv) > 3 else OPEN:
    try:
        claim()
        print("ok", claim.__name__, flush=True)
    except Exception as e:
        print(f"FAIL {claim.__name__}: {type(e).__name__} {e}".replace("\n", " "), flush=True)
