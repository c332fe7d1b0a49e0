#!/usr/bin/env bash
# Pipes, sockets, timers and terminals through a checkpoint, also onto the other platform.
# usage: checkpoint_ipc.sh NV PLATFORMS
set -u
nv=$(realpath "$1")
platforms=$2
here=$(cd "$(dirname "$0")" && pwd)
tmp=$(mktemp -d /var/tmp/nv-test-XXXXXX)
trap 'rm -rf "$tmp"' EXIT
passed=0 failed=0
id=ipc$$

report() { # NAME STATUS DETAILS
    if [ "$2" -eq 0 ]; then
        echo "ok      $1"
        passed=$((passed + 1))
    else
        echo "FAILED  $1: $3"
        failed=$((failed + 1))
    fi
}

await() { # FILE TEXT: until it is there
    for _ in $(seq 400); do
        grep -q "$2" "$1" 2>/dev/null && return 0
        sleep 0.05
    done
    return 1
}

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
