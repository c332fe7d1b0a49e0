// Runs functions. Arguments: FILE, and for a warmed runtime its settings as JSON.
//
// Once: the event comes on standard input, the result goes to standard output as JSON. Exit: 0, 1
// for an exception, 2 without a handler.
// Warmed: the file is loaded, its init() and a few calls are made, then requests are read from
// /proc/nv/request, where the sandbox is saved; each is answered by "CODE\nRESULT\n" on
// /proc/nv/response. Requests with an "id" are worked on at once, and answered by
// "CODE ID\nRESULT\n".
// Whatever the function logs goes to standard error.
'use strict';
const fs = require('fs');
const path = require('path');
const { pathToFileURL } = require('url');
const { Console } = require('console');

const settings = process.argv[2] ? JSON.parse(process.argv[2]) : null;
globalThis.console = new Console({ stdout: process.stderr, stderr: process.stderr });

class Refused extends Error {}

async function load(file) {
  try {
    return require(file);
  } catch (err) {
    if (err.code !== 'ERR_REQUIRE_ESM' && !/Cannot use import|Unexpected token 'export'/.test(err.message)) throw err;
    return import(pathToFileURL(file));
  }
}

async function loadFunction(name) {
  const file = path.resolve(name);
  const mod = await load(file);
  const handler = [mod && mod.handler, mod && mod.default && mod.default.handler, mod && mod.default, mod]
    .find((c) => typeof c === 'function');
  if (!handler) throw new Refused(`nv: ${file} has no handler: export one, e.g. exports.handler = async (event, context) => ...`);
  const init = [mod && mod.init, mod && mod.default && mod.default.init].find((c) => typeof c === 'function');
  return { handler, init, context: { functionName: path.basename(file).replace(/\.[cm]?js$/, ''), memoryLimitInMB: 0 } };
}

async function call(fn, event, context) {
  const result = await fn.handler(event, { ...fn.context, ...context });
  const json = JSON.stringify(result === undefined ? null : result);
  return json === undefined ? 'null' : json;
}

const textOf = (err) => (err instanceof Refused ? err.message : String((err && err.stack) || err));
const codeOf = (err) => (err instanceof Refused ? 2 : 1);

function writeAll(fd, text) {
  let left = Buffer.from(text);
  while (left.length > 0) left = left.subarray(fs.writeSync(fd, left));
}

async function once(file) {
  const text = fs.readFileSync(0, 'utf8');
  let event;
  try {
    event = text.trim() === '' ? {} : JSON.parse(text);
  } catch (err) {
    throw new Refused(`nv: the event is not JSON: ${err.message}`);
  }
  writeAll(1, await call(await loadFunction(file), event, {}) + '\n');
  process.exit(0);
}

// --- what every clone of an image must have of its own ---
// Math.random() is replaced by a generator whose state can be set (sfc32: Chris Doty-Humphrey's
// PractRand); the numbers that node:crypto keeps ready are thrown away.
function randomness(nativeModule) {
  const crypto = require('crypto');
  const state = new Uint32Array(4);
  const next = () => {
    const t = (((state[0] + state[1]) | 0) + state[3]) | 0;
    state[3] = (state[3] + 1) | 0;
    state[0] = state[1] ^ (state[1] >>> 9);
    state[1] = (state[2] + (state[2] << 3)) | 0;
    state[2] = (state[2] << 21) | (state[2] >>> 11);
    state[2] = (state[2] + t) | 0;
    return t >>> 0;
  };
  Math.random = function random() {
    return ((next() >>> 5) * 67108864 + (next() >>> 6)) / 9007199254740992;
  };
  const used = { randomUUID: 0, randomInt: 0 };
  const { randomUUID, randomInt } = crypto;
  crypto.randomUUID = function (...args) { used.randomUUID = 1; return randomUUID(...args); };
  crypto.randomInt = function (...args) { used.randomInt = 1; return randomInt(...args); };
  let native = null;
  if (nativeModule) {
    const file = `/dev/shm/.nv-reseed-${process.pid}.node`;
    fs.writeFileSync(file, Buffer.from(nativeModule, 'base64'), { mode: 0o500 });
    try {
      const mod = { exports: {} };
      process.dlopen(mod, file);
      native = mod.exports.reseed;
    } finally {
      fs.unlinkSync(file);
    }
  }
  const reseed = () => {
    if (native && !native()) throw new Error('nv: OpenSSL could not be reseeded');
    crypto.randomFillSync(state);
    if (used.randomUUID) for (let i = 0; i < 128; i++) randomUUID();
    if (used.randomInt) for (let i = 0; i < 1024; i++) randomInt(2);
  };
  reseed();
  return reseed;
}

