<?php
// The claims of phpredis: program.php host port [password]
[, $host, $port] = $argv;
$password = $argv[3] ?? null;

function connect(array $options = []): Redis {
    global $host, $port;
    $r = new Redis();
    $r->connect($host, (int)$port, 10, null, 0, 10, $options);
    return $r;
}

function equal($got, $want): void {
    if ($got !== $want) {
        throw new Exception(json_encode($got) . ', want ' . json_encode($want));
    }
}

function raises(string $text, callable $call): void {
    try {
        $call();
    } catch (RedisException $e) {
        equal(str_contains($e->getMessage(), $text) ?: $e->getMessage(), true);
        return;
    }
    throw new Exception("no RedisException $text");
}

// again: the first call after a lost connection may fail, the next one connects.
function again(callable $call) {
    try {
        return $call();
    } catch (RedisException $e) {
        return $call();
    }
}

// refuses: the call answers false, and the error is kept: phpredis raises only some.
function refuses(Redis $r, string $text, callable $call): void {
    $r->clearLastError();
    equal([$call(), str_contains((string)$r->getLastError(), $text) ?: $r->getLastError()], [false, true]);
}

$r = connect($password ? ['auth' => $password] : []);

$open = [
    'connects' => fn() => equal($r->ping(), true),

    'commands' => function () use ($r) {
        equal($r->set('k', 'v', ['ex' => 100]), true);
        equal($r->get('k'), 'v');
        equal($r->get('missing'), false);
        equal([$r->incr('n'), $r->incrBy('n', 5), $r->decr('n')], [1, 6, 5]);
        equal($r->expire('n', 100), true);
        equal($r->ttl('n') > 90, true);
        equal($r->mGet(['k', 'missing', 'n']), ['v', false, '5']);
        equal($r->set('k', 'w', ['nx']), false);
        equal($r->del('k', 'n'), 2);
    },

    'errors' => function () use ($r) {
        $r->set('text', 'abc');
        refuses($r, 'ERR value is not an integer or out of range', fn() => $r->incr('text'));
        refuses($r, "wrong number of arguments for 'get' command", fn() => $r->rawCommand('GET'));
        refuses($r, "unknown command 'NOSUCH'", fn() => $r->rawCommand('NOSUCH'));
    },

    'oom' => function () use ($r) {
        $r->set('some', str_repeat('x', 1000));
        $r->config('SET', 'maxmemory', '1');
        try {
            raises("OOM command not allowed when used memory > 'maxmemory'", fn() => $r->set('more', 'x'));
        } finally {
            $r->config('SET', 'maxmemory', '0');
        }
    },

    'pipeline' => function () use ($r) {
        equal($r->pipeline()->set('p', 1)->incr('p')->get('p')->exec(), [true, 2, '2']);
        equal($r->pipeline()->set('p', 'text')->incr('p')->get('p')->exec(), [true, false, 'text']);
    },

    'transaction' => function () use ($r) {
        equal($r->multi()->set('t', 1)->incr('t')->mGet(['t', 'missing'])->ttl('t')->exec(), [true, 2, ['2', false], -1]);
        equal($r->multi()->set('t', 'text')->incr('t')->exec(), [true, false]);
        $r->multi();
        $r->rawCommand('NOSUCH');
        equal($r->exec(), []);
    },

    'watch' => function () use ($r) {
        $r->del('w');
        $other = connect();
        $tries = [];
        do {
            $r->watch('w');
            $tries[] = (int)$r->get('w');
            if (count($tries) === 1) {
                $other->set('w', 10); // the conflict
            }
            $done = $r->multi()->set('w', end($tries) + 1)->exec();
        } while ($done === false);
        equal([$done, $tries, $r->get('w')], [[true], [0, 10], '11']);
    },

    'discard' => function () use ($r) {
        $r->multi()->set('d', 1);
        equal($r->discard(), true);
        equal($r->get('d'), false);
        equal([$r->watch('d'), $r->unwatch()], [true, true]);
    },

    'killed' => function () use ($r) {
        $c = connect();
        equal($r->rawCommand('CLIENT', 'KILL', 'ID', $c->client('id')), 1);
        equal($c->ping(), true);
    },

    'restarted' => function () use ($r) {
        echo "restart\n";
        fgets(STDIN);
        equal(again(fn() => $r->ping()), true);
    },

    'name' => function () use ($r) {
        $c = connect();
        equal($c->client('setname', 'named'), true);
        equal($c->client('getname'), 'named');
        $found = array_filter($r->client('list'), fn($x) => $x['name'] === 'named');
        equal(array_map('intval', array_column($found, 'id')), [(int)$c->client('id')]);
    },

    'scan' => function () use ($r) {
        $r->flushAll();
        $want = [];
        for ($i = 0; $i < 100; $i++) {
            $want["scan:$i"] = (string)$i;
        }
        $r->mSet($want);
        $found = [];
        $r->setOption(Redis::OPT_SCAN, Redis::SCAN_RETRY);
        for ($cursor = null; $keys = $r->scan($cursor, 'scan:*', 7);) {
            array_push($found, ...$keys);
        }
        sort($found);
        $want = array_keys($want);
        sort($want);
        equal($found, $want);
        equal(count($r->keys('scan:1*')), 11);
    },

    'info' => function () use ($r) {
        equal((int)$r->info()['connected_clients'] >= 1, true);
        equal(count(explode('.', $r->info('server')['redis_version'])), 3);
        $r->set('some', 1);
        equal(str_starts_with($r->info('keyspace')['db0'], "keys={$r->dbSize()},"), true);
    },

    'config' => function () use ($r) {
        equal($r->config('GET', 'maxmemory'), ['maxmemory' => '0']);
        equal($r->config('SET', 'slowlog-log-slower-than', '10000'), true);
    },

    'slowlog' => function () use ($r) {
        $r->config('SET', 'slowlog-log-slower-than', '0');
        $r->set('slow', 'log');
        $r->config('SET', 'slowlog-log-slower-than', '10000');
        equal(count(array_filter($r->slowlog('get', 10), fn($x) => $x[3] === ['SET', 'slow', 'log'])), 1);
        equal($r->slowlog('reset'), true);
    },

    'command' => function () use ($r) {
        $get = $r->command('info', 'get')[0];
        equal([$get[0], $get[1], in_array('readonly', $get[2])], ['get', 2, true]);
        equal($r->command('count'), count($r->command()));
    },

    'pool' => function () use ($r) { // eight processes, as under php-fpm
        $children = [];
        for ($i = 0; $i < 8; $i++) {
            if (($child = pcntl_fork()) === 0) {
                $c = connect();
                for ($n = 0; $n < 100; $n++) {
                    $c->incr('pool');
                }
                posix_kill(getmypid(), SIGKILL); // an exit would close the parent's connections
            }
            $children[] = $child;
        }
        foreach ($children as $child) {
            pcntl_waitpid($child, $status);
        }
        equal($r->get('pool'), '800');
    },
];

$locked = [
    'noauth' => function () {
        raises('NOAUTH Authentication required', fn() => connect()->get('k'));
        raises('WRONGPASS invalid username-password pair', fn() => connect()->auth('wrong'));
    },

    'password' => fn() => equal($r->set('k', 1), true),

    'user' => function () use ($r) {
        equal($r->acl('SETUSER', 'alice', 'on', '>word', '~a*', '+set'), true);
        $alice = connect(['auth' => ['alice', 'word']]);
        equal($alice->set('a1', 'x'), true);
        raises('NOPERM this user has no permissions to access one of the keys', fn() => $alice->set('b1', 'x'));
        raises("NOPERM this user has no permissions to run the 'incr' command", fn() => $alice->incr('a1'));
        equal($r->acl('DELUSER', 'alice'), 1);
    },
];

foreach ($password ? $locked : $open as $name => $claim) {
    try {
        $claim();
        echo "ok $name\n";
    } catch (Throwable $e) {
        echo "FAIL $name: ", get_class($e), ' ', strtr($e->getMessage(), "\n", ' '), "\n";
    }
}
