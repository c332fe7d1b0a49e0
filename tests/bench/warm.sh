#!/usr/bin/env bash
# Warmed functions: from the command to the result, the same through nv serve, and what a sandbox
# that waits costs. Medians; every row is from one run on one machine.
# usage: warm.sh NV OUT.json; RUNS (50)
set -eu
nv=$(realpath "$1") json=$(realpath -m "$2") here=$(dirname "$(realpath "$0")")
runs=${RUNS:-50}
tmp=$(mktemp -d)
server=
trap 'kill $server 2>/dev/null || true; rm -rf "$tmp"' EXIT
cd "$tmp"
export NV_IMAGE_DIR=$tmp/images NV_STATE_DIR=$tmp/state XDG_RUNTIME_DIR=$tmp
mkdir images
cat >hello.js <<'END'
exports.handler = async (event) => ({ greeting: `hello ${event.name}` });
END
echo "require('$tmp/hello.js').handler({ name: 'x' }).then((r) => console.log(JSON.stringify(r)))" >native.js
gcc -O1 -o ask "$here/../checkpoint/ask.c"

median() { # MS of CMD, from its start to the first line of output
    python3 - "$runs" "$@" <<'P'
import subprocess, sys, time
def once():
    t = time.perf_counter()
    p = subprocess.Popen(sys.argv[2:], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    p.stdout.readline()
    t = time.perf_counter() - t
    p.stdout.read()
    p.wait()
    return t * 1000
once()
a = sorted(once() for _ in range(int(sys.argv[1])))
print(f"{a[len(a) // 2]:.2f} {a[len(a) * 99 // 100]:.2f}")
P
}
rows=()
row() { # NAME VALUE UNIT
    printf '%-60s %10s %s\n' "$1" "$2" "$3"
    rows+=("{\"name\": \"$1\", \"value\": $2, \"unit\": \"$3\"}")
}
pair() { # NAME "MEDIAN P99"
    row "$1" "${2% *}" ms
    row "$1, p99" "${2#* }" ms
}

"$nv" warm hello.js -o hello 2>warm.err
row "warm: save, with digests, to disk" "$(sed 's/.*saved in \([0-9]*\) ms.*in \([0-9]*\) ms.*/\1 + \2/' warm.err | xargs expr)" ms
row "image of a warmed Node" "$(du -sk images/hello | cut -f1)" KiB
pair "native node, cold, to the result" "$(median node native.js)"
pair "nv run --cold hello.js" "$(median "$nv" run --cold hello.js --event '{"name":"x"}')"
pair "nv invoke hello" "$(median "$nv" invoke hello --event '{"name":"x"}')"
"$nv" warm --runtime node -o node 2>/dev/null
pair "nv run hello.js with the runtime image" "$(median "$nv" run hello.js --event '{"name":"x"}')"
"$nv" run --image ask -- ./ask >/dev/null
pair "nv restore of a small C program" "$(median "$nv" restore ask)"

serve() { # OPTIONS
    "$nv" serve --listen 127.0.0.1:18955 "$@" hello=hello 2>/dev/null &
    server=$!
    for i in $(seq 50); do curl -sf http://127.0.0.1:18955/healthz >/dev/null && return; sleep 0.1; done
}
load() { # CONNECTIONS SECONDS PAUSE: requests per second, p50, p99
    python3 - "$@" <<'P'
import http.client, sys, threading, time
n, seconds, pause = int(sys.argv[1]), float(sys.argv[2]), float(sys.argv[3])
took = []
def client():
    c = http.client.HTTPConnection("127.0.0.1", 18955)
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        t = time.perf_counter()
        c.request("POST", "/hello", '{"name":"x"}')
        r = c.getresponse()
        body = r.read()
        if r.status == 200:
            took.append(time.perf_counter() - t)
        time.sleep(pause)
threads = [threading.Thread(target=client) for _ in range(n)]
[t.start() for t in threads]
[t.join() for t in threads]
took.sort()
print(f"{len(took) / seconds:.0f} {took[len(took) // 2] * 1000:.2f} {took[len(took) * 99 // 100] * 1000:.2f}")
P
}
wrk_load() { # SECONDS: requests per second and latencies, by wrk
    printf 'wrk.method = "POST"\nwrk.body = "{}"\n' >post.lua
    wrk -t1 -c4 -d"$1" --latency -s post.lua http://127.0.0.1:18955/hello |
        awk '/50%/ { p50 = $2 } /99%/ { p99 = $2 } /Requests\/sec/ { rps = $2 } END { print rps, p50, p99 }'
}
ms() { python3 -c 'import re, sys; v, u = re.match(r"([0-9.]+)(\w+)", sys.argv[1]).groups(); print(round(float(v) * {"us": .001, "ms": 1, "s": 1000}[u], 2))' "$1"; }

serve --pool 4
sleep 1
read -r _ p50 p99 <<<"$(load 1 5 0.02)"
row "nv serve, a fresh clone ready: request to response" "$p50" ms
row "nv serve, a fresh clone ready: request to response, p99" "$p99" ms
sleep 1
waiting=$(curl -s http://127.0.0.1:18955/metrics | awk '/^nv_memory_bytes/ { m = $2 } /^nv_sandboxes.*ready/ { n = $2 } END { print int(m / n / 1024) }')
row "own memory of a restored sandbox that waits" "$waiting" KiB
kill $server; wait $server || true
serve --pool 8
read -r rps p50 p99 <<<"$(wrk_load 5)"
row "nv serve, fresh clones, sustained" "$rps" /s
row "nv serve, fresh clones, sustained, p50" "$(ms "$p50")" ms
row "nv serve, fresh clones, sustained, p99" "$(ms "$p99")" ms
kill $server; wait $server || true
serve --pool 4 --reuse
sleep 1
read -r rps p50 p99 <<<"$(wrk_load 5)"
row "nv serve --reuse, sustained" "$rps" /s
row "nv serve --reuse, sustained, p50" "$(ms "$p50")" ms
row "nv serve --reuse, sustained, p99" "$(ms "$p99")" ms
sleep 0.5
served=$(curl -s http://127.0.0.1:18955/metrics | awk '/^nv_memory_bytes/ { m = $2 } /^nv_sandboxes/ { n += $2 } END { print int(m / n / 1024) }')
row "own memory of a sandbox after many requests" "$served" KiB
kill $server; wait $server || true

# The 100th: beside 99 that wait.
own() { # PID...: private memory of processes, KiB
    for p in "$@"; do cat "/proc/$p/smaps_rollup"; done | awk '/^Private_/ { n += $2 } END { print n }'
}
available() { awk '/^MemAvailable/ { print $2 }' /proc/meminfo; }
ready() { curl -s http://127.0.0.1:18955/metrics | awk '/^nv_sandboxes.*ready/ { print $2 }'; }
before=$(available)
serve --pool 99 --max 99
for i in $(seq 100); do [ "$(ready)" = 99 ] && break; sleep 0.1; done
sleep 1
row "memory of the host, kernel's included, a sandbox that waits, of 99" $(((before - $(available)) / 99)) KiB
starter=$(pgrep -P $server)
last=$(pgrep -P "$starter" | tail -2)
# shellcheck disable=SC2046,SC2086
row "own memory of the 99th sandbox that waits" "$(own $last $(for p in $last; do pgrep -P "$p"; done))" KiB
pair "nv invoke hello, the 100th" "$(median "$nv" invoke hello --event '{"name":"x"}')"
kill $server; wait $server || true

printf '[%s]\n' "$(IFS=,; echo "${rows[*]}")" >"$json"
