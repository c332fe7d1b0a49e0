#!/usr/bin/env python3
"""Mounts images from inside: /images/lz4.erofs is one, /sizes is a part of what is in it."""
import ctypes
import errno
import os
import shutil

libc = ctypes.CDLL(None, use_errno=True)


def mount(source, target, options=b"", flags=0):
    if libc.mount(source.encode() if source else None, target.encode(), b"erofs", flags, options):
        return errno.errorcode[ctypes.get_errno()]
    return "ok"


os.makedirs("/tmp/m", exist_ok=True)
assert mount("/images/lz4.erofs", "/tmp/m") == "ok"
for line in open("/proc/mounts"):
    if " /tmp/m " in line:
        print(" ".join(line.split()[:4]))
st = os.statvfs("/tmp/m")
print(os.popen("stat -f -c %t /tmp/m").read().strip(), st.f_bsize, st.f_bfree)
same = all(open("/sizes/" + n, "rb").read() == open("/tmp/m/sizes/" + n, "rb").read()
           for n in os.listdir("/sizes"))
print("same" if same else "different")
fd = os.open("/tmp/m/link", os.O_RDONLY)
print("busy" if libc.umount(b"/tmp/m") and ctypes.get_errno() == errno.EBUSY else "gone")
os.close(fd)
assert libc.umount(b"/tmp/m") == 0 and not os.listdir("/tmp/m")
open("/tmp/motd", "w").write("no image\n" * 1000)
print(mount("/tmp/motd", "/tmp/m"))
print(mount("/etc", "/tmp/m"))
print(mount("/none", "/tmp/m"))
print(mount(None, "/tmp/m"))
print(mount("/images/lz4.erofs", "/tmp/m", b"unknown"))
print(mount("/dev/null", "/tmp/m"))
print(mount("/proc/version", "/tmp/m"))
# Images in images, in a file that is written to, to a depth that ends.
depth = 0
shutil.copy("/images/lz4.erofs", "/tmp/image")
assert mount("/tmp/image", "/tmp/m") == "ok"
for i in (1, 2, 3):
    os.makedirs(f"/tmp/m{i}", exist_ok=True)
inner = "/tmp/m/images/inner.erofs"
while os.path.exists(inner):
    depth += 1
    if mount(inner, f"/tmp/m{depth}") != "ok":
        break
    inner = f"/tmp/m{depth}/images/inner.erofs"
print("depth", depth)
with open("/tmp/image", "r+b") as f:  # whoever may write to it cannot harm the sandbox
    f.seek(1 << 16)
    f.write(os.urandom(1 << 20))
for root, dirs, files in os.walk("/tmp/m"):
    for name in files:
        try:
            if os.path.isfile(os.path.join(root, name)):
                open(os.path.join(root, name), "rb").read(1 << 20)
        except OSError:
            pass
print("".join(line for line in open("/proc/filesystems") if "erofs" in line), end="")
