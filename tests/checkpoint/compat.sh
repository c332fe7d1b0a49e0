#!/usr/bin/env bash
# Images of other builds, other hosts and other places. usage: compat.sh NV PLATFORMS
set -u
. "$(dirname "$(realpath "$0")")/../lib.sh"
nv=$(realpath "$1")
platforms=$2
here=$(dirname "$(realpath "$0")")
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
cd "$tmp" || exit 1
export NV_STATE_DIR=$tmp/state NV_IMAGE_DIR=$tmp/images NV_DATA_DIR=$tmp/data
mkdir -p images root/{tmp,dev,proc,sys}

nv() { timeout -s KILL 60 "$nv" "$@" 2>err; }
restored() { # IMAGE [options]: what the program of a kept image says
    nv restore --platform="$platform" --rootfs root "${@:2}" "$1" 2>&1
}

edit() { # IMAGE PYTHON: a copy in ./edited, of whose manifest m the statement changes something
    rm -rf edited
    cp -r "$1" edited && chmod -R u+w edited
    python3 -c 'import json,sys
m = json.load(open("edited/manifest.json"))
exec(sys.argv[1])
json.dump(m, open("edited/manifest.json", "w"))' "$2"
}
refused() { # a text that the message must have
    nv restore --rootfs root --trust ./edited >out 2>&1
    local code=$?
    grep -q "$1" err out && [ $code = 125 ] && echo yes || cat err out
}
manifest() { python3 -c "import json; print(json.load(open('$1/manifest.json'))$2)"; }

