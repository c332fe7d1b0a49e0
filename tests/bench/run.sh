#!/usr/bin/env bash
# The micro benchmark natively, on each platform and under runsc where it is installed, as a table;
# below it whole commands and the memory of an idle sandbox.
# usage: run.sh NV PLATFORMS nvmicro.c BUILD_DIR COST
set -eu
nv=$(realpath "$1") platforms=$2 source=$3 out=$4 cost=$5
[ -f "$source" ] || { echo "bench: $source not found: give the benchmark's source as BENCH=path" >&2; exit 2; }
gcc -O2 -static -o "$out/nvmicro" "$source" -lpthread
bin=$(realpath "$out/nvmicro")
seconds=${SECONDS_PER_ROW:-0.25}
columns=$platforms
runsc="runsc --network=none --ignore-cgroups do"

timeout 300 "$bin" "$seconds" >"$out/bench.native"
for p in $platforms; do timeout 300 "$nv" run --platform="$p" -- "$bin" "$seconds" >"$out/bench.$p" || true; done
if command -v runsc >/dev/null && [ "$(id -u)" = 0 ]; then
    columns="$columns runsc"
    timeout 300 $runsc "$bin" "$seconds" 2>/dev/null | cat >"$out/bench.runsc" || true
fi
awk -v columns="$columns" '
    BEGIN { n = split(columns, p, " "); printf "%-28s %10s", "op (ns)", "native"; for (i = 1; i <= n; i++) printf " %10s %7s", p[i], "ratio"; print "" }
    { split(FILENAME, part, "bench."); v[part[2], $1] = $2; if (part[2] == "native") order[++rows] = $1 }
    END { for (r = 1; r <= rows; r++) { op = order[r]; printf "%-28s %10d", op, v["native", op]; for (i = 1; i <= n; i++) if ((p[i], op) in v) printf " %10d %6.1fx", v[p[i], op], v[p[i], op] / v["native", op]; else printf " %10s %7s", "-", "-"; print "" } }
' "$out/bench.native" $(for c in $columns; do echo "$out/bench.$c"; done)

awk -v columns="native $columns" '
    { split(FILENAME, part, "bench."); v[part[2], $1] = $2; if (part[2] == "native") order[++rows] = $1 }
    END {
        n = split(columns, p, " "); print "["
        for (r = 1; r <= rows; r++) {
            printf "  {\"op\": \"%s\"", order[r]
            for (i = 1; i <= n; i++) if ((p[i], order[r]) in v) printf ", \"%s\": %d", p[i], v[p[i], order[r]]
            print "}" (r < rows ? "," : "")
        }
        print "]"
    }
' "$out/bench.native" $(for c in $columns; do echo "$out/bench.$c"; done) >"$out/bench.json"

row() { printf '%-44s %s\n' "$1" "$2"; }
cost_row() { # LABEL CMD...: wall and CPU time, median of 20 runs
    label=$1
    shift
    row "$label" "$("$cost" 20 "$@" | awk '{ print $1 " ms, CPU " $2 " ms" }')"
}
echo
cost_row "/bin/true, native" /bin/true
cost_row "node -e 'console.log(1)', native" node -e 'console.log(1)'
for p in $platforms; do
    cost_row "nv run --platform=$p -- /bin/true" "$nv" run --platform="$p" -- /bin/true
    cost_row "nv run --platform=$p -- node -e ..." "$nv" run --platform="$p" -- node -e 'console.log(1)'
done
if [ "$columns" != "$platforms" ]; then
    cost_row "runsc do /bin/true" $runsc /bin/true
    cost_row "runsc do node -e ..." $runsc node -e 'console.log(1)'
fi

descendants() { for c in $(pgrep -P "$1"); do echo "$c"; descendants "$c"; done; }
private_kib() { # of all processes of a command that sleeps
    "$@" &
    pid=$!
    sleep 1
    for q in $pid $(descendants $pid); do cat "/proc/$q/smaps_rollup"; done 2>/dev/null | awk '/^Private/ { s += $2 } END { print s }'
    kill $pid 2>/dev/null
    wait $pid 2>/dev/null || true
}
for p in $platforms; do
    row "private memory of nv run --platform=$p -- sleep" "$(private_kib "$nv" run --platform="$p" -- sleep 30) KiB"
done
if [ "$columns" != "$platforms" ]; then
    row "private memory of runsc do sleep" "$(private_kib $runsc sleep 3) KiB"
fi
