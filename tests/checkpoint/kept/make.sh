#!/usr/bin/env bash
# Makes the kept image of this build's format: see README.md. usage: make.sh NV DIR
# Needs musl-gcc (Debian: musl-tools), whose libc has no code that is chosen by the CPU.
set -eu
nv=$(realpath "$1")
to=$(realpath -m "$2")
here=$(dirname "$(realpath "$0")")
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
mkdir -p "$tmp/root"/{tmp,dev,proc,sys}
musl-gcc -Os -static -s -Wall -Wextra -Wno-unused-parameter -o "$tmp/root/kept" "$here/kept.c"
cd "$tmp"
env -i NV_STATE_DIR="$tmp" "$nv" run --rootfs root --image "$tmp/image" -- /kept
# What it needs of a CPU is known better than the manifest says: the program is code for any x86-64.
chmod u+w image/manifest.json
python3 - <<'P'
import json
m = json.load(open("image/manifest.json"))
m["cpu"].update(level="x86-64", features=["fpu", "tsc", "cx8", "cmov", "mmx", "fxsr", "sse", "sse2"])
m["cpu"]["xsave"].update(features=3, size=576)
m["sandbox"]["rootfs"] = "/nonexistent"
json.dump(m, open("image/manifest.json", "w"), indent=2)
P
rm -rf "$to"
"$nv" image export --oci "$to" "$tmp/image"
