// What the programs of both libraries have in common.
'use strict';
const assert = require('node:assert');
const readline = require('node:readline');

const equal = (got, want) => assert.deepStrictEqual(got, want);

function isOneOf(got, wants) {
  assert(wants.includes(got), `${got}, want one of ${wants}`);
}

// rejects wants the promise to fail with an error of that name and with that text.
async function rejects(promise, name, text) {
  let error;
  try {
    await promise;
  } catch (e) {
    error = e;
  }
  assert(error, `no ${name}`);
  const shown = `${error.name}: ${error.message} ${(error.previousErrors || []).join(' ')}`;
  assert(error.name === name || error.constructor.name === name, `${shown}, want ${name}`);
  assert(shown.includes(text), `${shown}, want ${text}`);
}

// restart has the server killed and started again.
function restart() {
  const lines = readline.createInterface({ input: process.stdin });
  console.log('restart');
  return new Promise((resolve) => lines.once('line', () => { lines.close(); resolve(); }));
}

// run prints what becomes of each claim, calls the end, and leaves.
async function run(claims, end) {
  for (const [name, claim] of Object.entries(claims)) {
    try {
      await claim();
      console.log(`ok ${name}`);
    } catch (e) {
      console.log(`FAIL ${name}: ${e.name} ${e.message}`.replace(/\n/g, ' '));
    }
  }
  await end();
  process.exit(0);
}

module.exports = { equal, isOneOf, rejects, restart, run };
