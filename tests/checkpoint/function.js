// A function whose answers tell clones of its image apart, and what they share.
const crypto = require('crypto');
const fs = require('fs');

let calls = 0;
let ready = false;
let here = [];
const loaded = process.hrtime.bigint();

exports.init = async () => { ready = true; };

// Answers when so many callers are here at once.
function meet(number) {
  return new Promise((resolve) => {
    here.push(resolve);
    if (here.length < number) return;
    for (const go of here) go();
    here = [];
  });
}

exports.handler = async (event) => {
  calls++;
  if (event.fail) throw new Error(event.fail);
  if (event.exit !== undefined) process.exit(event.exit);
  if (event.sleep) await new Promise((r) => setTimeout(r, event.sleep));
  if (event.meet) await meet(event.meet);
  if (event.large) return 'x'.repeat(event.large);
  console.log('called');
  return {
    calls,
    ready,
    name: event.name,
    variable: process.env.NV_TEST,
    random: [Math.random(), crypto.randomUUID(), crypto.randomBytes(8).toString('hex'), crypto.randomInt(2 ** 47)],
    hostname: fs.readFileSync('/proc/sys/kernel/hostname', 'utf8').trim(),
    boot: fs.readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim(),
    generation: Number(fs.readFileSync('/proc/nv/generation', 'utf8')),
    monotonic: Number(process.hrtime.bigint() - loaded) / 1e9,
    wall: Date.now(),
  };
};
