#!/usr/bin/env bash
# Core files of guests: gdb sees in them what it sees in native ones; who gets none; limits.
# usage: core.sh NV PLATFORMS
set -u
. "$(dirname "$(realpath "$0")")/../lib.sh"
here=$(dirname "$(realpath "$0")")
nv=$(realpath "$1")
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
cd "$tmp" || exit 1
gcc -g -O0 -pthread -o crash "$here/core/crash.c" && gcc -O1 -o status "$here/core/status.c" || exit 1
mkdir cores

run() { timeout -s KILL 60 "$nv" run --platform="$platform" --core cores "$@" </dev/null 2>err; }
has() { python3 "$here/core/notes.py" "$1" "$2"; }
# What people look at, without what differs by nature: addresses, ids, the order of threads.
seen() {
    timeout -s KILL 60 gdb -q -batch -nx -ex bt -ex 'x/s global_text' -ex 'p seen_by_debuggers' -ex 'frame 2' \
        -ex 'info locals' -ex 'x/s anonymous+500000' -ex 'x/s guarded+500000' -ex 'thread apply all bt' \
        crash "$1" 2>&1 | grep -v 'too small\|^\[\|^Thread \|^$\|warning\|Core was\|libthread' |
        grep -v 'sysdeps\|nptl' | # where exactly threads are in the C library
        sed 's/0x[0-9a-f]*/ADDR/g; s/ADDR in //; s/^#[0-9]* *//; s/^\(waiter\|spinner\)\(.*\):[0-9]*$/\1\2/' | sort
}

# The reference, where this host leaves core files in the working directory.
native=
if [ "$(cat /proc/sys/kernel/core_pattern)" = core ] && (ulimit -c unlimited) 2>/dev/null; then
    mkdir native && (cd native && ulimit -c unlimited && timeout -s KILL 20 ../crash segv) >/dev/null 2>&1
    native=$(ls native/core* 2>/dev/null | head -1)
