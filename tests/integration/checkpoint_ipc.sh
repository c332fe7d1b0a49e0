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

gcc -O1 -pthread -o "$tmp/ipc" "$here/checkpoint/ipc.c" || exit 1

save() { # PLATFORM IMAGE: a sandbox with everything set up becomes an image
    rm -rf "$tmp/shared"
    mkdir "$tmp/shared"
    timeout -s KILL 60 "$nv" run --platform="$1" --id="$id" --mount "$tmp/shared:/mnt" -- \
        "$tmp/ipc" /mnt >"$tmp/first" 2>&1 &
    await "$tmp/first" ready || return 1
    grep -q "ready 0" "$tmp/first" || return 1
    timeout -s KILL 30 "$nv" checkpoint "$id" --image-path "$2" >"$tmp/save" 2>&1 || return 1
    wait %% 2>/dev/null
    rm -f "$tmp/shared/go"
}

restore() { # PLATFORM IMAGE OUT
    : >"$tmp/shared/go"
    timeout -s KILL 60 "$nv" restore --platform="$1" --mount "$tmp/shared:/mnt" "$2" >"$3" 2>&1
    local code=$?
    rm -f "$tmp/shared/go"
    return $code
}

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
