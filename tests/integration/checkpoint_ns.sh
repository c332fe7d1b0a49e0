#!/usr/bin/env bash
# Tasks in namespaces of their own through a checkpoint, also onto the other platform.
# usage: checkpoint_ns.sh NV PLATFORMS
guest=ns
. "$(dirname "$(realpath "$0")")/checkpoint/lib.sh"

gcc -O1 -o "$tmp/ns" "$here/checkpoint/ns.c" || exit 1

each_to_each
echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
