#!/usr/bin/env bash
# Bar charts of what run.sh and programs.sh have written: against native (1) and runsc.
# usage: plot.sh BUILD_DIR CHARTS_DIR
set -eu
in=$1 out=$2
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
mkdir -p "$out"

# One line a workload: name, then the columns as multiples of native.
ratios() { # FILE MEMBER
    python3 - "$1" "$2" <<'END'
import json, sys
rows, member = json.load(open(sys.argv[1])), sys.argv[2]
for row in rows:
    values = row[member] if member else row
    native = values.get("native")
    if not native:
        continue
    name = row.get("program") or row.get("op")
    cells = [values.get(c) for c in ("trap", "runsc")]
    print('"%s"' % name, *("%.3f" % (c / native) if c else "NaN" for c in cells))
END
}

chart() { # NAME TITLE WIDTH DATA
    gnuplot <<END
set terminal pngcairo size $3,480 font "sans,11" noenhanced background "#ffffff"
set output "$out/$1.png"
set title "$2"
set style data histogram
set style histogram clustered gap 1
set style fill solid 0.9 border -1
set boxwidth 0.9
set logscale y
set ylabel "times native (less is better)"
set grid ytics lc rgb "#cccccc"
set xtics rotate by -40 nomirror
set key top right horizontal
set bmargin 10
set rmargin 14
# Bars grow from the middle of the scale otherwise: native is a line.
set arrow from graph 0, first 1 to graph 1, first 1 nohead lw 2 lc rgb "#444444" front
plot "$4" using 2:xtic(1) title "nv, trap" lc rgb "#2a7fba", "" using 3 title "runsc" lc rgb "#e0902f"
END
    echo "$out/$1.png"
}

if [ -s "$in/bench-programs.json" ]; then
    ratios "$in/bench-programs.json" wall_ms >"$tmp/wall"
    ratios "$in/bench-programs.json" cpu_ms >"$tmp/cpu"
    chart programs-wall "Whole programs, wall time (native = 1)" 760 "$tmp/wall"
    chart programs-cpu "Whole programs, CPU time of all processes (native = 1)" 760 "$tmp/cpu"
fi
if [ -s "$in/bench.json" ]; then
    ratios "$in/bench.json" "" >"$tmp/micro"
    chart operations "Single operations (native = 1)" 1250 "$tmp/micro"
fi
