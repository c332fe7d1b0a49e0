#!/usr/bin/env bash
# Pipes, sockets, timers and terminals through a checkpoint, also onto the other platform.
# usage: checkpoint_ipc.sh NV PLATFORMS
set -u
. "$(dirname "$(realpath "$0")")/../lib.sh"
nv=$(realpath "$1")
platforms=$2
here=$(cd "$(dirname "$0")" && pwd)
tmp=$(mktemp -d /var/tmp/nv-test-XXXXXX)
trap 'rm -rf "$tmp"' EXIT
id=ipc$$

gcc -O1 -D_GNU_SOURCE -pthread -o "$tmp/ipc" "$here/checkpoint/ipc.c" "$here/checkpoint/ipc_sockets.c" || exit 1

guest=ipc
. "$here/checkpoint/lib.sh"

for platform in $platforms; do
    for other in $platforms; do
        if save "$platform" "$tmp/image"; then
            sleep 2.5 # by which the wall clock, but no other, goes on
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
