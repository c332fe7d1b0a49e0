#!/usr/bin/env python3
"""Who may do what with the files of a tree, and the lists that say it. usage: access.py DIR"""
import os
import sys

WHO = ((0, 0, []), (1000, 1000, []), (1000, 1001, []), (1001, 1001, []), (1002, 1002, [1001]),
       (1002, 0, []), (65534, 65534, []))


def allowed(path, mode):
    return os.access(path, mode, effective_ids=True)


os.chdir(sys.argv[1])
names = sorted(os.path.relpath(os.path.join(root, n)) for root, dirs, files in os.walk(".")
               for n in dirs + files)
for name in names:
    for kind in "access", "default":
        try:
            print(name, kind, os.getxattr(name, "system.posix_acl_" + kind).hex())
        except OSError as e:
            print(name, kind, e.strerror)
for uid, gid, groups in WHO:
    pid = os.fork()
    if not pid:
        os.setgroups(groups)
        os.setresgid(gid, gid, gid)
        os.setresuid(uid, uid, uid)
        for name in names:
            able = "".join(c for c, m in zip("rx", (os.R_OK, os.X_OK)) if allowed(name, m))
            try:
                opened = open(name).read().strip() if not os.path.isdir(name) else sorted(os.listdir(name))
            except OSError as e:
                opened = e.strerror
            print(uid, gid, groups, name, able, opened, flush=True)
        os._exit(0)
    os.waitpid(pid, 0)
