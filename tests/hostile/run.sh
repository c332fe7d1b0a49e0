#!/usr/bin/env bash
# Attacks on the sandbox. usage: run.sh NV PLATFORMS BUILD-DIR [NAME...]
# SEED=n repeats the random parts; HOSTILE_CFLAGS adds to the guests' flags.
set -u
nv=$(realpath "$1")
platforms=$2
bin=$(realpath -m "$3")/hostile
shift 3
only=" $* "
here=$(cd "$(dirname "$0")" && pwd)
seed=${SEED:-20240}
fill_memory=64M oom_memory=128M exhaust_memory=256M
if [ "${SAN:-0}" = 1 ]; then # shadow memory and quarantine take their part
    fill_memory=512M oom_memory=1G exhaust_memory=1600M
    export ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}quarantine_size_mb=16
fi
tmp=$(mktemp -d)
export TMPDIR=$tmp
trap 'rm -rf "$tmp"' EXIT
passed=0 failed=0

mkdir -p "$bin"
for src in "$here"/guests/*.c; do
    exe=$bin/$(basename "$src" .c)
    [ "$exe" -nt "$src" ] && [ "$exe" -nt "$here/guests/guest.h" ] && [ "$exe" -nt "$here/guests/exhaust.h" ] && [ "$exe" -nt "$here/../../platform/trap/layout.h" ] && continue
    ${CC:-gcc} -D_GNU_SOURCE -std=gnu17 -O1 -g -static -mno-red-zone -pthread -Wall -Wextra -Wno-unused-parameter \
        -Wno-unused-function -Wno-unused-result -I"$here/../.." ${HOSTILE_CFLAGS:-} -o "$exe" "$src" -lrt || exit 1
done
for tool in guard swap; do
    [ "$bin/$tool" -nt "$here/$tool.c" ] || ${CC:-gcc} -D_GNU_SOURCE -O1 -Wall -Wextra -o "$bin/$tool" "$here/$tool.c" || exit 1
done

wanted() { [ "$only" == "  " ] || [[ $only == *" $1 "* ]]; }
result() { # result NAME REASON, where no reason is a success
    if [ -z "$2" ]; then
        passed=$((passed + 1))
        echo "ok      $platform $1"
    else
        failed=$((failed + 1))
        echo "not ok  $platform $1: $2"
        grep -a -m5 -E 'FAIL|nv:|guard:|ERROR|runtime error' "$tmp/out" | sed 's/^/        /'
        tail -3 "$tmp/out" | sed 's/^/        /'
    fi
}
# What is not the guest's doing: the sentry's death, a sanitizer, a hang, remains.
verdict() { # verdict CODE WANTED-CODES
    [ "$1" -eq 99 ] && echo "it hangs" && return
    [ "$1" -eq 98 ] && echo "processes are left behind" && return
    grep -a -q -E '^nv: the sandbox ended without an answer|ERROR: (Address|Leak)Sanitizer|[a-z]:[0-9]+:[0-9]+: runtime error:' "$tmp/out" &&
        echo "the sentry or gofer broke (exit $1)" && return
    grep -a -q "^FAIL " "$tmp/out" && echo "the guest saw failures" && return
    [[ " $2 " == *" $1 "* ]] || echo "exit $1, expected $2"
}
attack() { # attack NAME SECONDS CODES NV-OPTIONS -- PROGRAM ARGS
    local name=$1 seconds=$2 codes=$3
    shift 3
    wanted "$name" || return
    "$bin/guard" "$seconds" "$nv" run --platform="$platform" "$@" >"$tmp/out" 2>&1 </dev/null
    result "$name" "$(verdict $? "$codes")"
}

# --- the file service: a mount with links that point out of it, and a host that swaps names ---
secret=NVSECRETWORD
shifted=$(tr 'A-Z' 'B-ZA' <<<$secret)
files() {
    local m=$tmp/mount o=$tmp/outside before after code=0
    wanted files || return
    rm -rf "$m" "$o"
    mkdir -p "$m"/in "$m"/flip/sub/deep "$o"/sub/deep
    for f in secret victim sub/deep/secret; do echo $secret >"$o/$f"; done
    echo inside >"$m/flip/secret"; echo inside >"$m/flip/sub/deep/secret"; echo x >"$m/flip/victim"; echo f >"$m/in/file"
    ln -s "$o" "$m/flop"; ln -s "$o" "$m/out"; ln -s ../outside "$m/out-relative"; ln -s "$o/secret" "$m/file-out"
    ln -s file-out "$m/chain"; ln -s .. "$m/up"; ln -s .. "$m/in/up"; ln -s /proc/self/root "$m/procroot"
    ln -s /proc/self/fd/3 "$m/procfd"; ln -s loop "$m/loop"; mkfifo "$m/fifo"; ln -s /dev/kmsg "$m/dev"
    before=$(cd "$o" && find . -printf '%p %m %s %T@ %U\n' | sort; cat "$o"/secret "$o"/victim)
    "$bin/swap" "$m/flip" "$m/flop" & local swapper=$!
    # The root is an empty one, so that /mnt is all there is of the host.
    rm -rf "$tmp/root"; mkdir -p "$tmp"/root/{mnt,tmp,proc,dev,bin}; cp "$bin/escape" "$tmp/root/bin/"
    "$bin/guard" 30 "$nv" run --platform="$platform" --rootfs "$tmp/root" --mount "$m:/mnt" -- \
        /bin/escape 3 "$shifted" "$o/secret" >"$tmp/out" 2>&1 </dev/null || code=$?
    kill $swapper 2>/dev/null; wait $swapper 2>/dev/null
    after=$(cd "$o" && find . -printf '%p %m %s %T@ %U\n' | sort; cat "$o"/secret "$o"/victim)
    local reason=$(verdict $code 0)
    [ "$before" == "$after" ] || reason="files outside of the mount were changed${reason:+; $reason}"
    result files "$reason"
}

secret_path() { # what the sentry's side knows must not be found in the guest's address space
    wanted leaks || return
    mkdir -p "$tmp/nvsecretpath"
    attack leaks 30 0 --mount "$tmp/nvsecretpath:/mnt" -- "$bin/leaks" owtfdsfuqbui
}

grow() { # saves itself first: the attack is on what a restore has mapped
    local code=0
    wanted grow || return
    timeout -s KILL 30 "$nv" run --platform="$platform" --image "$tmp/image" -- "$bin/grow" >"$tmp/out" 2>&1 </dev/null &&
        "$bin/guard" 30 "$nv" restore --platform="$platform" "$tmp/image" >"$tmp/out" 2>&1 </dev/null || code=$?
    result grow "$(verdict $code 0)"
    rm -rf "$tmp/image"
}

# Guests that never rest are stopped, saved and ended from outside, in time.
hog_on() { # hog_on OPTIONS -- PROGRAM KIND, in the background: $nv_pid
    : >"$tmp/out"
    "$nv" run --platform="$platform" --id $id "$@" >>"$tmp/out" 2>&1 </dev/null &
    nv_pid=$!
    for ((i = 0; i < 300; i++)); do
        grep -q -x on "$tmp/out" && "$nv" ps 2>/dev/null | grep -q $id && return
        sleep 0.1
    done
}
hog_ends() { # hog_ends WHAT CODE SECONDS: the one in the background, by then
    local code=0
    timeout "$3" tail --pid="$nv_pid" -f /dev/null || { kill -KILL "$nv_pid"; reason+="$1 takes more than $3 s; "; }
    wait "$nv_pid" || code=$?
    [ $code -eq "$2" ] || reason+="$1: exit $code, expected $2; "
}
ruled() {
    local kind reason= id=hog-$$ code
    wanted ruled || return
    for kind in spin calls signals queue faults bad-faults pipes futexes timers sleeps processes writes walks; do
        code=0
        "$bin/guard" 30 "$nv" run --platform="$platform" --timeout 1 -- "$bin/hogs" $kind >"$tmp/out" 2>&1 </dev/null || code=$?
        [ $code -eq 124 ] || reason+="$kind, --timeout: exit $code; "
        hog_on -- "$bin/hogs" $kind
        timeout -s KILL 30 "$nv" checkpoint $id --leave-running --image-path "$tmp/hog" >"$tmp/saved" 2>&1 ||
            reason+="$kind is not saved: $(head -1 "$tmp/saved"); "
        rm -rf "$tmp/hog" "$tmp/saved"
        timeout -s KILL 30 "$nv" kill $id || reason+="$kind: nv kill fails; "
        hog_ends "$kind, nv kill" 143 30
        hog_on -- "$bin/hogs" $kind
        kill -INT $nv_pid
        hog_ends "$kind, interrupt" 130 30
    done
    result ruled "$reason"
}

deep_saved() { # a process in a hundred thousand directories is saved and goes on elsewhere
    local reason= code=0 id=hog-$$
    wanted depths || return
    hog_on -- "$bin/depths" deep
    timeout -s KILL 60 "$nv" checkpoint $id --image-path "$tmp/hog" >"$tmp/saved" 2>&1 || reason="not saved: $(head -1 "$tmp/saved"); "
    hog_ends "deep directories" 137 60
    [ -n "$reason" ] || timeout -s KILL 60 "$nv" restore --platform="$platform" --timeout 2 "$tmp/hog" >"$tmp/out" 2>&1 </dev/null || code=$?
    [ $code -eq 124 ] || reason+="restored: exit $code"
    rm -rf "$tmp/hog" "$tmp/saved"
    result "depths, saved" "$reason"
}

mounts() { grep -c . /proc/self/mountinfo; }
remains() {
    find /sys/fs/cgroup -maxdepth 3 -type d -name '*nv*' 2>/dev/null | grep -c .
    ls -A "$tmp" | grep -v -x -E 'out|mount|outside|root|nvsecretpath' | grep -c .
}
busybox=$(command -v busybox)
mounts_before=$(mounts) remains_before=$(remains)
echo "seed $seed"
for platform in $platforms; do
    slow=1
    [ "$platform" == ptrace ] && slow=3
    attack syscalls 40 0 -- "$bin/syscalls"
    attack stubjump 120 "0 137" -- "$bin/stubjump"
    attack scribble 90 0 -- "$bin/scribble"
    attack maps 60 0 -- "$bin/maps"
    grow
    secret_path
    attack signals 120 0 -- "$bin/signals"
    attack rings $((60 * slow)) 0 --io-uring -- "$bin/rings"
    attack lengths $((60 * slow)) 0 -- "$bin/lengths"
    attack fuzz 60 0 -- "$bin/fuzz" "$seed" "${FUZZ_SECONDS:-3}"
    attack fuzz-user 60 0 --user 1000:1000 -- "$bin/fuzz" "$((seed + 1))" "${FUZZ_SECONDS:-3}"
    attack bombs 200 0 -- "$bin/bombs"
    for what in files tasks ipc; do
        attack "exhaust-$what" $((160 * slow)) 0 --memory "$exhaust_memory" -- "$bin/exhaust_$what"
    done
    attack oom 60 0 --memory "$oom_memory" -- "$bin/oom"
    attack hogs 200 0 -- "$bin/hogs"
    ruled
    attack depths $((180 * slow)) 0 --memory 1G -- "$bin/depths"
    deep_saved
    attack fill 60 "0" --memory "$fill_memory" -- "$bin/fill"
    attack elves-static 100 0 -- "$bin/elves" "$seed" 300 "$busybox"
    attack elves-dynamic 100 0 -- "$bin/elves" "$((seed + 1))" 300 /bin/true
    attack scripts 60 0 -- "$bin/scripts"
    files
    [ "$(mounts)" == "$mounts_before" ] && [ "$(remains)" == "$remains_before" ] && reason= || reason="mounts, cgroups or files: $(mounts) $(remains), before: $mounts_before $remains_before"
    result "nothing left behind" "$reason"
done
echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