# --- kept images of every format that is read ---
for kept in "$here"/kept/format-*; do
    format=${kept##*-}
    is "the kept image of format $format is imported" "$(nv image import "$kept" "./format-$format")" "./format-$format"
    for platform in $platforms; do
        is "the kept image of format $format is whole" "$(restored "./format-$format")" "done 0"
    done
    unset platform
done

# --- an image of this build, and formats that are not read ---
"$here/kept/make.sh" "$nv" own >/dev/null 2>err || cat err
current=$(grep -o 'MANIFEST_FORMAT [0-9]*' "$here/../../ckpt/manifest.h" | cut -d' ' -f2)
is "an image of this build" "$(nv image import own ./own-image; manifest own-image '["format"]')" "$(printf './own-image\n%s' "$current")"
for platform in $platforms; do
    is "an image of this build is whole" "$(restored ./own-image)" "done 0"
done
unset platform
for format in $((current - 2)) $((current + 1)); do
    [ "$format" -ge 0 ] || continue
    edit own-image "m['format'] = $format"
    is "format $format is refused by its number" "$(refused "the image has format $format; this nv reads")" yes
    edit own-image 'm["parts"]["kernel"].update(sha256="0" * 64)'
    printf "\\$(printf %03o "$format")" | dd of=edited/kernel bs=1 seek=8 conv=notrunc 2>/dev/null
    is "records of format $format are refused" "$(refused "format")" yes
done

# --- a CPU of less than the host has ---
flags() { grep -ow -E 'sse4_2|avx|avx2|avx512f|aes' | sort -u | tr '\n' ' '; }
# Level 2 hides nothing of the first word that every such CPU has, SSE2 say.
hwcap='import struct
a = dict(struct.iter_unpack("QQ", open("/proc/self/auxv", "rb").read()))
print(hex(a[16]), a[16] >> 26 & 1)'
if timeout -s KILL 20 "$nv" run --cpu v2 -- true 2>err; then
    for platform in $platforms; do
        is "--cpu v2: /proc/cpuinfo" "$(nv run --platform="$platform" --cpu v2 -- cat /proc/cpuinfo | flags)" "sse4_2 "
        is "--cpu v2: the dynamic linker's choice" "$(nv run --platform="$platform" --cpu x86-64-v2 -- /lib64/ld-linux-x86-64.so.2 --help | grep -o 'x86-64-v[234] (supp' | tr '\n' ' ')" "x86-64-v2 (supp "
        is "--cpu v2: AT_HWCAP" "$(nv run --platform="$platform" --cpu v2 -- python3 -c "$hwcap")" "$(python3 -c "$hwcap")"
    done
    unset platform
    is "settings of the user stay" "$(nv run --cpu v2 --env GLIBC_TUNABLES=glibc.malloc.check=1 --env OPENSSL_ia32cap=0x1 -- env | grep -c -E '^GLIBC_TUNABLES=glibc.malloc.check=1(:glibc.cpu.hwcaps=|$)|^OPENSSL_ia32cap=0x1$')" 2
    mkdir -p small/{tmp,dev,proc,sys}
    musl-gcc -Os -static -s -o small/kept "$here/kept/kept.c"
    is "saved with --cpu v2" "$(nv run --cpu v2 --rootfs small --image ./v2 -- /kept)" "saved 0"
    is "its manifest says so" "$(manifest v2 '["cpu"]["level"]') $(manifest v2 '["cpu"]["features"]' | flags)" "x86-64-v2 sse4_2 "
    for platform in $platforms; do
        is "restored" "$(restored ./v2)" "done 0"
    done
    unset platform
fi
lacking=$(for f in amx_tile xop avx512_vp2intersect tbm; do grep -qw $f /proc/cpuinfo || { echo $f; break; }; done)
edit own-image "m['cpu']['features'].append('$lacking')"
is "a feature that this host lacks is named" "$(refused "the image needs $lacking which this host lacks")" yes
edit own-image "m['cpu']['xsave']['features'] |= 1 << 18 | 1 << 17"
grep -qw amx_tile /proc/cpuinfo || is "so is state" "$(refused "the image needs the AMX state which this host lacks")" yes

# --- another build of nv, another kernel ---
edit own-image "m['nv'].update(version='99.1', build='0' * 40); m['host'].update(kernel='5.15.0-1-other', platform='none')"
chmod 0444 edited/*
for platform in $platforms; do
    is "an image of another build and kernel" "$(restored ./edited)" "done 0"
done
unset platform

# --- other places: the image, the root directory, a mount ---
mkdir -p place/root/{tmp,dev,proc,sys,bin,mnt} place/data
printf 'one\ntwo\n' >place/data/data
gcc -O1 -static -o place/root/bin/asks "$here/reads.c"
is "saved with files open" "$(cd place && nv run --rootfs root --mount data:/mnt --image ../placed -- /bin/asks)" "saved one two"
for platform in $platforms; do
    is "restored where it was" "$(nv restore --platform="$platform" ./placed)" "restored one two"
    mv place/root place/elsewhere
    is "the root has moved: refused, and how to go on" "$(nv restore --platform="$platform" ./placed; echo $?) $(grep -c "root directory, $tmp/place/root: No such" err) $(grep -c 'say where it is now: --rootfs DIR' err)" "125 1 1"
    is "the root has moved" "$(nv restore --platform="$platform" --rootfs place/elsewhere ./placed)" "restored one two"
    mv place/data place/data2
    is "so has a mount: refused" "$(nv restore --platform="$platform" --rootfs place/elsewhere ./placed; echo $?) $(grep -c 'say where it is now: --mount DIR:/mnt' err)" "125 1"
    mkdir -p deep/er && mv placed deep/er/
    is "so has a mount, and the image" "$(nv restore --platform="$platform" --rootfs place/elsewhere --mount place/data2:/mnt deep/er/placed)" "restored one two"
    mv place/elsewhere place/root
    mv place/data2 place/data
    mv deep/er/placed .
done
unset platform
cp -a place/root place/copy
is "a copy of the root" "$(nv restore --rootfs place/copy ./placed)" "restored one two"
touch place/copy/bin/asks
is "a file in it that is another" "$(nv restore --rootfs place/copy ./placed; echo $?) $(grep -c '/bin/asks has changed since the checkpoint' err)" "125 1"

# --- an image on a noexec mount: code that was changed or made is in its memory ---
cp "$here/function.js" .
mkdir -p noexec
if nv warm function.js -o ./jit && unshare -m true 2>/dev/null; then
    for platform in $platforms; do
        is "an image on a noexec mount" "$(unshare -m sh -c 'mount -t tmpfs -o noexec none noexec && cp -r jit noexec/ && timeout -s KILL 60 "$1" invoke --platform="$2" noexec/jit --event "{\"name\":\"n\"}"' - "$nv" "$platform" 2>err | grep -o '"name":"n"')" '"name":"n"'
    done
    unset platform
fi

# --- what differs between two images ---
timeout -s KILL 30 "$nv" run --id "diff-$$" -- sh -c 'echo on; i=0; while :; do i=$((i+1)); done' >on 2>&1 &
await on on
nv checkpoint "diff-$$" --leave-running --image-path ./first
nv checkpoint "diff-$$" --image-path ./second
wait
is "pages that differ are named by mapping" "$(nv image diff ./first ./second | grep -c -E '^memory\.0 [0-9a-f]+-[0-9a-f]+ rw-p.*: [0-9]+ of [0-9]+ pages differ: [0-9]')" "$(nv image diff --json ./first ./second | python3 -c 'import json,sys; print(sum("differ" in m for m in json.load(sys.stdin)["memory"]))')"
is "none of the same image" "$(nv image diff ./first ./first | grep -c '^memory')" 0
is "mappings of another program" "$(nv image diff ./first ./own-image | grep -q '^memory.0 .*only in the second' && echo yes)" yes

# --- what an image cannot go on with ---
gcc -O1 -mno-red-zone -o code32 "$here/code32.c"
for platform in $platforms; do
    timeout -s KILL 30 "$nv" run --platform="$platform" --id "c32-$$" -- ./code32 >on 2>&1 &
    await on on
    is "32-bit code is named" "$(sleep 0.2; nv checkpoint "c32-$$" --check)" "pid 1 tid 1 (code32): it runs in a code segment of 32 bits, which nv does not restore"
    nv kill "c32-$$"
    wait
done
unset platform

echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
