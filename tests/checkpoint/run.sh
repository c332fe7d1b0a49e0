#!/usr/bin/env bash
# Checkpoints as their users make them: nv warm, invoke, checkpoint, restore, serve.
# usage: run.sh NV PLATFORMS
set -u
. "$(dirname "$(realpath "$0")")/../lib.sh"
nv=$(realpath "$1")
here=$(dirname "$(realpath "$0")")
tmp=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null; rm -rf "$tmp"' EXIT
cd "$tmp" || exit 1
cp "$nv" "$tmp/nv" && nv=$tmp/nv # processes of this run are told by their name
cp "$here/function.js" "$here/helper.js" .
export NV_STATE_DIR=$tmp/state NV_IMAGE_DIR=$tmp/images XDG_RUNTIME_DIR=$tmp
mkdir -p images
CLONES=${CLONES:-20} # make checkpoint-soak has more
KILLS=${KILLS:-10}
many=100
[ "${SAN:-0}" = 1 ] && many=50 # each takes ten times as long
# A port that is free now, also of other runs of this script.
address=127.0.0.1:$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')

nv() { timeout -s KILL 60 "$nv" "$@" 2>>err; }
field() { python3 -c 'import json,sys; v=json.load(sys.stdin)
for k in sys.argv[1].split("."): v=v[int(k)] if isinstance(v,list) else v[k]
print(v)' "$1"; }

gcc -O1 -o ask "$here/ask.c" || exit 1

for platform in $2; do
    rm -rf images/*; cat err >>all.err 2>/dev/null; : >err
    on=--platform=$platform
    # --- warm, invoke ---
    is "warm" "$(nv warm $on function.js -o f; echo $?)" 0
    is "warm again is up to date" "$(timeout 20 "$nv" warm $on function.js -o f 2>&1)" "nv: f: up to date"
    cp function.js changed.js; echo >>changed.js
    is "another file is another image" "$(nv warm $on changed.js -o g; nv warm $on function.js -o g 2>&1 | grep -c 'up to date'; "$nv" image ls --json | grep -c '"name"')" "$(printf '0\n2')"
    nv invoke $on f --env NV_TEST=yes --event '{"name":"x"}' >answer
    is "the handler was called and init has run" "$(field ready <answer) $(field calls <answer) $(field name <answer) $(field variable <answer) $(field generation <answer)" "True 4 x yes 1"
    is "monotonic time went on, wall time jumped" "$(python3 -c 'import json,time; a=json.load(open("answer")); print(0 <= a["monotonic"] < 20, abs(a["wall"]/1000-time.time()) < 20)')" "True True"
    is "logs go to standard error" "$(timeout 20 "$nv" invoke $on f 2>&1 >/dev/null)" called
    is "an exception" "$(nv invoke $on f --event '{"fail":"on purpose"}'; echo $?; grep -c 'Error: on purpose' err)" "$(printf '1\n1')"
    is "an exit" "$(nv invoke $on f --event '{"exit":7}'; echo $?)" 7
    is "a timeout" "$(nv invoke $on f --timeout 0.5 --event '{"sleep":9000}'; echo $?)" 124
    is "a large result" "$(nv invoke $on f --event '{"large":3000000}' | wc -c)" 3000003
    python3 -c 'import json; print(json.dumps({"name": "y" * 300000}))' >big.json
    is "a large event" "$(nv invoke $on f --event @big.json | field name | wc -c)" 300001
    is "helper threads are done before it is saved" "$(nv warm $on helper.js -o h; nv invoke $on h)" '"done"'
    is "a bad event" "$(nv invoke $on f --event '{'; echo $?)" 2
    is "no such image" "$(nv invoke $on nosuch; echo $?)" 125

    # --- clones ---
    for i in $(seq "$CLONES"); do nv invoke $on f >>clones; done
    is "$CLONES clones share nothing that is random" "$(python3 - <<'P'
import json
a = [json.loads(l) for l in open("clones")]
columns = [[x["random"][k] for x in a] for k in range(4)] + [[x["hostname"] for x in a], [x["boot"] for x in a]]
print(len(a), [len(set(c)) == len(a) for c in columns])
P
)" "$CLONES [True, True, True, True, True, True]"
    rm -f clones
    is "fifty at once" "$(nv invoke $on f --count $many --parallel 50 >out; grep -c ready out)" $many

    # --- a program's own checkpoint ---
    is "a program saves itself" "$(nv run $on --image self -- ./ask)" "saved heap 7, soon"
    sleep 2.5
    for to in $2; do
        is "restored on $to" "$(nv restore --platform="$to" self)" "restored 1 heap 7, soon"
    done
    is "restored without standard input" "$(nv restore $on self <&-)" "restored 1 heap 7, soon"
    is "nowhere to" "$(nv run $on -- ./ask; echo $?)" 1

    # --- from outside ---
    timeout 60 "$nv" run $on --id box -- sh -c 'i=0; while [ $i -lt 50 ]; do echo $i; i=$((i+1)); sleep 0.1; done' >box.out 2>>err &
    sleep 1
    is "nothing is in the way" "$(nv checkpoint box --check; echo $?)" 0
    is "saved while it goes on" "$(nv checkpoint box --leave-running --image-path one; echo $?; kill -0 $! && echo runs)" "$(printf '0\nruns')"
    nv checkpoint box --image-path two; code=$?
    wait $!
    is "saved and ended" "$code $?" "0 137"
    for to in $2; do :; done # the last platform
    timeout 60 "$nv" restore --platform="$to" --id again two >>box.out 2>>err &
    lines=$(wc -l <box.out)
    for i in $(seq 100); do [ "$(wc -l <box.out)" -gt $((lines + 4)) ] && break; sleep 0.1; done
    is "a restored one is listed" "$(nv ps | grep -c '^again .* sh$')" 1
    nv checkpoint again --image-path three; code=$?
    wait $!
    is "and saved again" "$code $?" "0 137"
    nv restore $on three >>box.out
    is "every line once" "$(cat box.out)" "$(seq 0 49)"
    is "unknown id" "$(nv checkpoint nobody --image-path x; echo $?)" 125

    # --- images that are wrong ---
    cp -r images/f broken && chmod -R u+w broken
    printf 'X' | dd of=broken/kernel bs=1 seek=5000 conv=notrunc 2>/dev/null
    is "a changed image is refused" "$(nv invoke $on ./broken; echo $?)" 125
    bad=0
    for at in $(seq 100 1237 30000); do
        cp images/f/kernel broken/kernel; chmod u+w broken/kernel
        printf '\377\377\377' | dd of=broken/kernel bs=1 seek="$at" conv=notrunc 2>/dev/null
        timeout -s KILL 20 "$nv" invoke $on --trust --timeout 3 ./broken >/dev/null 2>one.err
        code=$?
        [ $code -le 192 ] || bad=$((bad + 1)) # refused, answered, or the guest died of some signal
        grep -aqE 'AddressSanitizer|runtime error|without an answer' one.err && { bad=$((bad + 1)); cp one.err "wrong.$at"; }
    done
    is "records that are wrong never break the sentry" $bad 0
    truncate -s 20000 broken/kernel
    is "a short image" "$(nv invoke $on --trust ./broken; echo $?)" 125
    rm -rf broken

    # --- killed on the way ---
    for i in $(seq "$KILLS"); do
        "$nv" warm $on --force function.js -o f 2>/dev/null & p=$!
        sleep "0.$(printf %03d $((RANDOM % 300)))"; kill -9 $p 2>/dev/null; wait $p 2>/dev/null
        "$nv" invoke $on f >/dev/null 2>&1 & p=$!
        sleep "0.0$(printf %02d $((RANDOM % 30)))"; kill -9 $p 2>/dev/null; wait $p 2>/dev/null
    done
    sleep 0.5
    is "$KILLS kills left the image whole" "$(nv invoke $on f | field ready)" True
    is "and no process" "$(pgrep -f "^$tmp/nv" | wc -l)" 0

    # --- serve ---
    "$nv" serve $on --listen $address --pool 1 --max 2 --queue 1 --timeout 2 f=f 2>>err & server=$!
    url=http://$address
    for i in $(seq 50); do curl -sf $url/healthz >/dev/null && break; sleep 0.1; done
    post() { curl -s -m 10 -o body -w '%{http_code}' -d "$2" "$url/$1"; }
    is "serve" "$(post f '{"name":"web"}') $(field name <body) $(field calls <body)" "200 web 4"
    is "serve again is a fresh one" "$(post f '{}') $(field calls <body)" "200 4"
    is "serve: an exception" "$(post f '{"fail":"oops"}') $(grep -c oops body)" "500 1"
    is "serve: the sandbox ends" "$(post f '{"exit":3}')" 502
    is "serve: too slow" "$(post f '{"sleep":9000}')" 504
    is "serve: not JSON, no such function, wrong method" "$(post f '{') $(post g '{}') $(curl -s -o body -w '%{http_code}' $url/f)" "400 404 405"
    for i in 1 2 3 4 5 6; do curl -s -m 10 -o /dev/null -w '%{http_code}\n' -d '{"sleep":800}' $url/f >"code.$i" & done
    wait $(jobs -p | grep -v "^$server\$")
    is "serve: too many" "$(cat code.* | sort -u | tr '\n' ' ')" "200 429 "
    is "serve: figures" "$(curl -s $url/metrics | grep -c '^nv_requests_total{function="f",code="2xx"}')" 1
    curl -s -m 10 -o late -d '{"sleep":700}' $url/f & late=$!
    sleep 0.3; kill -TERM $server
    wait $late; wait $server
    is "serve: the last request is answered" "$? $(field ready <late)" "0 True"
    "$nv" serve $on --listen $address --reuse --pool 0 --idle 2 f=f 2>>err & server=$!
    for i in $(seq 50); do curl -sf $url/healthz >/dev/null && break; sleep 0.1; done
    is "serve --reuse goes on with the same" "$(post f '{}'; mv body first; post f '{}'; field calls <first; field calls <body)" "$(printf '2002004\n5')"
    kept() { curl -s $url/metrics | grep 'nv_sandboxes{' | awk '{n += $2} END {print n}'; }
    for i in $(seq 100); do [ "$(kept)" = 0 ] && break; sleep 0.1; done
    is "serve --idle keeps none" "$(kept)" 0
    kill -TERM $server; wait $server
    "$nv" serve $on --listen $address --concurrency 3 --max 1 --timeout 8 f=f 2>>err & server=$!
    for i in $(seq 50); do curl -sf $url/healthz >/dev/null && break; sleep 0.1; done
    for i in 1 2 3; do curl -s -m 10 -o "meet.$i" -d '{"meet":3}' $url/f & done
    wait $(jobs -p | grep -v "^$server\$")
    is "serve --concurrency: three in one sandbox at once" "$(for i in 1 2 3; do field calls <meet.$i; done | sort -u)" 6
    is "and the next after them" "$(post f '{}') $(field calls <body)" "200 7"
    curl -s -m 20 -o slow -w '%{http_code}' -d '{"sleep":60000}' $url/f >slow.code & slow=$!
    for i in $(seq 50); do curl -s $url/metrics | grep -q '^nv_in_flight.* 1$' && break; sleep 0.1; done
    sleep 4; post f '{"sleep":5000}' >other.code; wait $slow # still there when the time of the first is up
    is "one that takes too long leaves the others alone" "$(cat other.code slow.code)" 200504
    kill -TERM $server; wait $server
    "$nv" serve $on --listen $address --pool 3 f=f 2>>err & server=$!
    for i in $(seq 50); do curl -sf $url/healthz >/dev/null && break; sleep 0.1; done
    is "serve outlives the process that starts sandboxes" "$(kill -9 "$(pgrep -P $server)"; for i in $(seq 50); do post f '{}' >again && grep 200 again && break; sleep 0.1; done)" 200
    kill -9 $server; wait $server 2>/dev/null
    for i in $(seq 50); do pgrep -f "^$tmp/nv" >/dev/null || break; sleep 0.1; done
    is "serve leaves no process" "$(pgrep -f "^$tmp/nv" | wc -l)" 0
done
cat err >>all.err
grep -aE -A15 "^(==[0-9]+==ERROR|.*: runtime error: )" all.err && failed=$((failed + 1))
[ $failed -eq 0 ] || tail -20 err
echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
