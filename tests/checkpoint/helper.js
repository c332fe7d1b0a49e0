// A helper thread is busy for a while when the function is loaded.
'use strict';
const { Worker } = require('worker_threads');

const state = new Int32Array(new SharedArrayBuffer(4)); // 1: busy, 2: done
const helper = new Worker(`
  const state = require('worker_threads').workerData;
  Atomics.store(state, 0, 1);
  Atomics.notify(state, 0);
  const end = performance.now() + 300;
  while (performance.now() < end);
  Atomics.store(state, 0, 2);
`, { eval: true, workerData: state });
helper.unref();

exports.init = () => { Atomics.wait(state, 0, 0); };
exports.handler = () => ['not begun', 'busy', 'done'][Atomics.load(state, 0)];
