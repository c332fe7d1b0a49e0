#!/usr/bin/env python3
"""A tree with what file systems get wrong. usage: make_tree.py DIR [wide]

wide: one directory with 10,000 names instead.
"""
import os
import random
import shutil
import stat
import subprocess
import sys

top = sys.argv[1]
rnd = random.Random(7)


def put(name, data, mode=0o644):
    path = os.path.join(top, name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as f:
        f.write(data)
    os.chmod(path, mode)
    return path


def text(n):
    words = [b"alpha", b"beta", b"gamma", b"delta", b"epsilon", b"zeta"]
    out = bytearray()
    while len(out) < n:
        out += rnd.choice(words) + b" "
    return bytes(out[:n])


os.makedirs(top)
if len(sys.argv) > 2:
    for i in range(10000):
        name = f"name-{i:x}" + "y" * (i % 40)
        with open(os.path.join(top, name), "w") as f:
            f.write(str(i) if i % 10 == 0 else "")
    sys.exit()
for size in (0, 1, 60, 511, 512, 513, 4000, 4031, 4032, 4033, 4095, 4096, 4097, 8191, 8192, 8193,
             12288, 65535, 65536, 65537, 131072, 1048575, 1048576, 1048577):
    put(f"sizes/text{size}", text(size))
    put(f"sizes/noise{size}", rnd.randbytes(size))
    put(f"sizes/zeros{size}", bytes(size))
put("sizes/mixed", b"".join(rnd.choice((text, rnd.randbytes, bytes))(rnd.randrange(20000))
                            for _ in range(200)))
put("sizes/repeats", (text(30000) + rnd.randbytes(5000)) * 40)
shared = text(300000)
for i in range(4):
    put(f"dedupe/{i}", rnd.randbytes(1000 * i) + shared)
for name, parts in {"sparse/one": [(1 << 20, b"x")], "sparse/end": [(0, b"begin"), (5 << 20, b"")],
                    "sparse/many": [(i * 65536, text(5000)) for i in range(0, 64, 3)]}.items():
    path = put(name, b"")
    with open(path, "r+b") as f:
        for at, data in parts:
            f.seek(at)
            f.write(data)
            f.truncate(at + len(data))
deep = "deep"
for i in range(60):
    deep += f"/{i}"
put(deep + "/bottom", b"deep down\n")
put("names/" + "n" * 250, b"long")  # mkfs.erofs 1.5 fails with 255
put("names/ space\nline", b"odd")
put("names/\xff\xfe", b"bytes") if sys.getfilesystemencoding() != "utf-8" else put("names/é", b"utf")
os.makedirs(os.path.join(top, "empty"))
os.symlink("sizes/text4096", os.path.join(top, "link"))
os.symlink("x" * 4000, os.path.join(top, "longlink"))
os.symlink("nowhere", os.path.join(top, "dangling"))
os.link(os.path.join(top, "sizes/text4097"), os.path.join(top, "hard"))
os.link(os.path.join(top, "sizes/text4097"), os.path.join(top, "names/hard2"))
os.mkfifo(os.path.join(top, "fifo"), 0o620)
os.mknod(os.path.join(top, "null"), stat.S_IFCHR | 0o666, os.makedev(1, 3))
os.mknod(os.path.join(top, "disk"), stat.S_IFBLK | 0o600, os.makedev(259, 70000))
for i, mode in enumerate((0o000, 0o400, 0o755, 0o4755, 0o2755, 0o1777, 0o600)):
    put(f"modes/{mode:o}", b"m", mode)
    os.chown(os.path.join(top, f"modes/{mode:o}"), i * 30000, i * 40000)
    os.chmod(os.path.join(top, f"modes/{mode:o}"), mode)
for i in range(30):
    path = put(f"xattrs/{i}", b"x" * i)
    os.setxattr(path, "user.shared", b"the same everywhere" * 5)
    os.setxattr(path, "user.own", str(i).encode() * 10)
    os.setxattr(path, "trusted.t", b"\0\1\2")
    os.setxattr(path, "security.s", b"s" * (i * 20))
os.setxattr(os.path.join(top, "xattrs"), "user.dir", b"of a directory")
os.setxattr(put("xattrs/empty", b""), "user.empty", b"")
for name in ("gcc", "perl", "python3", "bash", "ls", "find", "tar", "git"):
    path = shutil.which(name)
    if path:
        put(f"bin/{name}", open(path, "rb").read()[:4 << 20], 0o755)
inner = os.path.join(top, "dedupe")
for _ in range(3):  # images in images
    image = os.path.join(os.path.dirname(top) or ".", "inner.tmp")
    subprocess.run(["mkfs.erofs", "-zlz4", image, inner], check=True, stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL)
    inner = os.path.join(top, "images-tmp")
    shutil.rmtree(inner, ignore_errors=True)
    os.makedirs(inner + "/images")
    os.rename(image, inner + "/images/inner.erofs")
os.rename(inner + "/images", os.path.join(top, "images"))
os.rmdir(inner)
for base, dirs, files in os.walk(top):
    for name in files + dirs:
        path = os.path.join(base, name)
        t = rnd.randrange(1 << 30) * 1000000000 + rnd.randrange(1000000000)
        os.utime(path, ns=(t, t), follow_symlinks=False)