// --- requests ---
// Both read one request, which ends like a file. ahead() leaves the event loop free meanwhile.
function reader(file, size) {
  const fd = fs.openSync(file, 'r');
  let buf = Buffer.allocUnsafeSlow(size);
  let len = 0;
  const taken = (n) => { // false: there is more
    if (n === 0 && len > 0) return true;
    len += n;
    if (len === buf.length) buf = Buffer.concat([buf], buf.length * 2);
    return false;
  };
  const parse = () => {
    const request = JSON.parse(buf.toString('utf8', 0, len));
    len = 0;
    return request;
  };
  const next = () => {
    while (!taken(fs.readSync(fd, buf, len, buf.length - len, null)));
    return parse();
  };
  const ahead = (done) => fs.read(fd, buf, len, buf.length - len, null, (err, n) => {
    if (err) throw err;
    if (taken(n)) done(parse());
    else ahead(done);
  });
  return { next, ahead, close: () => fs.closeSync(fd) };
}

// Requests as they will come: what they run is then compiled, and has seen its objects, in the image.
let rehearsed; // shapes of objects live as long as one of them does
async function rehearse(handle, request, times) {
  const file = `/dev/shm/.nv-rehearsal-${process.pid}`;
  const out = fs.openSync('/dev/null', 'w');
  fs.writeFileSync(file, JSON.stringify(request), { mode: 0o600 });
  try {
    for (let i = 0; i < times; i++) {
      const requests = reader(file, 4096);
      rehearsed = requests.next();
      requests.close();
      const failure = await handle(rehearsed, out);
      if (failure) throw failure;
    }
  } finally {
    fs.unlinkSync(file);
    fs.closeSync(out);
  }
}

function collectGarbage() {
  require('v8').setFlagsFromString('--expose-gc');
  const gc = require('vm').runInNewContext('gc');
  gc();
  gc();
}

async function warmed(file) {
  const reseed = randomness(settings.reseed);
  let fn = null;
  const handle = async (request, out) => { // the exception, if there is one
    const head = (code) => (request.id === undefined ? `${code}\n` : `${code} ${request.id}\n`);
    let answer, failure = null;
    reseed();
    try {
      if (request.only) for (const name of Object.keys(process.env)) if (!(name in request.env)) delete process.env[name];
      Object.assign(process.env, request.env);
      if (request.cwd) process.chdir(request.cwd);
      if (request.file) fn = await loadFunction(request.file);
      answer = `${head(0)}${await call(fn, request.event, request.context)}\n`;
    } catch (err) {
      failure = err;
      answer = `${head(codeOf(err))}${textOf(err)}\n`;
    }
    fs.writeSync(out, answer);
    return failure;
  };
  if (file) {
    fn = await loadFunction(file);
    if (fn.init) await fn.init();
    await rehearse(handle, { event: settings.event, env: {} }, settings.calls);
  }
  const files = Object.keys(require.cache);
  if (file && !files.includes(path.resolve(file))) files.push(path.resolve(file));
  const response = fs.openSync('/proc/nv/response', 'w');
  fs.writeSync(response, `0\n${JSON.stringify({ version: process.version, program: process.execPath, files })}`);
  const requests = reader('/proc/nv/request', 65536);
  collectGarbage();
  const handleMany = (request) => {
    requests.ahead(handleMany);
    handle(request, response);
  };
  for (;;) {
    const request = requests.next();
    if (request.id !== undefined) return handleMany(request);
    await handle(request, response);
  }
}

(settings ? warmed(process.argv[1]) : once(process.argv[1])).catch((err) => {
  writeAll(2, textOf(err) + '\n');
  process.exit(codeOf(err));
});
