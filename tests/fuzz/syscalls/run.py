#!/usr/bin/env python3
"""Random programs in the sandbox, and what is watched while they run.

usage: run.py NV PLATFORM GUEST SECONDS OUT [--seed N]      a campaign
       run.py NV PLATFORM GUEST --replay FILE               once more what a file tells
       run.py NV PLATFORM GUEST --reduce FILE               as few of its calls as still fail

Found are: a sentry that ends or a sanitizer that speaks, a canary that does not answer, descriptors and
memory of the sentry that grow while nothing runs. OUT gets a replay file for each, reduced if it repeats:
the seed of a program and the numbers of the calls that are made (all if there are none).
"""
import os
import re
import subprocess
import sys
import time

BATCH = 64           # programs between two looks at the sentry: guest.c
SETTLE = 4 * BATCH   # programs until caches are full
FDS_SLACK = 8
MEMORY_SLACK_KB = 16 << 10
PROGRAM_S = 60       # a guest that says nothing for so long hangs


def children(pid):
    out = []
    for task in os.listdir(f'/proc/{pid}/task'):
        out += open(f'/proc/{pid}/task/{task}/children').read().split()
    return [int(c) for c in out]


def sentry_of(pid):
    for c in children(pid):
        if open(f'/proc/{c}/comm').read().strip() == 'nv-sentry':
            return c
    return None


def usage(pid):
    status = open(f'/proc/{pid}/status').read()
    return len(os.listdir(f'/proc/{pid}/fd')), int(re.search(r'RssAnon:\s+(\d+)', status)[1])


class Watched:
    """One sandbox with the guest in it, its lines read with a limit of time."""

    def __init__(self, nv, platform, guest, arguments):
        self.errors = open('/tmp/nv-fuzz-errors.%d' % os.getpid(), 'w+b')
        self.nv = subprocess.Popen([nv, 'run', f'--platform={platform}', '--', guest] + arguments,
                                   stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.errors, bufsize=0)
        self.buffer = b''

    def line(self):
        import select
        end = time.time() + PROGRAM_S
        while b'\n' not in self.buffer:
            ready, _, _ = select.select([self.nv.stdout], [], [], max(0, end - time.time()))
            if not ready:
                return 'hang: nothing is heard of the sandbox'
            data = os.read(self.nv.stdout.fileno(), 65536)
            if not data:
                return None
            self.buffer += data
        line, self.buffer = self.buffer.split(b'\n', 1)
        return line.decode(errors='replace')

    def close(self):
        try:
            self.nv.stdin.close()
            self.nv.stdout.close()
            self.nv.wait(10)
        except subprocess.TimeoutExpired:
            self.nv.kill()
            self.nv.wait()
        self.errors.seek(0)
        text = self.errors.read().decode(errors='replace')
        self.errors.close()
        os.unlink(self.errors.name)
        return text


def failure(line, errors, code):
    """Why a run that ended, or said something odd, is a finding; '' if it is none."""
    if re.search(r'AddressSanitizer|LeakSanitizer|runtime error:|ended without an answer', errors):
        return next(l for l in errors.splitlines() if re.search('Sanitizer|runtime error|answer', l))
    if line and line.startswith('hang'):
        return line
    return '' if line == 'end' else f'nv ended with {code}: {errors.strip()[-300:]}'


def campaign(nv, platform, guest, seconds, out, seed):
    os.makedirs(out, exist_ok=True)
    end, programs, found = time.time() + seconds, 0, 0
    sanitized = b'__asan_init' in open(nv, 'rb').read()
    while time.time() < end:
        w, current, first, line = Watched(nv, platform, guest, [str(seed), '1000000']), seed, None, None
        while True:
            line = w.line()
            word = (line or '').split()
            if word[:1] == ['start']:
                current = int(word[1])
            elif word[:1] == ['done']:
                programs += 1
            elif word[:1] == ['quiet']:
                sentry = sentry_of(w.nv.pid)
                now = usage(sentry) if sentry else (0, 0)
                if int(word[1]) == SETTLE:
                    first = now
                if first and (now[0] > first[0] + FDS_SLACK or
                              (not sanitized and now[1] > first[1] + MEMORY_SLACK_KB)):
                    line = f'leak: {first} descriptors and KiB became {now} after {word[1]} programs'
                    break
                if time.time() >= end:
                    line = 'end'
                    break
                w.nv.stdin.write(b'\n')
            else:
                break
        leak = line if line and line.startswith('leak') else ''
        errors = w.close()
        why = leak or failure(line, errors, w.nv.returncode)
        if why:
            found += 1
            name = os.path.join(out, f'{platform}-{current}.replay')
            with open(name, 'w') as f:
                f.write(f'{current}\n')
            with open(name + '.log', 'w') as f:
                f.write(why + '\n' + errors)
            print(f'not ok  {platform} seed {current}: {why}\n        repeat: {name}', flush=True)
            if not leak:
                reduce(nv, platform, guest, name)
        seed = current + 1
    print(f'{platform}: {programs} programs, {found} findings; the next seed is {seed}')
    return 1 if found else 0


def fails(nv, platform, guest, seed, calls, tries=3):
    for _ in range(tries):
        w = Watched(nv, platform, guest, [str(seed), '1'] + [str(c) for c in calls])
        line = w.line()
        while line is not None and line != 'end' and not line.startswith('hang'):
            line = w.line()
        why = failure(line, w.close(), w.nv.returncode)
        if why:
            return why
    return ''


def load(path):
    words = open(path).read().split()
    return int(words[0]), [int(w) for w in words[1:]]


def replay(nv, platform, guest, path):
    seed, calls = load(path)
    why = fails(nv, platform, guest, seed, calls, 10)
    print(why or 'nothing happens')
    return 1 if why else 0


def reduce(nv, platform, guest, path):
    """Removes parts of the list, of half its size at first and then of smaller ones."""
    seed, calls = load(path)
    calls = calls or list(range(160))
    if not fails(nv, platform, guest, seed, calls):
        print('        it does not repeat alone')
        return 1
    part = max(1, len(calls) // 2)
    while True:
        i = 0
        while i < len(calls) and len(calls) > 1:
            rest = calls[:i] + calls[i + part:]
            if rest and fails(nv, platform, guest, seed, rest):
                calls = rest
            else:
                i += part
        if part == 1:
            break
        part //= 2
    with open(path, 'w') as f:
        f.write(f'{seed}\n{" ".join(map(str, calls))}\n')
    listing = subprocess.run([guest, str(seed)], env={'LIST': '1'}, capture_output=True, text=True).stdout
    for line in listing.splitlines():
        if int(line.split()[0]) in calls:
            print('        ' + line)
    return 0


def main():
    nv, platform, guest = sys.argv[1], sys.argv[2], os.path.abspath(sys.argv[3])
    if sys.argv[4] in ('--replay', '--reduce'):
        return (replay if sys.argv[4] == '--replay' else reduce)(nv, platform, guest, sys.argv[5])
    seed = int(sys.argv[7]) if sys.argv[6:7] == ['--seed'] else 1
    return campaign(nv, platform, guest, float(sys.argv[4]), sys.argv[5], seed)


sys.exit(main())
