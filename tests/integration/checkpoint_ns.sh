#!/usr/bin/env bash
# Tasks in namespaces of their own through a checkpoint, also onto the other platform.
# usage: checkpoint_ns.sh NV PLATFORMS
set -u
. "$(dirname "$(realpath "$0")")/../lib.sh"
nv=$(realpath "$1")
platforms=$2
here=$(cd "$(dirname "$0")" && pwd)
tmp=$(mktemp -d /var/tmp/nv-test-XXXXXX)
trap 'rm -rf "$tmp"' EXIT
id=ns$$

gcc -O1 -o "$tmp/ns" "$here/checkpoint/ns.c" || exit 1

guest=ns
. "$here/checkpoint/lib.sh"

for platform in $platforms; do
    for other in $platforms; do
        if save "$platform" "$tmp/image"; then
            restore "$other" "$tmp/image" "$tmp/out"
            code=$?
            grep -q "done 0" "$tmp/out"
            report "saved on $platform, restored on $other" $((code + $?)) "$(head -c 500 "$tmp/out")"
        else
            report "saved on $platform" 1 "$(cat "$tmp/first" "$tmp/save" 2>&1 | head -c 500)"
        fi
        rm -rf "$tmp/image"
    done
done
echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
