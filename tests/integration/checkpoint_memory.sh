#!/usr/bin/env bash
# Memory and threads through a checkpoint, also onto the other platform, and through many.
# usage: checkpoint_memory.sh NV PLATFORMS
set -u
. "$(dirname "$(realpath "$0")")/../lib.sh"
nv=$(realpath "$1")
platforms=$2
here=$(cd "$(dirname "$0")" && pwd)
tmp=$(mktemp -d /var/tmp/nv-test-XXXXXX)
trap 'rm -rf "$tmp"' EXIT
id=memory$$

save() { # PLATFORM IMAGE
    rm -rf "$2"
    timeout -s KILL 60 "$nv" run --platform="$1" --id="$id" -- "$tmp/memory" /tmp/file >"$tmp/out" 2>&1 &
    await "$tmp/out" ready && timeout -s KILL 30 "$nv" checkpoint "$id" --image-path "$2" >>"$tmp/out" 2>&1
    local code=$?
    wait %% 2>/dev/null
    return $code
}

gcc -O1 -pthread -o "$tmp/memory" "$here/checkpoint/memory.c" || exit 1
"$tmp/memory" "$tmp/file" >"$tmp/out" 2>&1
report "natively" $? "$tmp/out"
for platform in $platforms; do
    for other in $platforms; do
        save "$platform" "$tmp/image"
        report "saved on $platform" $? "$tmp/out"
        timeout -s KILL 60 "$nv" restore --platform="$other" "$tmp/image" >"$tmp/out" 2>&1
        report "saved on $platform, restored on $other" $? "$tmp/out"
    done
    timeout -s KILL 60 "$nv" run --platform="$platform" --checkpoint-every 100 -- "$tmp/memory" /tmp/file \
        >"$tmp/out" 2>&1
    report "saved and restored many times on $platform" $? "$tmp/out"
done
echo "checkpoint_memory: $passed passed, $failed failed"
[ "$failed" -eq 0 ]
