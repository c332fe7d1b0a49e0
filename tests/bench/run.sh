#!/usr/bin/env bash
# The micro benchmark natively and on each platform, as a table; whole commands below it.
# usage: run.sh NV PLATFORMS nvmicro.c BUILD_DIR
set -eu
nv=$(realpath "$1") platforms=$2 source=$3 out=$4
[ -f "$source" ] || { echo "bench: $source not found: give the benchmark's source as BENCH=path" >&2; exit 2; }
gcc -O2 -static -o "$out/nvmicro" "$source" -lpthread
bin=$(realpath "$out/nvmicro")
seconds=${SECONDS_PER_ROW:-0.25}
timeout 300 "$bin" "$seconds" >"$out/bench.native"
for p in $platforms; do timeout 300 "$nv" run --platform="$p" -- "$bin" "$seconds" >"$out/bench.$p" || true; done
awk -v platforms="$platforms" '
    BEGIN { n = split(platforms, p, " "); printf "%-28s %10s", "op (ns)", "native"; for (i = 1; i <= n; i++) printf " %10s %7s", p[i], "ratio"; print "" }
    { split(FILENAME, part, "bench."); v[part[2], $1] = $2; if (part[2] == "native") order[++rows] = $1 }
    END { for (r = 1; r <= rows; r++) { op = order[r]; printf "%-28s %10d", op, v["native", op]; for (i = 1; i <= n; i++) if ((p[i], op) in v) printf " %10d %6.1fx", v[p[i], op], v[p[i], op] / v["native", op]; else printf " %10s %7s", "-", "-"; print "" } }
' "$out/bench.native" $(for p in $platforms; do echo "$out/bench.$p"; done)

median() { # of 20 runs, ms
    for _ in $(seq 20); do s=$(date +%s%N); "$@" >/dev/null 2>&1; e=$(date +%s%N); echo $(((e - s) / 1000)); done | sort -n | sed -n 10p | awk '{printf "%.1f", $1 / 1000}'
}
echo
printf '%-44s %s ms\n' "node -e 'console.log(1)', native" "$(median node -e 'console.log(1)')"
for p in $platforms; do
    printf '%-44s %s ms\n' "nv run --platform=$p -- /bin/true" "$(median "$nv" run --platform="$p" -- /bin/true)"
    printf '%-44s %s ms\n' "nv run --platform=$p -- node -e ..." "$(median "$nv" run --platform="$p" -- node -e 'console.log(1)')"
done
