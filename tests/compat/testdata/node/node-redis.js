// The claims of node-redis: node-redis.js host port [password]
'use strict';
const { createClient, createClientPool } = require('redis');
const { equal, rejects, isOneOf, run, restart } = require('./claims.js');

const [host, port, password] = process.argv.slice(2);
const clients = [];

async function connect(options = {}) {
  const c = createClient({ socket: { host, port: Number(port) }, ...options });
  c.on('error', () => {}); // the claims see what fails
  clients.push(c);
  return c.connect();
}

let r;

const open = {
  async connects() {
    r = await connect();
    equal(await r.ping(), 'PONG');
  },
  async commands() {
    equal(await r.set('k', 'v', { EX: 100 }), 'OK');
    equal(await r.get('k'), 'v');
    equal(await r.get('missing'), null);
    equal([await r.incr('n'), await r.incrBy('n', 5), await r.decr('n')], [1, 6, 5]);
    equal(await r.expire('n', 100), 1);
    isOneOf(await r.ttl('n'), [99, 100]);
    equal(await r.mGet(['k', 'missing', 'n']), ['v', null, '5']);
    equal(await r.set('k', 'w', { NX: true }), null);
    equal(await r.del(['k', 'n']), 2);
  },
  async errors() {
    await r.set('text', 'abc');
    await rejects(r.incr('text'), 'SimpleError', 'value is not an integer or out of range');
    await rejects(r.sendCommand(['GET']), 'SimpleError', "wrong number of arguments for 'get' command");
    await rejects(r.sendCommand(['NOSUCH']), 'SimpleError', "unknown command 'NOSUCH'");
  },
  async oom() {
    await r.set('some', 'x'.repeat(1000));
    await r.configSet('maxmemory', '1');
    try {
      await rejects(r.set('more', 'x'), 'SimpleError', "OOM command not allowed when used memory > 'maxmemory'");
    } finally {
      await r.configSet('maxmemory', '0');
    }
  },
  async pipeline() {
    equal(await r.multi().set('p', '1').incr('p').get('p').execAsPipeline(), ['OK', 2, '2']);
    equal(await Promise.all([r.set('p', '5'), r.incr('p'), r.get('p')]), ['OK', 6, '6']);
  },
  async transaction() {
    equal(await r.multi().set('t', '1').incr('t').get('t').mGet(['t', 'missing']).ttl('t').exec(), ['OK', 2, '2', ['2', null], -1]);
    await rejects(r.multi().set('t', 'text').incr('t').exec(), 'MultiErrorReply', '1 commands failed');
    await rejects(r.multi().addCommand(['NOSUCH']).exec(), 'SimpleError', "unknown command 'NOSUCH'");
  },
  async watch() {
    const c = await connect();
    await r.del('w');
    const tries = [];
    for (let done = false; !done;) {
      await c.watch('w');
      const n = Number(await c.get('w'));
      if (tries.push(n) === 1) await r.set('w', '10'); // the conflict
      try {
        await c.multi().set('w', String(n + 1)).exec();
        done = true;
      } catch (e) {
        equal(e.constructor.name, 'WatchError');
      }
    }
    equal(tries, [0, 10]);
    equal(await r.get('w'), '11');
  },
  async discard() {
    const c = await connect();
    await c.sendCommand(['MULTI']);
    await c.sendCommand(['SET', 'd', '1']);
    await c.sendCommand(['DISCARD']);
    equal(await c.get('d'), null);
  },
  async killed() {
    const c = await connect();
    const id = await c.clientId();
    equal(await r.clientKill({ filter: 'ID', id }), 1);
    for (let tries = 0; ; tries++) { // the first call after a lost connection may fail
      try {
        equal(await c.ping(), 'PONG');
        break;
      } catch (e) {
        if (tries === 3) throw e;
      }
    }
    isOneOf(await c.clientId() !== id, [true]);
  },
  async restarted() {
    await restart();
    equal(await r.ping(), 'PONG');
  },
  async name() {
    const c = await connect({ name: 'named' });
    equal(await c.clientGetName(), 'named');
    const found = (await r.clientList()).filter((x) => x.name === 'named');
    equal(found.map((x) => x.id), [await c.clientId()]);
    equal((await c.clientInfo()).name, 'named');
  },
  async scan() {
    await r.flushAll();
    const want = Array.from({ length: 100 }, (_, i) => `scan:${i}`).sort();
    await r.mSet(want.map((key) => [key, '1']));
    const got = new Set();
    for await (const keys of r.scanIterator({ MATCH: 'scan:*', COUNT: 7 })) keys.forEach((key) => got.add(key));
    equal([...got].sort(), want);
  },
  async info() {
    const text = await r.info();
    for (const field of ['redis_version:', 'connected_clients:', 'used_memory:', 'role:master']) {
      isOneOf(text.includes(field), [true]);
    }
  },
  async config() {
    equal({ ...await r.configGet('maxmemory') }, { maxmemory: '0' });
    equal(await r.configSet('slowlog-log-slower-than', '10000'), 'OK');
  },
  async command() {
    const [get] = await r.commandInfo(['get']);
    equal([get.name, get.arity, get.flags.has('readonly')], ['get', 2, true]);
    equal(await r.commandGetKeys(['MGET', 'a', 'b']), ['a', 'b']);
    equal(await r.commandCount(), (await r.command()).length);
  },
  async slowlog() {
    await r.configSet('slowlog-log-slower-than', '0');
    await r.set('slow', 'log');
    await r.configSet('slowlog-log-slower-than', '10000');
    const found = (await r.sendCommand(['SLOWLOG', 'GET', '10'])).filter((entry) => entry[3].join(' ') === 'SET slow log');
    equal(found.length, 1);
  },
  async pool() {
    const pool = createClientPool({ socket: { host, port: Number(port) } }, { minimum: 1, maximum: 8 });
    await pool.connect();
    await Promise.all(Array.from({ length: 800 }, () => pool.incr('pool')));
    equal(await r.get('pool'), '800');
    await pool.close();
  },
  async resp3() {
    const c = await connect({ RESP: 3 });
    equal(await c.get('missing'), null);
    equal({ ...await c.configGet('maxmemory') }, { maxmemory: '0' });
    equal(await c.multi().set('t', '1').get('t').exec(), ['OK', '1']);
  },
};

const locked = {
  async noauth() {
    const c = createClient({ socket: { host, port: Number(port), reconnectStrategy: false } });
    c.on('error', () => {});
    await rejects(c.connect().then(() => c.get('k')), 'SimpleError', 'NOAUTH');
    const wrong = createClient({ socket: { host, port: Number(port), reconnectStrategy: false }, password: 'wrong' });
    wrong.on('error', () => {});
    await rejects(wrong.connect(), 'SimpleError', 'WRONGPASS invalid username-password pair');
  },
  async password() {
    equal(await (await connect({ password })).set('k', '1'), 'OK');
  },
  async user() {
    const admin = await connect({ username: 'default', password });
    equal(await admin.aclSetUser('alice', ['on', '>word', '~a*', '+set', '+client']), 'OK');
    const alice = await connect({ username: 'alice', password: 'word' });
    equal(await alice.set('a1', 'x'), 'OK');
    await rejects(alice.set('b1', 'x'), 'SimpleError', 'NOPERM');
    await rejects(alice.get('a1'), 'SimpleError', "'get' command");
    alice.destroy();
    equal(await admin.aclDelUser('alice'), 1);
  },
};

run(password ? locked : open, () => clients.filter((c) => c.isOpen).forEach((c) => c.destroy()));
