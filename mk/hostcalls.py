#!/usr/bin/env python3
"""The host calls that each process may make, as a page, from the lists that filters are made of.

usage: hostcalls.py PAGE [--check]    --check: fails when the page is not what the lists say
"""
import re
import sys

LISTS = [
    ('sentry', 'sentry/hostcalls.def', 'The kernel of a sandbox: own user, pid, net, mount, ipc and uts namespaces, an '
     'empty root, no capabilities. Anything else kills it.'),
    ('gofer', 'gofer/hostcalls.def', 'Opens files beneath the exported directories. Anything else kills it.'),
    ('stub', 'platform/trap/hostcalls.def', 'Guest code runs in these processes. Calls are only let through from the '
     'text of the stub, with the arguments told here; any other becomes a signal that the stub answers.'),
]

# Names of mk/filters.c.
WORDS = {'ANY': '', 'NOT_EXECUTABLE': 'no PROT_EXEC', 'THREADS_ONLY': 'CLONE_VM and CLONE_THREAD, no namespaces'}


def calls(path):
    text = re.sub(r'/\*.*?\*/', '', open(path).read(), flags=re.S)
    for m in re.finditer(r'(HOSTCALL(?:_FDS|_NOSYS)?)\(\s*(\w+)\s*,\s*((?:"[^"]*"\s*)+)(?:,\s*(.*?))?\)\s*$', text, re.M | re.S):
        reason = ''.join(re.findall(r'"([^"]*)"', m[3]))
        limit = re.sub(r'\s+', ' ', m[4] or '').strip()
        if m[1] == 'HOSTCALL_FDS':
            limit = 'no descriptor of the stub itself'
        if m[1] == 'HOSTCALL_NOSYS':
            limit = 'answered with ENOSYS'
        yield m[2], limit, reason


page = ['# Host calls', '',
        'Made by `make hostcalls` from the lists that the filters are made of; not edited. `nv selftest` tries',
        'on a host whether they hold: every other call, by every way into the kernel, and other arguments of these.']
for name, path, what in LISTS:
    rows = list(calls(path))
    limits = any(r[1] not in ('', 'ANY') for r in rows)
    page += ['', f'## {name}: {len(rows)} ({path})', what, '']
    page += ['| call | only with | for |', '|---|---|---|'] if limits else ['| call | for |', '|---|---|']
    for call, limit, reason in rows:
        limit = WORDS.get(limit, f'`{limit}`' if '(' in limit else limit)
        page.append(f'| `{call}` | {limit} | {reason} |' if limits else f'| `{call}` | {reason} |')
text = '\n'.join(page) + '\n'
if '--check' not in sys.argv:
    open(sys.argv[1], 'w').write(text)
elif open(sys.argv[1]).read() != text:
    sys.exit(f'{sys.argv[1]} is not what the lists of host calls say: make hostcalls')
