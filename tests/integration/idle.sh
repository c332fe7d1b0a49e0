#!/usr/bin/env bash
# An idle sandbox does not wake up: no context switch of any of its threads in two seconds.
# usage: idle.sh NV PLATFORMS
set -u
nv=$(realpath "$1")
passed=0 failed=0

# All processes below pid: "pid tid switches name" of each thread.
switches() {
    local pid=$1 child
    for t in /proc/"$pid"/task/*; do
        awk -v id="$pid ${t##*/}" '/^Name/{n=$2} /ctxt_switches/{s+=$2} END{print id, s, n}' "$t/status" 2>/dev/null
    done
    for child in $(cat /proc/"$pid"/task/*/children 2>/dev/null); do
        switches "$child"
    done
}
try() { # try NAME COMMAND...
    local name=$1 before after
    shift
    timeout -s KILL 30 "$nv" run --platform="$platform" -- "$@" </dev/null >/dev/null 2>&1 &
    local pid=$!
    sleep "${SETTLE:-2}"
    pid=$(cat /proc/$pid/task/$pid/children) # not timeout(1) itself
    before=$(switches ${pid%% *})
    sleep 2
    after=$(switches ${pid%% *})
    kill -KILL ${pid%% *} 2>/dev/null
    wait 2>/dev/null
    if [ -n "$before" ] && [ "$(wc -l <<<"$before")" -ge 4 ] && [ "$before" == "$after" ]; then
        passed=$((passed + 1))
        echo "ok      $platform idle $name"
    else
        failed=$((failed + 1))
        echo "FAILED  $platform idle $name: pid, thread, context switches, name before and after:"
        diff <(echo "$before") <(echo "$after")
    fi
}
for platform in $2; do
    try sleep sleep 20
    try node node -e 'setTimeout(() => {}, 20000)'
    try shell bash -c 'sleep 20 | cat'
done
echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
