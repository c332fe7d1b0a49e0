#!/usr/bin/env python3
"""Everything that can be told of a tree, one line per name. usage: tree.py DIR [all]

all: also what only an image has: inode numbers, blocks, sizes of directories, order of names.
"""
import hashlib
import mmap
import os
import random
import stat
import sys


def contents(path, size):
    fd = os.open(path, os.O_RDONLY)
    h = hashlib.sha256()
    while part := os.read(fd, 1 << 20):
        h.update(part)
    text = h.hexdigest()[:16]
    if size and size < 1 << 27:
        with mmap.mmap(fd, 0, mmap.MAP_PRIVATE, mmap.PROT_READ) as m:
            text += " " + ("same" if hashlib.sha256(m).hexdigest()[:16] == text else "MAPPED DIFFERS")
    dice = random.Random(size)  # the same places in the same file
    h = hashlib.sha256()
    for _ in range(48):
        h.update(os.pread(fd, dice.choice((1, 100, 4096, 9000)), dice.randrange(size + 2)))
    text += " " + h.hexdigest()[:16]
    for at in {0, 1, 511, 4095, 4096, 4097, size // 2, max(size - 1, 0), size}:
        n = min(5000, max(size - at, 0))
        got = os.pread(fd, 5000, at)
        if len(got) != n:
            text += f" SHORT at {at}: {len(got)}"
    os.close(fd)
    return text


def describe(path, everything):
    st = os.lstat(path)
    fields = [stat.filemode(st.st_mode), st.st_uid, st.st_gid, st.st_nlink, st.st_mtime_ns]
    if not stat.S_ISDIR(st.st_mode) or everything:
        fields.append(st.st_size)
    if everything:
        fields += [st.st_ino, st.st_blocks, st.st_atime_ns, st.st_ctime_ns]
    if stat.S_ISCHR(st.st_mode) or stat.S_ISBLK(st.st_mode):
        fields.append(hex(st.st_rdev))
    if stat.S_ISLNK(st.st_mode):
        fields.append(os.readlink(path))
    for name in sorted(os.listxattr(path, follow_symlinks=False)):
        fields.append(name + "=" + os.getxattr(path, name, follow_symlinks=False).hex()[:64])
    if stat.S_ISREG(st.st_mode):
        fields.append(contents(path, st.st_size))
    return " ".join(str(f) for f in fields)


def walk(top, everything):
    todo = ["."]
    while todo:
        name = todo.pop()
        path = os.path.join(top, name)
        print(name, describe(path, everything))
        if not os.path.islink(path) and os.path.isdir(path):
            names = os.listdir(path)
            if everything:
                print("  order", hashlib.sha256("/".join(names).encode()).hexdigest()[:16])
            todo += [os.path.join(name, n) for n in sorted(names, reverse=True)]


walk(sys.argv[1], len(sys.argv) > 2)
