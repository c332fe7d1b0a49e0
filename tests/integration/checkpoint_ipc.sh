#!/usr/bin/env bash
# Pipes, sockets, timers and terminals through a checkpoint, also onto the other platform.
# usage: checkpoint_ipc.sh NV PLATFORMS
guest=ipc
. "$(dirname "$(realpath "$0")")/checkpoint/lib.sh"

gcc -O1 -D_GNU_SOURCE -pthread -o "$tmp/ipc" "$here/checkpoint/ipc.c" "$here/checkpoint/ipc_sockets.c" || exit 1
gcc -O1 -D_GNU_SOURCE -o "$tmp/ring" "$here/checkpoint/ring.c" || exit 1

each_to_each 2.5 # by which the wall clock, but no other, goes on

# --- what cannot be saved is not disturbed by the attempt ---
refused() { # refused TIMES: the sandbox, when it waits for the nth time
    for _ in $(seq 400); do
        [ "$(grep -c waits "$tmp/out")" -ge "$1" ] && break
        sleep 0.05
    done
    for _ in 1 2 3; do
        timeout -s KILL 60 "$nv" checkpoint "$id" --check >"$tmp/save" 2>&1
    done
    grep -q 'io_uring' "$tmp/save" || echo "not refused" >>"$tmp/out"
    grep -q 'of its kind' "$tmp/save" && echo "refused twice" >>"$tmp/out"
}
for platform in $platforms; do
    rm -f "$tmp/lines" && mkfifo "$tmp/lines" && : >"$tmp/out"
    timeout -s KILL 60 "$nv" run --io-uring --platform="$platform" --id "$id" -- "$tmp/ring" <"$tmp/lines" >"$tmp/out" 2>&1 &
    exec 7>"$tmp/lines"
    for i in 1 2; do
        refused $i
        (echo >&7) # in a shell of its own, for it may be of SIGPIPE
    done
    refused 3
    exec 7>&-
    wait $!
    is "a refused checkpoint of a ring changes nothing" "$? $(grep -v waits "$tmp/out")" "0 a read: 2 submitted, 2 done
a timeout behind a read: 2 submitted, 2 done
a time limit: ETIME, not early"
done
echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
