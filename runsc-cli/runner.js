// Runs one function: the event comes on standard input, the result goes to standard output as JSON,
// everything the function logs to standard error. Exit: 0, 1 for an exception, 2 without a handler.
'use strict';
const fs = require('fs');
const path = require('path');
const { pathToFileURL } = require('url');
const { Console } = require('console');

const file = path.resolve(process.argv[1]);
const out = fs.writeSync.bind(fs, 1);
globalThis.console = new Console({ stdout: process.stderr, stderr: process.stderr });

function fail(code, text) {
  fs.writeSync(2, text.endsWith('\n') ? text : text + '\n');
  process.exit(code);
}

async function load() {
  try {
    return require(file);
  } catch (err) {
    if (err.code !== 'ERR_REQUIRE_ESM' && !/Cannot use import|Unexpected token 'export'/.test(err.message)) throw err;
    return import(pathToFileURL(file));
  }
}

function handlerOf(mod) {
  const candidates = [mod && mod.handler, mod && mod.default && mod.default.handler, mod && mod.default, mod];
  return candidates.find((c) => typeof c === 'function');
}

async function main() {
  const text = fs.readFileSync(0, 'utf8');
  let event;
  try {
    event = text.trim() === '' ? {} : JSON.parse(text);
  } catch (err) {
    fail(2, `nv: the event is not JSON: ${err.message}`);
  }
  const handler = handlerOf(await load());
  if (!handler) fail(2, `nv: ${file} has no handler: export one, e.g. exports.handler = async (event, context) => ...`);
  const context = { functionName: path.basename(file).replace(/\.[cm]?js$/, ''), memoryLimitInMB: 0 };
  const result = await handler(event, context);
  const json = JSON.stringify(result === undefined ? null : result);
  let line = Buffer.from((json === undefined ? 'null' : json) + '\n');
  while (line.length > 0) line = line.subarray(out(line));
  process.exit(0);
}

main().catch((err) => fail(1, err && err.stack ? err.stack : String(err)));
