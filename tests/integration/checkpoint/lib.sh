# A guest program that sets everything up, says "ready", and goes on when there is a file `go`;
# sourced with the arguments NV PLATFORMS, and the program's name in guest.
set -u
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../lib.sh"
nv=$(realpath "$1")
platforms=$2
tmp=$(mktemp -d /var/tmp/nv-test-XXXXXX)
trap 'rm -rf "$tmp"' EXIT
id=$guest$$

save() { # PLATFORM IMAGE: a sandbox with everything set up becomes an image
    rm -rf "$tmp/shared"
    mkdir "$tmp/shared"
    timeout -s KILL 60 "$nv" run --platform="$1" --id="$id" --mount "$tmp/shared:/mnt" -- \
        "$tmp/$guest" /mnt >"$tmp/first" 2>&1 &
    await "$tmp/first" ready || return 1
    grep -q "ready 0" "$tmp/first" || return 1
    timeout -s KILL 30 "$nv" checkpoint "$id" --image-path "$2" >"$tmp/save" 2>&1 || return 1
    wait %% 2>/dev/null
    rm -f "$tmp/shared/go"
}

restore() { # PLATFORM IMAGE OUT
    : >"$tmp/shared/go"
    timeout -s KILL 60 "$nv" restore --platform="$1" --mount "$tmp/shared:/mnt" "$2" >"$3" 2>&1
    local code=$?
    rm -f "$tmp/shared/go"
    return $code
}

each_to_each() { # [SECONDS]: saved on each platform, restored on each so much later
    for platform in $platforms; do
        for other in $platforms; do
            if save "$platform" "$tmp/image"; then
                sleep "${1:-0}"
                restore "$other" "$tmp/image" "$tmp/out"
                code=$?
                grep -q "done 0" "$tmp/out"
                report "saved on $platform, restored on $other" $((code + $?)) "$(head -c 500 "$tmp/out")"
            else
                report "saved on $platform" 1 "$(cat "$tmp/first" "$tmp/save" 2>&1 | head -c 500)"
            fi
            rm -rf "$tmp/image"
        done
    done
}
