#!/usr/bin/env bash
# What nv does to and with its host: exit codes, streams, signals, options, nothing left behind.
# usage: host.sh NV PLATFORMS
set -u
. "$(dirname "$(realpath "$0")")/../lib.sh"
nv=$(realpath "$1")
here=$(dirname "$(realpath "$0")")
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
cd "$tmp" || exit 1
cp "$nv" "$tmp/nv" && nv=$tmp/nv # processes of this run are told by their name
export NV_STATE_DIR=$tmp/state
mem=64
[ "${SAN:-0}" = 1 ] && mem=256 # of which shadow memory and quarantine take their part

run() {
    timeout -s KILL 20 "$nv" run --platform="$platform" "$@" </dev/null 2>"$tmp/err"
    local code=$?
    grep -aE '^(==[0-9]+==ERROR|.*: runtime error: )' "$tmp/err" >>"$tmp/reports"
    return $code
}
quiet() { run "$@" >/dev/null; echo $?; }

for platform in $2; do
    is "exit code" "$(quiet -- sh -c 'exit 42')" 42
    is "signal" "$(quiet -- sh -c 'kill -9 $$')" 137
    is "not found" "$(quiet -- /no/such/program)" 127
    is "not executable" "$(quiet -- /etc/passwd)" 126
    is "bad option" "$(quiet --no-such-option -- true)" 2
    is "nothing to run" "$(quiet)" 2
    is "timeout" "$(quiet --timeout 0.3 -- sleep 10)" 124
    is "env" "$(run --env NV_X=1 -- sh -c 'echo $NV_X')" 1
    is "cwd" "$(run --cwd /usr -- pwd)" /usr
    is "current directory" "$(run -- pwd)" "$tmp"
    is "hostname" "$(run --hostname box -- uname -n)" box
    is "user" "$(run --user 1000:1001 -- sh -c 'echo $(id -u):$(id -g)')" 1000:1001
    is "cpus" "$(run --cpus 1 -- nproc)" 1
    is "more cpus than there are" "$(quiet --cpus $(($(nproc --all) + 1)) -- true)" 2
    if [ "$(run --memory ${mem}M -- echo can)" = can ]; then
        is "memory" "$(run --memory ${mem}M -- sh -c 'python3 -c "bytearray(1500 << 20)"; echo $?; free -m | awk "/Mem:/ {print \$2}"') $(grep -c 'out of memory' err)" "$(printf '137\n%s' $mem) 1"
        is "memory of files" "$(run --memory ${mem}M -- sh -c 'head -c 400M /dev/zero > /big; stat -c %s /big') $(grep -c 'No space' err)" "$((mem << 19)) 1"
    else # a host without the controller, or not for us: it says so
        is "memory refused" "$(quiet --memory ${mem}M -- true) $(grep -c cgroups err)" "125 1"
    fi
    is "terminal" "$(timeout -s KILL 120 python3 "$here/terminal.py" "$nv" "$platform" 2>&1)" ok
    is "stdin" "$(echo piped | timeout 20 "$nv" run --platform="$platform" -- cat)" piped
    is "large pipe" "$(head -c 3000000 /dev/zero | timeout 20 "$nv" run --platform="$platform" -- wc -c)" 3000000
    run -- sh -c 'echo changed > made-inside; rm -f /etc/hostname; echo x >> /etc/passwd' >/dev/null
    is "host untouched" "$(ls made-inside 2>/dev/null; grep -c '^x$' /etc/passwd)" 0
    mkdir -p share; echo seen > share/in
    is "mount" "$(run --mount "$tmp/share:/mnt" -- sh -c 'cat /mnt/in; echo out > /mnt/out; mv /mnt/out /mnt/out2')" seen
    is "mount is written through" "$(cat share/out2)" out
    is "read-only mount" "$(run --mount "$tmp/share:/mnt:ro" -- sh -c 'echo x > /mnt/no 2>/dev/null; echo $?; ls /mnt')" "$(printf '2\nin\nout2')"
    printf 'one\n' > file; run -- sh -c 'echo two' >> file
    is "shared file offset" "$(cat file)" "$(printf 'one\ntwo')"
    timeout -s KILL 20 "$nv" run --platform="$platform" -- sh -c 'for i in $(seq 30); do /bin/true & /bin/true & /bin/true & wait; done
        echo ready; exec sleep 20' >procs 2>/dev/null &
    pid=$!
    for _ in $(seq 200); do grep -q ready procs && break; sleep 0.05; done
    sentry=$(pgrep -P "$(pgrep -P $pid nv)" nv-sentry)
    n=$(pgrep -P "${sentry:-0}" | wc -l)
    is "processes of programs that started at once are gone" "$((n > 0 && n <= 4))" 1
    pkill -KILL -P $pid nv; wait $pid 2>/dev/null
    timeout -s KILL 20 "$nv" run --platform="$platform" -- sh -c 'trap "echo term; exit 3" TERM; echo ready; while :; do sleep 0.05; done' >sig 2>/dev/null &
    pid=$!
    for _ in $(seq 100); do grep -q ready sig && break; sleep 0.05; done
    pkill -TERM -P $pid nv; wait $pid
    is "signal forwarded" "$? $(tail -1 sig)" "3 term"
    timeout -s KILL 20 "$nv" run --platform="$platform" --id box -- sh -c 'trap "exit 4" TERM; echo ready; while :; do sleep 0.05; done' >box 2>/dev/null &
    pid=$!
    for _ in $(seq 100); do grep -q ready box && break; sleep 0.05; done
    is "ps" "$("$nv" ps | awk '/^box/ {print $1, $4, $5}') $("$nv" ps --json | python3 -c 'import json, sys; print(json.load(sys.stdin)[0]["command"][0])')" "box sh -c sh"
    is "id in use" "$(quiet --id box -- true) $(grep -c 'is running' err)" "125 1"
    "$nv" kill box; wait $pid
    is "kill" "$? $("$nv" ps | wc -l) $(ls state/sandboxes | wc -l)" "4 1 0"
    is "kill nobody" "$("$nv" kill box 2>&1 | head -1)" "nv: no sandbox 'box' is running"
    # Stopped before it listens: it is known, and no guest runs that could say that it is ready.
    rm -f trace
    timeout -s KILL 30 strace -o trace -e trace=bind -e inject=bind:signal=SIGSTOP "$nv" run --platform="$platform" --id box -- \
        sh -c 'trap "exit 5" TERM; echo ready; while :; do sleep 0.05; done' >box 2>/dev/null &
    pid=$!
    await trace 'stopped by SIGSTOP'
    is "kill one that starts" "$("$nv" kill box 2>&1 | head -1) $(cat box)" "nv: sandbox 'box' is only starting, or about to end "
    kill -CONT "$("$nv" ps | awk '/^box/ {print $2}')"
    await box ready
    "$nv" kill box; wait $pid
    is "kill one that is ready" $? 5
    timeout -s KILL 20 "$nv" run --platform="$platform" --id box -- sh -c 'echo second; sleep 10' >box 2>/dev/null &
    for _ in $(seq 100); do grep -q second box && break; sleep 0.05; done
    kill -KILL "$("$nv" ps | awk '/^box/ {print $2}')"
    { wait $!; } 2>/dev/null
    is "id of one that was killed" "$(run --id box -- echo again)" again
    is "no place to register" "$(NV_STATE_DIR=/proc/none run -- echo ran) $(NV_STATE_DIR=/proc/none quiet --id box -- true)" "ran 125"
    is "strace" "$(run --strace=getppid -- /usr/bin/python3 -c 'import os; os.getppid()'; grep -c 'getppid() = ' err)" 1
    is "strace shows what is read" "$(run --strace=read -- head -c 20 /etc/debian_version >out; grep -c "^.*read(3, \"$(head -1 out)" err)" 1
    run --explain -- /usr/bin/python3 -c 'import ctypes; ctypes.CDLL(None).syscall(425, 1, 0)' >/dev/null
    is "explain" "$(grep -c 'io_uring (--io-uring' err)" 1
    run --stat -- /usr/bin/python3 -c 'import os; os.getppid()' >/dev/null
    is "stat" "$(grep -c 'stat: openat ' err) $(grep -c 'calls by thunks' err) $(grep -c 'page faults' err)" "1 1 1"
    is "stat of processes" "$(grep -c 'CPU of the sentry.*of the guest' err) $(grep -c 'CPU of the gofer' err)" "1 1"
    run --stat=json:stat.json -- /usr/bin/python3 -c 'import os; os.getppid()' >/dev/null
    is "stat as JSON" "$(/usr/bin/python3 -c 'import json; s = json.load(open("stat.json")); print(min(len(s["gofer"]), s["guest_faults"]["minor"], s["ways"]["trap"]) > 0, s["gofer_cpu_s"]["user"] >= 0)')" "True True"
    is "stat, bad use" "$(run --stat=xml -- true; echo $?)" 2
    is "patch, bad use" "$(run --patch=always -- true; echo $?)" 2
    run --explain --patch=eager -- true
    is "explained sites" "$(grep -c 'call sites have a thunk' err)" "$([ $platform = trap ] && echo 1 || echo 0)"
    if [ $platform = trap ]; then
        touch before
        HOME=$tmp/home run --perf-map --patch=eager -- /bin/true
        maps=$(find /tmp -maxdepth 1 -name 'perf-*.map' -newer before)
        is "perf finds the stub" "$(ls "$tmp"/home/.debug/.build-id/*/*/elf | wc -l)" 1
        is "perf finds thunks" "$(grep -l 'thunk:libc.*+0x' $maps /dev/null | wc -l)" 1
        rm -f $maps
    fi
    if [ "$(id -u)" = 0 ]; then
        timeout -s KILL 60 "$nv" run --platform="$platform" -- sleep 50 </dev/null 2>/dev/null &
        for _ in $(seq 500); do pid=$(pgrep -f "^$nv run --platform=$platform -- sleep 50" | head -1) && gofer=$(pgrep -P "$pid" nv-gofer) && grep -q Seccomp:.2 "/proc/$gofer/status" && break; sleep 0.02; done
        for ns in net ipc uts mnt; do [ "$(readlink "/proc/$gofer/ns/$ns")" != "$(readlink "/proc/self/ns/$ns")" ] && echo $ns; done | paste -sd' ' >names
        is "gofer's namespaces and capabilities" "$(cat names) $(grep -c 'Cap\(Prm\|Eff\|Bnd\):.000000000000001f' "/proc/$gofer/status")" "net ipc uts mnt 3"
        pkill -KILL -P $! nv; wait $! 2>/dev/null
    fi
    run --timing=json -- true; is "timing" "$(grep -c "exec_loaded_ms.*total_ms" err)" 1
    cat >f.js <<'END'
