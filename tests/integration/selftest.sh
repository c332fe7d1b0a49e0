#!/usr/bin/env bash
# nv selftest: holds on this host, as root and as an ordinary user, and tells of each hole that a
# filter is given on purpose. usage: selftest.sh NV PLATFORMS
set -u
. "$(dirname "$(realpath "$0")")/../lib.sh"
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
chmod 755 "$tmp"
cp "$(realpath "$1")" "$tmp/nv" && nv=$tmp/nv
cd "$tmp" || exit 1

self() { timeout -s KILL 200 "$nv" selftest --platform="$platform" "$@" </dev/null 2>"$tmp/err"; }
holes() { # holes POSITION NUMBER NAME: exit code, and is the call named?
    self --weaken "$1:$2" >out
    echo "$? $(grep -c "PASSED $3:" out) $(grep -c '^FAILED' out)"
}

for platform in $2; do
    self >out; code=$?
    report "$platform it holds" $code out
    is "four positions" "$(grep -c 'forbidden calls tried' out)" 4
    is "as nv serve starts them, for root" "$(grep -c 'of nv serve' out)" "$([ "$(id -u)" = 0 ] && echo 3 || echo 0)"
    is "json" "$(self --json | python3 -c '
import json, sys
r = json.load(sys.stdin)
print(r["holds"], r["platform"], all(p["tried"] == p["refused"] > 1000 for p in r["positions"]),
      all(f["holds"] for f in r["facts"]), len(r["facts"]) > 50)')" "True $platform True True True"
    is "a hole of the sentry" "$(holes sentry 111 getpgrp)" "1 1 1"
    is "a hole of the gofer" "$(holes gofer 110 getppid)" "1 1 1"
    if [ "$platform" = trap ]; then
        is "a hole of the stub" "$(holes stub 110 getppid)" "1 2 2" # and so of all guest code
        is "one that ends the process" "$(holes stub 60 exit | cut -d' ' -f1,2)" "1 2"
    fi
    if [ "$(id -u)" = 0 ] && command -v setpriv >/dev/null; then
        code=$(timeout -s KILL 200 setpriv --reuid 65533 --regid 65533 --clear-groups \
            "$nv" selftest --platform="$platform" >out 2>&1 </dev/null; echo $?)
        is "as an ordinary user" "$code $(tail -1 out)" \
            "0 nv selftest: platform $platform: filters and confinement hold"
    fi
done
platform=
is "bad use" "$("$nv" selftest --weaken nobody:1 >/dev/null 2>&1; echo $?) $("$nv" selftest --nonsense >/dev/null 2>&1; echo $?)" "2 2"
is "help" "$("$nv" selftest --help | head -1 | cut -c1-18)" "usage: nv selftest"
echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
