#!/usr/bin/env bash
# Files of every kind through a checkpoint, also onto the other platform, and what is refused.
# usage: checkpoint_files.sh NV PLATFORMS
guest=files
. "$(dirname "$(realpath "$0")")/checkpoint/lib.sh"

gcc -O1 -o "$tmp/files" "$here/checkpoint/files.c" || exit 1

each_to_each
platform=${platforms%% *}

# What is open must be what it was.
if save "$platform" "$tmp/image"; then
    echo more >>"$tmp/shared/log"
    ! restore "$platform" "$tmp/image" "$tmp/out" && grep -q "/mnt/log has changed" "$tmp/out"
    report "refused: a file has changed" $? "$(cat "$tmp/out")"
    rm "$tmp/shared/log"
    ! restore "$platform" "$tmp/image" "$tmp/out" && grep -q "/mnt/log has vanished" "$tmp/out"
    report "refused: a file has vanished" $? "$(cat "$tmp/out")"
else
    report "saved on $platform" 1 "$(cat "$tmp/first" "$tmp/save" 2>&1 | head -c 500)"
fi

# Standard streams are those of the new sandbox: a pipe becomes a file, a pipe, a terminal.
mkfifo "$tmp/fifo"
exec 9<>"$tmp/fifo"
timeout -s KILL 60 "$nv" run --platform="$platform" --id="$id" -- sh -c 'echo on; exec cat' \
    <"$tmp/fifo" >"$tmp/first" 2>&1 &
await "$tmp/first" on
sleep 0.3
timeout -s KILL 30 "$nv" checkpoint "$id" --image-path "$tmp/cat" >"$tmp/save" 2>&1
report "saved in a read of standard input" $? "$(cat "$tmp/save")"
exec 9>&-
wait 2>/dev/null
echo "from a file" >"$tmp/in"
out=$(timeout -s KILL 30 "$nv" restore --platform="$platform" "$tmp/cat" <"$tmp/in" 2>&1)
[ "$out" = "from a file" ]
report "standard input is a file" $? "$out"
out=$(echo "from a pipe" | timeout -s KILL 30 "$nv" restore --platform="$platform" "$tmp/cat" 2>&1)
[ "$out" = "from a pipe" ]
report "standard input is a pipe" $? "$out"
out=$( (sleep 2; printf 'typed\n\004'; sleep 3) |
    timeout -s KILL 30 script -qec "$nv restore --platform=$platform $tmp/cat" /dev/null | tr -d '\r')
[ "$out" = "typed
typed" ]
report "standard streams are a terminal" $? "$out"

echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