fi
for platform in $2; do
    rm -f cores/*
    run -- ./crash segv
    is "exit code" $? 139
    is "one file, of its owner alone" "$(ls -A cores) $(stat -c %a cores/core.crash.1)" "core.crash.1 600"
    first="CORE/1 CORE/3 CORE/53494749 CORE/6 CORE/46494c45 CORE/2 LINUX/202"
    other="CORE/1 CORE/2 LINUX/202"
    is "notes" "$(python3 "$here/core/notes.py" cores/core.crash.1)" "$first $other $other $other LINUX/205"
    is "readelf" "$(readelf -hl cores/core.crash.1 2>&1 | grep -c 'CORE (Core file)\|LOAD')" "$(($(readelf -hl cores/core.crash.1 | grep -c LOAD) + 1))"
    is "backtrace" "$(seen cores/core.crash.1 | grep -c 'deeper (depth=[0-3], message=ADDR "a message on the heap")')" 10
    is "memory" "$(has cores/core.crash.1 'text in anonymous memory') $(has cores/core.crash.1 'text behind PROT_NONE') $(has cores/core.crash.1 'text in shared memory')" "1 1 1"
    is "sparse" "$(($(stat -c %b cores/core.crash.1) < $(stat -c %s cores/core.crash.1) / 2048))" 1
    if [ -n "$native" ]; then
        seen "$native" >native.txt; seen cores/core.crash.1 >here.txt
        report "$platform gdb sees what it sees in a native one" "$(cmp -s native.txt here.txt; echo $?)" "$(diff native.txt here.txt | head -5)"
    fi
    is "abort" "$(run -- ./status "$PWD/crash" abort)" "signal 6 core 1 code dumped status 6"
    is "wait status" "$(run -- ./status "$PWD/crash" segv)" "signal 11 core 1 code dumped status 11"
    rm -f cores/*
    is "limit 0" "$(run -- ./status "$PWD/crash" limit 0) $(ls -A cores)" "signal 11 core 0 code killed status 11 "
    is "not dumpable" "$(run -- ./status "$PWD/crash" private) $(ls -A cores)" "signal 11 core 0 code killed status 11 "
    is "SIGTERM" "$(run -- ./status /bin/sh -c 'kill -TERM $$') $(ls -A cores)" "signal 15 core 0 code killed status 15 "
    is "a limit cuts it off" "$(run -- ./status "$PWD/crash" limit 20000) $(($(stat -c %s cores/core.crash.*) <= 20480))" "signal 11 core 1 code dumped status 11 1"
    rm -f cores/*
    run -- ./crash dontdump
    is "MADV_DONTDUMP" "$(has cores/core.crash.1 'text in hidden memory') $(has cores/core.crash.1 'text in anonymous memory')" "0 1"
    run -- ./crash filter 0x1
    is "filter: private" "$(has cores/core.crash.1 'text in shared memory') $(has cores/core.crash.1 'text in anonymous memory')" "0 1"
    run -- ./crash filter 0x2
    is "filter: shared" "$(has cores/core.crash.1 'text in shared memory') $(has cores/core.crash.1 'text in anonymous memory')" "1 0"
    rm -f cores/*
    cp crash 'a b$(x)'; run -- './a b$(x)' segv
    is "hostile name" "$(ls -A cores)" 'core.a_b__x_.1'
    rm -f cores/*
    is "pattern" "$(run -- cat /proc/sys/kernel/core_pattern) $(timeout 20 "$nv" run --platform="$platform" -- cat /proc/sys/kernel/core_pattern)" "core.%e.%p "
    is "without --core" "$(cd cores && timeout -s KILL 20 "$nv" run --platform="$platform" -- sh -c 'ulimit -c unlimited; exec ../status ../crash'; ls -A)" "signal 11 core 0 code killed status 11"
    is "--core-limit" "$(run --core-limit 1M -- sh -c 'for i in 1 2 3 4 5 6 7 8; do ./status ./crash; done' | sort | uniq -c | wc -l) $(grep -c 'was not kept.*--core-limit' err | sed 's/^[1-9][0-9]*$/some/') $(($(du -sk cores | cut -f1) <= 1100))" "2 some 1"
    rm -f cores/*
    is "SIGKILL meanwhile" "$(run -- python3 -c '
import os, signal, time
pid = os.fork()
if pid == 0:
    b = bytearray(os.urandom(1 << 20)) * 300
    os.abort()
time.sleep(1.5)
os.kill(pid, 9)
s = os.wait()[1]
print(os.WIFSIGNALED(s), os.WTERMSIG(s) in (6, 9))') $(ls -A cores | grep -c '^\.')" "True True 0"
    rm -f cores/*
    # Killed while it writes: the file has no name yet. Where it was too late, it is whole.
    timeout -s KILL 60 "$nv" run --platform="$platform" --core cores -- python3 -c 'import os
b = bytearray(os.urandom(1 << 20)) * 400
os.abort()' </dev/null >/dev/null 2>&1 &
    pid=$!
    for _ in $(seq 2000); do
        main=$(pgrep -P $pid)
        for w in $(pgrep -P "${main:-0}"); do ls -l "/proc/$w/fd" 2>/dev/null | grep -q "$tmp/cores/.*\(core\|deleted\)" && break 2; done
        kill -0 $pid 2>/dev/null || break
        sleep 0.01
    done
    kill -KILL "${main:-$pid}"; wait $pid 2>/dev/null
    is "SIGKILL of nv meanwhile" "$(ls -A cores | grep -c '^\.')" 0
    rm -f cores/*
    if command -v node >/dev/null; then
        echo 'function inner(x) { throw new Error("boom " + x); } inner(1);' >boom.js
        run -- node --abort-on-uncaught-exception boom.js
        is "node" "$? $(timeout -s KILL 60 gdb -q -batch -nx -ex bt "$(command -v node)" cores/core.node.1 2>&1 | grep -c 'v8::base::OS::Abort') $(has cores/core.node.1 'boom' | sed 's/^[1-9][0-9]*$/some/')" "133 2 some"
    fi
    rm -f cores/*
    NV_IMAGE_DIR=$tmp/images timeout -s KILL 60 "$nv" run --platform="$platform" --image saved -- python3 -c '
import ctypes
secret = "told before " + "it was saved"
with open("/proc/nv/checkpoint", "w") as f: f.write("save\n")
print(open("/proc/nv/checkpoint").read().split()[0], flush=True)
ctypes.string_at(0)' >saved.out 2>err
    NV_IMAGE_DIR=$tmp/images timeout -s KILL 60 "$nv" restore --platform="$platform" --core cores saved >restored.out 2>>err
    is "a restored program" "$? $(cat restored.out) $(has cores/core.python3.1 'told before it was saved' | sed 's/^[1-9][0-9]*$/some/')" "139 restored some"
done
platform=
is "no such directory" "$("$nv" run --core /no/such -- true 2>&1 | head -1; "$nv" run --core /no/such -- true 2>/dev/null; echo $?)" "$(printf 'nv: --core: /no/such: No such file or directory\n125')"
echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
