#!/usr/bin/env python3
"""What `nv syscalls --verified` tells: the results of a conformance run, by system call.

usage: verified.py RESULTS.json SOURCES TABLE [--check]

RESULTS is what `conform --json` wrote. Sections of generated/ are counted by case for the call they
are named after; other programs count for the calls that their sources make. --check compares with the
TABLE that is there: it must not promise more than this run has seen.
"""
import json
import os
import re
import sys

results, sources, table = sys.argv[1:4]
check = '--check' in sys.argv
rows = re.findall(r'^(?:SYS|NOSYS|REFUSED)\((\d+), (\w+),', open('sentry/syscalls.def').read(), re.M)
# How the C library spells calls.
WRAPPERS = {
    'sigaction': 'rt_sigaction', 'sigprocmask': 'rt_sigprocmask', 'sigpending': 'rt_sigpending',
    'sigsuspend': 'rt_sigsuspend', 'sigtimedwait': 'rt_sigtimedwait', 'sigwaitinfo': 'rt_sigtimedwait',
    'sigqueue': 'rt_sigqueueinfo', 'pread': 'pread64', 'pwrite': 'pwrite64', 'fstatat': 'newfstatat',
    'waitpid': 'wait4', 'wait': 'wait4', 'send': 'sendto', 'recv': 'recvfrom', 'umount': 'umount2',
    'pselect': 'pselect6', 'prlimit': 'prlimit64', 'posix_fadvise': 'fadvise64', 'nice': 'setpriority',
    'pthread_create': 'clone3', '_exit': 'exit_group', 'readdir': 'getdents64', 'mq_send': 'mq_timedsend',
    'mq_receive': 'mq_timedreceive', 'futimens': 'utimensat', 'sbrk': 'brk', 'ulimit': 'getrlimit',
}


def calls_of(program, names, seen={}):
    """The calls that a program's source makes by name."""
    if program not in seen:
        try:
            text = open(os.path.join(sources, program + '.c')).read()
        except OSError:
            text = ''
        words = set(re.findall(r'\b(\w+)\(', text)) | set(re.findall(r'\b(?:SYS|__NR)_(\w+)', text))
        seen[program] = {WRAPPERS.get(w, w) for w in words} & names
    return seen[program]


names = {n for _, n in rows}
count = {n: dict(cases=0, differ=0, programs=0, programs_differ=0) for n in names}
data = json.load(open(results))
runs = sorted({r for p in data['programs'] for r in p['runs']} - {'native'})
for p in data['programs']:
    parts = p['program'].split('/')
    others = [r for k, r in p['runs'].items() if k != 'native']
    bad = [r for r in others if r['verdict'] != 'agree']
    if parts[0] == 'generated':
        name = parts[-1].split('-')[0]
        if len(parts) == 3 and name in count:
            count[name]['cases'] += p['assertions']
            count[name]['differ'] += max([max(1, len(r['differences'])) for r in bad], default=0)
        continue
    for name in calls_of(p['program'], names):
        count[name]['programs'] += 1
        count[name]['programs_differ'] += bool(bad)

if check:
    old = {m[0]: int(m[2]) + int(m[4]) for m in
           re.findall(r'^VERIFIED\((\w+), (\d+), (\d+), (\d+), (\d+)\)', open(table).read(), re.M)}
    worse = [n for n, c in count.items() if n in old and c['differ'] + c['programs_differ'] > old[n]]
    if worse:
        print(f'{table} promises more than this run has seen, of {", ".join(sorted(worse))}: '
              'make verified', file=sys.stderr)
        sys.exit(1)
    sys.exit(0)

with open(table + '.tmp', 'w') as f:
    f.write('/*\n * What conformance runs have seen of each system call; made by make verified, not edited.\n'
            ' * VERIFIED(name, generated cases, of them differing, programs, of them differing).\n */\n')
    f.write(f'#define VERIFIED_KERNEL "{".".join(os.uname().release.split(".")[:2])}"\n')
    f.write(f'#define VERIFIED_RUNS "{", ".join(runs)}"\n')
    for nr, n in rows:
        c = count[n]
        if c['cases'] or c['programs']:
            f.write(f'VERIFIED({n}, {c["cases"]}, {c["differ"]}, {c["programs"]}, {c["programs_differ"]})\n')
os.rename(table + '.tmp', table)
