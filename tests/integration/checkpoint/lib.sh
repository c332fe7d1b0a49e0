# A guest program that sets everything up, says "ready", and goes on when there is a file `go`;
# sourced. Needs nv, tmp, id, and the program in guest.

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
