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

echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
