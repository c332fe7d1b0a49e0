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

# --- kept images of every format that is read ---
for kept in "$here"/kept/format-*; do
    format=${kept##*-}
    is "the kept image of format $format is imported" "$(nv image import "$kept" "./format-$format")" "./format-$format"
    for platform in $platforms; do
        is "the kept image of format $format is whole" "$(restored "./format-$format")" "done 0"
    done
    unset platform
done

echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
