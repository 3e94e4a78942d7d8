// The claims of ioredis: ioredis.js host port [password]
'use strict';
const Redis = require('ioredis');
const { equal, rejects, isOneOf, run, restart } = require('./claims.js');

const [host, port, password] = process.argv.slice(2);
const clients = [];

function connect(options = {}) {
  const c = new Redis({ host, port: Number(port), ...options });
  c.on('error', () => {}); // the claims see what fails
  clients.push(c);
  return c;
}

const r = connect(password ? { lazyConnect: true } : {});

const open = {
  async connects() {
    equal(await r.ping(), 'PONG');
  },
  async commands() {
    equal(await r.set('k', 'v', 'EX', 100), 'OK');
    equal(await r.get('k'), 'v');
    equal(await r.get('missing'), null);
    equal([await r.incr('n'), await r.incrby('n', 5), await r.decr('n')], [1, 6, 5]);
    equal(await r.expire('n', 100), 1);
    isOneOf(await r.ttl('n'), [99, 100]);
    equal(await r.mget('k', 'missing', 'n'), ['v', null, '5']);
    equal(await r.set('k', 'w', 'NX'), null);
    equal(await r.del('k', 'n'), 2);
  },
  async errors() {
    await r.set('text', 'abc');
    await rejects(r.incr('text'), 'ReplyError', 'value is not an integer or out of range');
    await rejects(r.call('GET'), 'ReplyError', "wrong number of arguments for 'get' command");
    await rejects(r.call('NOSUCH'), 'ReplyError', "unknown command 'NOSUCH'");
  },
  async oom() {
    await r.set('some', 'x'.repeat(1000));
    await r.config('SET', 'maxmemory', 1);
    try {
      await rejects(r.set('more', 'x'), 'ReplyError', "OOM command not allowed when used memory > 'maxmemory'");
    } finally {
      await r.config('SET', 'maxmemory', 0);
    }
  },
  async pipeline() {
    equal(await r.pipeline().set('p', 1).incr('p').get('p').exec(), [[null, 'OK'], [null, 2], [null, '2']]);
    const results = await r.pipeline().set('p', 'text').incr('p').get('p').exec();
    equal(results.map(([err]) => err && err.name), [null, 'ReplyError', null]);
  },
  async transaction() {
    equal(await r.multi().set('t', 1).incr('t').get('t').mget('t', 'missing').ttl('t').exec(),
      [[null, 'OK'], [null, 2], [null, '2'], [null, ['2', null]], [null, -1]]);
    const results = await r.multi().set('t', 'text').incr('t').exec();
    equal(results.map(([err]) => err && err.name), [null, 'ReplyError']);
    await rejects(r.multi().call('NOSUCH').exec(), 'ReplyError', 'EXECABORT Transaction discarded because of previous errors');
  },
  async watch() {
    const c = connect();
    await r.del('w');
    const tries = [];
    for (let done = null; !done;) {
      await c.watch('w');
      const n = Number(await c.get('w'));
      if (tries.push(n) === 1) await r.set('w', 10); // the conflict
      done = await c.multi().set('w', n + 1).exec();
    }
    equal(tries, [0, 10]);
    equal(await r.get('w'), '11');
  },
  async discard() {
    const c = connect();
    await c.multi({ pipeline: false });
    await c.set('d', 1);
    await c.discard();
    equal(await c.get('d'), null);
  },
  async killed() {
    const c = connect();
    const id = await c.client('ID');
    equal(await r.client('KILL', 'ID', id), 1);
    equal(await c.ping(), 'PONG'); // it connects again by itself, and sends what was not answered again
    isOneOf(await c.client('ID') !== id, [true]);
  },
  async restarted() {
    await restart();
    equal(await r.ping(), 'PONG');
  },
  async name() {
    const c = connect({ connectionName: 'named' });
    equal(await c.client('GETNAME'), 'named');
    const id = await c.client('ID');
    const found = (await r.client('LIST')).split('\n').filter((line) => line.includes(' name=named '));
    equal(found.map((line) => line.split(' ')[0]), [`id=${id}`]);
  },
  async scan() {
    await r.flushall();
    const want = Array.from({ length: 100 }, (_, i) => `scan:${i}`).sort();
    await r.mset(Object.fromEntries(want.map((key) => [key, 1])));
    const got = new Set();
    for await (const keys of r.scanStream({ match: 'scan:*', count: 7 })) keys.forEach((key) => got.add(key));
    equal([...got].sort(), want);
  },
  async info() {
    const text = await r.info();
    for (const field of ['redis_version:', 'connected_clients:', 'used_memory:', 'role:master']) {
      isOneOf(text.includes(field), [true]);
    }
  },
  async config() {
    equal(await r.config('GET', 'maxmemory'), ['maxmemory', '0']);
    equal(await r.config('SET', 'slowlog-log-slower-than', 10000), 'OK');
  },
  async command() {
    const [get] = await r.command('INFO', 'get');
    equal(get.slice(0, 2), ['get', 2]);
    equal(await r.command('GETKEYS', 'MGET', 'a', 'b'), ['a', 'b']);
    equal(await r.command('COUNT'), (await r.command()).length);
  },
  async slowlog() {
    await r.config('SET', 'slowlog-log-slower-than', 0);
    await r.set('slow', 'log');
    await r.config('SET', 'slowlog-log-slower-than', 10000);
    const found = (await r.slowlog('GET', 10)).filter((entry) => entry[3].join(' ') === 'set slow log');
    equal(found.length, 1);
    equal(await r.slowlog('RESET'), 'OK');
  },
  async pool() {
    const many = Array.from({ length: 8 }, () => connect());
    await Promise.all(many.map(async (c) => { for (let i = 0; i < 100; i++) await c.incr('pool'); }));
    equal(await r.get('pool'), '800');
  },
};

const locked = {
  async noauth() {
    await rejects(connect({ enableReadyCheck: false, retryStrategy: null }).get('k'), 'ReplyError', 'NOAUTH');
    await rejects(connect({ password: 'wrong', retryStrategy: null }).get('k'), 'ReplyError', 'WRONGPASS');
  },
  async password() {
    equal(await connect({ password }).set('k', 1), 'OK');
  },
  async user() {
    const admin = connect({ username: 'default', password });
    equal(await admin.acl('SETUSER', 'alice', 'on', '>word', '~a*', '+set', '+info'), 'OK');
    const alice = connect({ username: 'alice', password: 'word' });
    equal(await alice.set('a1', 'x'), 'OK');
    await rejects(alice.set('b1', 'x'), 'ReplyError', 'NOPERM');
    await rejects(alice.get('a1'), 'ReplyError', "'get' command");
    alice.disconnect();
    equal(await admin.acl('DELUSER', 'alice'), 1);
  },
};

run(password ? locked : open, () => clients.forEach((c) => c.disconnect()));
