#!/usr/bin/env bash
# Tasks in namespaces of their own through a checkpoint, also onto the other platform.
# usage: checkpoint_ns.sh NV PLATFORMS
set -u
. "$(dirname "$(realpath "$0")")/../lib.sh"
nv=$(realpath "$1")
platforms=$2
here=$(cd "$(dirname "$0")" && pwd)
tmp=$(mktemp -d /var/tmp/nv-test-XXXXXX)
trap 'rm -rf "$tmp"' EXIT
id=ns$$

gcc -O1 -o "$tmp/ns" "$here/checkpoint/ns.c" || exit 1

guest=ns
. "$here/checkpoint/lib.sh"

each_to_each
echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
