"""Writes an image by the description in ckpt/README.md, without nv: mkimage.py DIR [PAGES [HOSTNAME]]."""
import hashlib, json, os, struct, sys

where, pages, hostname = (sys.argv[1:] + ["4", "box"][len(sys.argv) - 2:])[:3]
records = [(60000, 1, b"payload"), (60001, 1, b"")]
kernel = b"NVKERNEL" + struct.pack("<II", 1, len(records))
for kind, version, data in records:
    kernel += struct.pack("<HHI", kind, version, len(data)) + data
content = b"".join(bytes([i % 251 + 1]) * 4096 for i in range(int(pages)))
os.makedirs(where, 0o700)
parts = {}
for name, data in ("kernel", kernel), ("pages", content):
    with open(os.path.join(where, name), "wb") as f:
        f.write(data)
    os.chmod(f.name, 0o444)
    parts[name] = {"size": len(data), "sha256": hashlib.sha256(data).hexdigest()}
manifest = {
    "format": 1, "created": "2026-01-02T03:04:05Z", "nv": {"version": "0.1.0"},
    "cpu": {"level": "x86-64-v2", "features": ["sse2"], "xsave": {"features": 3, "size": 576}},
    "process": {"command": ["node", "a\x1b[31mred"], "uid": 1000, "gid": 1000},
    "runtime": {"kind": "node", "version": "v18"},
    "sandbox": {"hostname": hostname, "memory": 1 << 30, "cpus": 2},
    "parts": parts, "something": {"newer": [1, 2]},
}
with open(os.path.join(where, "manifest.json"), "w") as f:
    json.dump(manifest, f)
os.chmod(f.name, 0o444)
