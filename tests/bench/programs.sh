#!/usr/bin/env bash
# Whole programs: wall time natively, on each platform, and under runsc where it is installed.
# usage: programs.sh NV PLATFORMS OUT.json
set -eu
nv=$(realpath "$1") platforms=$2 json=$(realpath -m "$3")
runs=${RUNS:-5}
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
cd "$tmp"

# --- what they work on ---
cat >work.js <<'END'
const fs = require('fs'), path = require('path'), d = fs.mkdtempSync('/tmp/w');
for (let i = 0; i < 300; i++) {
    const rows = Array.from({ length: 200 }, (_, k) => ({ id: k, name: 'row ' + k, tags: [i, k, i * k] }));
    fs.writeFileSync(path.join(d, i + '.json'), JSON.stringify(rows));
}
let sum = 0;
for (const f of fs.readdirSync(d)) sum += JSON.parse(fs.readFileSync(path.join(d, f))).reduce((a, r) => a + r.tags[2], 0);
console.log(sum);
END
{
    echo '#include <stdio.h>'
    for i in $(seq 250); do
        printf 'int f%d(int a, int b)\n{\n    int s = 0;\n\n    for (int i = a; i < b; i++)\n        s += i %% (%d + 1) ? i : -i;\n    return s;\n}\n' "$i" "$i"
    done
    echo 'int main(void) { printf("%d\n", f1(1, 2) + f250(3, 4)); return 0; }'
} >big.c
mkdir repo
(cd repo && for i in $(seq 50); do mkdir "d$i"; for k in $(seq 100); do echo "$i $k" >"d$i/f$k"; done; done &&
    git init -q && git add . && git -c user.name=a -c user.email=a@b commit -qm all)
{ echo 'create table t(a integer, b text); begin;'; for i in $(seq 10000); do echo "insert into t values($i, 'row $i');"; done; echo 'commit; select sum(a) from t;'; } >sql

# --- the table: name|command ---
programs="true|/bin/true
node -e|node -e 'console.log(1)'
node, files and JSON|node work.js
gcc, 2,000 lines|gcc -O1 -c big.c -o /tmp/big.o
git status, 5,000 files|git -C repo status
find / -xdev|find / -xdev
sqlite, 10,000 inserts|rm -f /tmp/bench.db; sqlite3 /tmp/bench.db < sql
python3 -c pass|python3 -c pass"

median_ms() { # COMMAND...
    for _ in $(seq "$runs"); do
        s=$(date +%s%N)
        "$@" >/dev/null 2>&1 </dev/null || true
        e=$(date +%s%N)
        echo $(((e - s) / 1000))
    done | sort -n | sed -n "$(((runs + 1) / 2))p" | awk '{printf "%.1f", $1 / 1000}'
}
columns=$platforms
command -v runsc >/dev/null && [ "$(id -u)" = 0 ] && columns="$columns runsc"
printf '%-26s %10s' 'program (ms)' native
for c in $columns; do printf ' %10s %7s' "$c" ratio; done
echo
rows=
while IFS='|' read -r name command; do
    word=${command%% *}
    [ "$word" = rm ] && word=sqlite3
    command -v "$word" >/dev/null || { printf '%-26s %s\n' "$name" "$word is not installed"; continue; }
    base=$(median_ms bash -c "$command")
    row="\"native\": $base"
    printf '%-26s %10s' "$name" "$base"
    for c in $columns; do
        case $c in
        runsc) ms=$(median_ms runsc --network=none --ignore-cgroups do bash -c "cd $tmp; $command") ;;
        *) ms=$(median_ms "$nv" run --platform="$c" -- bash -c "$command") ;;
        esac
        row="$row, \"$c\": $ms"
        printf ' %10s %6.2fx' "$ms" "$(awk "BEGIN { print $ms / $base }")"
    done
    echo
    rows="$rows${rows:+,
}  {\"program\": \"$name\", $row}"
done <<<"$programs"
printf '[\n%s\n]\n' "$rows" >"$json"
