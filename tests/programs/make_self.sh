# Builds this project with make -j4, runs what it has built.
top=$(cd "$(dirname "$0")/../.." && pwd)
d=$(mktemp -d); trap 'rm -rf "$d"' EXIT
tar -C "$top" --exclude=./build --exclude=./.git -cf - . | tar -C "$d" -xf -; cd "$d" || exit 1
make -j4 O="$d/out" >log 2>&1; echo "make $?"; grep -E '(error|warning):' log | head
out/nv --help | head -3; out/nv syscalls | head -3
make O="$d/out" "$d/out/unit/test_vma" >>log 2>&1; "$d/out/unit/test_vma" | tail -1
