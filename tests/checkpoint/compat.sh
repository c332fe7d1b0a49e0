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

echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
