#!/usr/bin/env python3
"""Random programs in the sandbox, and what is watched while they run.

usage: run.py NV PLATFORM GUEST SECONDS OUT [--seed N] [--mode NAME]   a campaign
       run.py NV PLATFORM GUEST --replay FILE               once more what a file tells
       run.py NV PLATFORM GUEST --reduce FILE               as few of its calls as still fail

Found are: a sentry that ends or a sanitizer that speaks, a canary that does not answer, descriptors and
memory of the sentry, or processes, that grow while nothing runs. A finding does not end a campaign. OUT gets a replay file for each, reduced if it repeats:
the seed of a program, the mode of the sandbox and the numbers of the calls that are made (all if there are
none). OUT/PLATFORM.coverage tells how often each call was made and succeeded, those that never did first.
"""
import os
import re
import select
import subprocess
import sys
import tempfile
import time

BATCH = 64           # programs between two looks at the sentry: guest.c
SETTLE = 4 * BATCH   # programs until caches are full
SANDBOX = 32 * BATCH # programs of one sandbox, of which the next has other options
FDS_SLACK = 8
MEMORY_SLACK_KB = 16 << 10
PROGRAM_S = 60       # a guest that says nothing for so long hangs
KEPT = 64            # findings whose files are kept
MODES = {            # name: options of nv run
    'plain': [],
    'io-uring': ['--io-uring'],
    'eager': ['--io-uring', '--patch=eager'],
    'moved': ['--io-uring', '--checkpoint-every', '1500'],
    'no-patch': ['--no-patch', '--cpus', '1'],
}


def children(pid):
    out = []
    for task in os.listdir(f'/proc/{pid}/task'):
        out += open(f'/proc/{pid}/task/{task}/children').read().split()
    return [int(c) for c in out]


def named(pid, name):
    try:
        return open(f'/proc/{pid}/comm').read().strip() == name
    except OSError:
        return False


def sentry_of(pid):
    return next((c for c in children(pid) if named(c, 'nv-sentry')), None)


def usage(pid):
    """Descriptors, KiB of memory, processes of the sandbox; None when it has ended."""
    try:
        rss = re.search(r'RssAnon:\s+(\d+)', open(f'/proc/{pid}/status').read())
        return (len(os.listdir(f'/proc/{pid}/fd')), int(rss[1]), len(children(pid))) if rss else None
    except OSError:
        return None


def descriptors(pid):
    names = []
    for fd in os.listdir(f'/proc/{pid}/fd'):
        try:
            names.append(re.sub(r'[0-9]+', '', os.readlink(f'/proc/{pid}/fd/{fd}')))
        except OSError:
            pass
    return ' '.join(f'{names.count(n)}*{n}' for n in sorted(set(names)))


class Watched:
    """One sandbox with the guest in it, its lines read with a limit of time."""

    def __init__(self, nv, platform, guest, arguments, mode):
        self.errors = tempfile.TemporaryFile()
        self.nv = subprocess.Popen([nv, 'run', f'--platform={platform}', *MODES[mode], '--', guest] + arguments,
                                   stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.errors, bufsize=0)
        self.buffer = b''

    def line(self):
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
        text = self.errors.read(1 << 20).decode(errors='replace')
        self.errors.close()
        return text


def failure(line, errors, code):
    """Why a run that ended, or said something odd, is a finding; '' if it is none."""
    said = re.search(r'.*(AddressSanitizer|LeakSanitizer|runtime error:|ended without an answer).*', errors)
    if said:
        return said[0]
    if line and line.startswith('hang'):
        return line
    return '' if line == 'end' else f'nv ended with {code}: {errors.strip()[-300:]}'


class Leaks:
    """What the sentry holds while nothing runs, against what it held when caches were full."""

    def __init__(self, nv, sanitized):
        self.nv, self.sanitized, self.first = nv, sanitized, None

    def grown(self, now):
        return (now[0] > self.first[0] + FDS_SLACK or now[2] > self.first[2] + 2 or
                (not self.sanitized and now[1] > self.first[1] + MEMORY_SLACK_KB))

    def look(self, programs):
        for _ in range(20): # what was killed goes in its own time
            sentry = sentry_of(self.nv.pid)
            now = usage(sentry) if sentry else None
            if not now:
                return ''
            if programs == SETTLE:
                self.first = now
            if not self.first or not self.grown(now):
                return ''
            time.sleep(0.25)
        return (f'leak: {self.first} descriptors, KiB and processes became {now} after {programs} programs: '
                + descriptors(sentry))


class Coverage:
    """How often which call was made, and how it ended."""

    def __init__(self):
        self.calls = {}

    def add(self, words):
        was = self.calls.setdefault(words[1], [0] * 6)
        for i, n in enumerate(words[2:8]):
            was[i] += int(n)

    def total(self):
        return sum(c[0] for c in self.calls.values())

    def write(self, path):
        with open(path, 'w') as f:
            f.write('call\tmade\tok\tEINVAL\tEBADF\tEFAULT\tEPERM\n')
            for name, c in sorted(self.calls.items(), key=lambda item: (item[1][1] > 0, item[1][1] / item[1][0])):
                f.write(name + '\t' + '\t'.join(map(str, c)) + '\n')
        return sum(c[1] > 0 for c in self.calls.values())


