#!/usr/bin/env python3
"""Restores damaged images of a warmed function, digests not looked at: each must be refused with a
reason, or be a sandbox in which the guest goes on or dies. usage: image_hostile.py NV PLATFORMS [RUNS [SEED]]"""
import collections, json, os, random, shutil, subprocess, sys, tempfile

nv, platforms = os.path.realpath(sys.argv[1]), sys.argv[2].split()
runs = int(sys.argv[3]) if len(sys.argv) > 3 else 100
seed = int(sys.argv[4]) if len(sys.argv) > 4 else 1
tmp = tempfile.mkdtemp()
os.environ.update(NV_IMAGE_DIR=tmp + "/images", NV_STATE_DIR=tmp + "/state", NV_DATA_DIR=tmp + "/data")
good, bad = tmp + "/images/good", tmp + "/images/bad"
failed = 0


def result(platform):
    command = [nv, "invoke", "--platform=" + platform, "--trust", "bad", "--event", '{"n":1}']
    try:
        p = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=30)
    except subprocess.TimeoutExpired:
        return "FAILED: hangs"
    said = p.stderr.decode(errors="replace")
    if "Sanitizer" in said or "runtime error: " in said:
        return "FAILED: " + said[:2000]
    if p.returncode == 0:
        return "answers"
    if p.returncode == 125:
        return "refused" if "cannot" in said or "has" in said else "FAILED: " + said[:300]
    return "guest dies" if p.returncode >= 128 or p.returncode == 1 else f"FAILED: exit {p.returncode} {said[:300]}"


def damage(data, r):
    if r.random() < 0.1:
        return data[: r.randrange(len(data))]
    data = bytearray(data)
    for _ in range(r.choice([1, 1, 1, 2, 8])):
        data[r.randrange(len(data))] = r.choice([0, 1, 0x80, 0xFF, r.randrange(256)])
    return data


def put(part, data):
    os.unlink(f"{bad}/{part}")
    with open(f"{bad}/{part}", "wb") as f:
        f.write(data)
    with open(good + "/manifest.json") as f:
        manifest = json.load(f)
    manifest["parts"][part]["size"] = len(data)
    os.chmod(bad + "/manifest.json", 0o600)
    with open(bad + "/manifest.json", "w") as f:
        json.dump(manifest, f)


with open(tmp + "/f.js", "w") as f:
    f.write("exports.handler = (e) => ({n: e.n + 1});")
for platform in platforms:
    subprocess.run([nv, "warm", "--force", "--platform=" + platform, tmp + "/f.js", "-o", "good"], check=True,
                   stderr=subprocess.DEVNULL, timeout=120)
    for part in "kernel", "wset":
        shutil.rmtree(bad, ignore_errors=True)
        shutil.copytree(good, bad)
        original = open(f"{good}/{part}", "rb").read()
        seen = collections.Counter()
        for i in range(runs if part == "kernel" else runs // 5):
            put(part, damage(original, random.Random(f"{seed} {part} {i}")))
            seen[result(platform)] += 1
        put(part, original)
        if result(platform) != "answers":
            seen["FAILED: the original does not answer"] += 1
        wrong = {k: n for k, n in seen.items() if k.startswith("FAILED")}
        failed += bool(wrong)
        print("FAILED " if wrong else "ok     ", platform, f"damaged {part}:", dict(seen))
        if wrong:
            print(f"        repeat: {sys.argv[0]} {nv} {platform} {runs} {seed}")
shutil.rmtree(tmp, ignore_errors=True)
sys.exit(failed != 0)
