#!/usr/bin/env bash
# Whole programs: wall time, and CPU time of all processes together, natively, on each platform, and
# under runsc where it is installed.
# usage: programs.sh NV PLATFORMS COST OUT.json; RUNS and ONLY (a pattern of names) narrow it down
set -eu
nv=$(realpath "$1") platforms=$2 cost=$(realpath "$3") json=$(realpath -m "$4")
only=${ONLY:-*}
# A wrapper that chooses among interpreters is not what is to be measured.
python=$(python3 -c 'import sys; print(sys.executable)' || echo python3)
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
python3 -c pass|$python -c pass"

columns="native $platforms"
command -v runsc >/dev/null && [ "$(id -u)" = 0 ] && columns="$columns runsc"

measured() { # COLUMN COMMAND: "wall cpu", or nothing when it failed
    case $1 in
    native) "$cost" "$runs" bash -c "$2" ;;
    runsc) "$cost" "$runs" runsc --network=none --ignore-cgroups do bash -c "cd $tmp; $2" ;;
    *) "$cost" "$runs" "$nv" run --platform="$1" -- bash -c "$2" ;;
    esac
}
printf '%-24s' 'ms: wall, CPU'
for c in $columns; do printf ' | %8s %8s %6s' "$c" CPU "$([ "$c" = native ] || echo ratio)"; done
echo
rows=
while IFS='|' read -r name command; do
    # shellcheck disable=SC2254
    case $name in $only) ;; *) continue ;; esac
    word=${command%% *}
    [ "$word" = rm ] && word=sqlite3
    command -v "$word" >/dev/null || { printf '%-24s %s\n' "$name" "$word is not installed"; continue; }
    wall= cpu= base=
    printf '%-24s' "$name"
    for c in $columns; do
        read -r w u <<<"$(measured "$c" "$command")" || true
        [ -n "${w:-}" ] || { printf ' | %8s %8s %6s' failed - -; continue; }
        wall="$wall${wall:+, }\"$c\": $w" cpu="$cpu${cpu:+, }\"$c\": $u"
        ratio=
        [ "$c" = native ] && base=$w
        [ "$c" != native ] && [ -n "$base" ] && ratio=$(awk "BEGIN { printf \"%.2fx\", $w / $base }")
        printf ' | %8s %8s %6s' "$w" "$u" "$ratio"
    done
    echo
    rows="$rows${rows:+,
}  {\"program\": \"$name\", \"wall_ms\": {$wall}, \"cpu_ms\": {$cpu}}"
done <<<"$programs"
printf '[\n%s\n]\n' "$rows" >"$json"