exports.handler = async (e) => { console.log('log'); if (e.fail) throw new Error('boom'); return { n: e.n + 1 }; };
END
    is "function" "$(run f.js --event '{"n":1}')" '{"n":2}'
    is "function logs" "$(grep -c '^log$' err)" 1
    echo '{"n":41}' >event.json
    is "event from a file" "$(run f.js --event @event.json)" '{"n":42}'
    is "exception" "$(quiet f.js --event '{"fail":1}') $(grep -c boom err)" "1 1"
    is "bad event" "$(quiet f.js --event '{')" 2
    echo 'exports.x = 1' >g.js
    is "no handler" "$(quiet g.js --event '{}')" 2
    echo 'export default (e) => e.a * 2' >h.mjs
    is "module" "$(run h.mjs --event '{"a":4}')" 8
    sleep 0.2
    is "nothing left behind" "$(pgrep -fc "^$nv run")" 0
done
is "syscalls" "$("$nv" syscalls | tail -1 | grep -c 'system calls are served')" 1
is "every verb has a help" "$("$nv" help | sed -n 's/^  nv \([a-z]*\).*/\1/p' | while read -r v; do "$nv" $v --help | grep -c "^usage: nv $v" ; done | sort -u)" 1
if [ "$(id -u)" = 0 ]; then
    is "in a chroot" "$(unshare -m --propagation private sh -c 'for d in bin lib lib64 usr proc dev; do mkdir -p root/$d; mount --rbind /$d root/$d; done
        cp nv root/nv; chroot root /nv run -- true 2>&1 | grep -c "in a chroot: enter"')" 1
fi
is "doctor" "$("$nv" doctor | tail -1)" "nv can run sandboxes here"
is "reports of sanitizers" "$(cat "$tmp/reports")" ""
echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