class Campaign:
    def __init__(self, nv, platform, guest, out):
        self.nv, self.platform, self.guest, self.out = nv, platform, guest, out
        self.programs, self.kinds, self.coverage = 0, {}, Coverage()
        self.sanitized = b'__asan_init' in open(nv, 'rb').read()
        os.makedirs(out, exist_ok=True)

    def sandbox(self, seed, mode, end):
        """One sandbox; the next seed."""
        w = Watched(self.nv, self.platform, self.guest, [str(seed), str(SANDBOX)], mode)
        leaks, current, line, leak = Leaks(w.nv, self.sanitized), seed, None, ''
        while True:
            line = w.line()
            word = (line or '').split()
            if word[:1] == ['start']:
                current = int(word[1])
            elif word[:1] == ['done']:
                self.programs += 1
            elif word[:1] == ['count'] and len(word) == 8:
                self.coverage.add(word)
            elif word[:1] == ['quiet']:
                leak = '' if mode == 'moved' else leaks.look(int(word[1]))
                if leak:
                    break
                if time.time() >= end:
                    line = 'end'
                    break
                w.nv.stdin.write(b'\n')
            else:
                break
        errors = w.close()
        why = leak or failure(line, errors, w.nv.returncode)
        if why:
            self.finding(why, errors, current, mode)
        return current + 1

    def finding(self, why, errors, seed, mode):
        kind = 'leak' if why.startswith('leak') else 'hang' if why.startswith('hang') else 'crash'
        self.kinds[kind] = self.kinds.get(kind, 0) + 1
        name = os.path.join(self.out, f'{self.platform}-{seed}.replay')
        print(f'not ok  {self.platform} seed {seed} {mode}: {why}\n        repeat: {name}', flush=True)
        if sum(self.kinds.values()) > KEPT:
            return
        with open(name, 'w') as f:
            f.write(f'{seed} {mode}\n')
        with open(name + '.log', 'w') as f:
            f.write(why + '\n' + errors)
        if kind != 'leak':
            reduce(self.nv, self.platform, self.guest, name, 300)

    def run(self, seconds, seed):
        end, n, modes = time.time() + seconds, 0, list(MODES)
        while time.time() < end:
            seed = self.sandbox(seed, modes[n % len(modes)], end)
            n += 1
        succeeded = self.coverage.write(os.path.join(self.out, f'{self.platform}.coverage'))
        print(f'{self.platform}: {seconds:.0f} s, {self.programs} programs, {self.coverage.total()} calls '
              f'({succeeded} of {len(self.coverage.calls)} kinds succeeded); '
              + ', '.join(f'{self.kinds.get(k, 0)} {k}' for k in ('crash', 'hang', 'leak'))
              + f'; the next seed is {seed}')
        return 1 if self.kinds else 0


def fails(nv, platform, guest, seed, mode, calls, tries=3):
    for _ in range(tries):
        w = Watched(nv, platform, guest, [str(seed), '1'] + [str(c) for c in calls], mode)
        line = w.line()
        while line is not None and line != 'end' and not line.startswith('hang'):
            line = w.line()
        why = failure(line, w.close(), w.nv.returncode)
        if why:
            return why
    return ''


def load(path):
    words = open(path).read().split()
    mode = words.pop(1) if words[1:] and words[1] in MODES else 'plain'
    return int(words[0]), mode, [int(w) for w in words[1:]]


def replay(nv, platform, guest, path):
    seed, mode, calls = load(path)
    why = fails(nv, platform, guest, seed, mode, calls, 10)
    print(why or 'nothing happens')
    return 1 if why else 0


def reduce(nv, platform, guest, path, seconds=3600):
    """Removes parts of the list, of half its size at first and then of smaller ones."""
    seed, mode, calls = load(path)
    calls, end = calls or list(range(160)), time.time() + seconds
    if not fails(nv, platform, guest, seed, mode, calls):
        print('        it does not repeat alone', flush=True)
        return 1
    part = max(1, len(calls) // 2)
    while part and time.time() < end:
        i = 0
        while i < len(calls) and len(calls) > 1 and time.time() < end:
            rest = calls[:i] + calls[i + part:]
            if rest and fails(nv, platform, guest, seed, mode, rest):
                calls = rest
            else:
                i += part
        part //= 2
    with open(path, 'w') as f:
        f.write(f'{seed} {mode}\n{" ".join(map(str, calls))}\n')
    listing = subprocess.run([guest, str(seed)], env={'LIST': '1'}, capture_output=True, text=True).stdout
    for line in listing.splitlines():
        if int(line.split()[0]) in calls:
            print('        ' + line, flush=True)
    return 0


def main():
    global MODES
    nv, platform, guest = sys.argv[1], sys.argv[2], os.path.abspath(sys.argv[3])
    if sys.argv[4] in ('--replay', '--reduce'):
        return (replay if sys.argv[4] == '--replay' else reduce)(nv, platform, guest, sys.argv[5])
    options = dict(zip(sys.argv[6::2], sys.argv[7::2]))
    if '--mode' in options:
        MODES = {options['--mode']: MODES[options['--mode']]}
    return Campaign(nv, platform, guest, sys.argv[5]).run(float(sys.argv[4]), int(options.get('--seed', 1)))


sys.exit(main())
