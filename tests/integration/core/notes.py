#!/usr/bin/env python3
"""What is in a core file: its notes, or with a text, whether and how often it holds it."""
import struct
import sys

data = open(sys.argv[1], 'rb').read()
if len(sys.argv) > 2:
    print(data.count(sys.argv[2].encode()))
    sys.exit()
head = struct.unpack_from('<16sHHIQQQIHHHHHH', data)
notes, loads = [], 0
for i in range(head[10]):
    kind, _, off, addr, _, filesz, memsz, _ = struct.unpack_from('<IIQQQQQQ', data, head[5] + 56 * i)
    loads += kind == 1
    assert off + filesz <= len(data) and filesz <= memsz or kind == 4, (hex(addr), off, filesz)
    at, end = off, off + filesz
    while kind == 4 and at < end:
        name_len, length, note = struct.unpack_from('<III', data, at)
        notes.append('%s/%x' % (data[at + 12:at + 11 + name_len].decode(), note))
        at += 12 + (name_len + 3 & ~3) + (length + 3 & ~3)
assert head[0][:5] == b'\x7fELF\x02' and head[1] == 4 and head[2] == 62 and loads > 10
print(' '.join(notes))
