#!/usr/bin/env bash
# Programs that keep everything a file has: cp, tar, rsync, getfacl and setfacl, setfattr, flock,
# fallocate, inotifywait. Each prints the same in the sandbox, in its root and in a tmpfs, as here.
# usage: attributes.sh NV PLATFORMS
set -u
. "$(dirname "$(realpath "$0")")/../lib.sh"
nv=$(realpath "$1")
[ "$(id -u)" -eq 0 ] || { echo "attributes.sh needs root"; exit 0; }
tmp=$(mktemp -d /dev/shm/attributes.XXXXXX)
trap 'rm -rf "$tmp"' EXIT

steps() {
    cat <<'STEPS'
show() {
    (cd "$1" || exit
     find . | sort >../names
     grep -v '/l$' ../names | xargs getfacl -np 2>&1
     xargs getfattr -hd <../names 2>&1
     find . -printf '%p %y %m %U %G %n %l %s\n' | grep -v ' d ' | sort
     md5sum f x sparse d/inherited
     stat -c '%n %y' f d)
}
case $1 in
copies)
    mkdir -p src/d/deep; echo hello >src/f; echo '#!/bin/sh' >src/x; chmod 4755 src/x
    ln -s f src/l; ln src/f src/h; mkfifo src/p
    truncate -s 1M src/sparse; printf end | dd of=src/sparse bs=1 seek=500000 conv=notrunc 2>/dev/null
    chown 1000:3000 src/d; chmod 2775 src/d
    setfattr -n user.note -v something src/f; setfattr -n user.dir -v d src/d
    setfacl -m u:2000:rwx,g:3000:r-x,m::rwx src/f; setfacl -d -m u:2000:rwx,o::- src/d
    touch src/d/inherited; mkdir src/d/indir
    touch -d '2001-02-03 04:05:06.123456789' src/f src/d src # rsync looks at seconds
    show src
    cp -a --reflink=auto --sparse=always src copy && show copy
    [ "$(stat -c %b copy/sparse)" -lt 100 ] && echo sparse
    tar --xattrs --acls --xattrs-include='*' -cf t.tar -C src . && mkdir out &&
        tar --xattrs --acls --xattrs-include='*' -xpf t.tar -C out && show out
    rsync -aHAX src/ synced && show synced
    rsync -aHAXni --checksum src/ synced
    rm copy/h; chmod 600 copy/x; setfacl -b copy/f; rsync -aHAXi --delete src/ copy && show copy ;;
lists)
    echo x >f; mkdir d
    setfacl -m u:2000:rwx,g:3000:r-x f; getfacl -np f; chmod 750 f; getfacl -np f
    setfacl -x u:2000 f; getfacl -npe f; setfacl -m m::- f; getfacl -np f
    ls -l | cut -c1-11 | tail -n +2
    setfacl -d -m u:2000:7,g::5,o::- d; getfacl -np d; (umask 077; echo >d/f; mkdir d/d); getfacl -np d/f d/d
    setfacl -k d; getfacl -np d; getfacl -np f | setfacl --set-file=- d/f; getfacl -np d/f
    cp -p f keep; getfacl -np keep; install -m 640 f inst; getfacl -np inst; mv keep moved; getfacl -np moved
    setfacl -m u::7,g::5,o::0 f; setfacl -b f; getfacl -np f; ls -l f | cut -c1-11
    setfacl -m u:65534:rw f
    setpriv --reuid 65534 --regid 65534 --clear-groups sh -c 'cat f; echo y >>f && echo written; setfacl -b f' 2>&1
    setpriv --reuid 4000 --regid 4000 --clear-groups cat f 2>&1 ;;
others)
    exec 9>lock; flock -n 9 && echo got; flock -n lock true || echo busy; (flock -n 9 && echo same)
    exec 9>&-; flock -n lock echo free; flock lock sh -c 'flock -n -E 9 lock true; echo $?'
    fallocate -l 100000 a; stat -c %s a; fallocate -n -l 200000 a; stat -c %s a
    head -c 100000 /dev/urandom >b; fallocate -p -o 8192 -l 16384 b
    [ "$(stat -c %b b)" -lt 190 ] && echo punched; fallocate -d a; stat -c %s a
    mkdir w; inotifywait -q -m --format '%e %f' -e modify,create,delete,move,attrib w >log 2>&1 &
    # A name goes in and out until the watch is there.
    until grep -q CREATE log 2>/dev/null; do touch w/first; rm w/first; done
    echo 1 >w/f; mv w/f w/g; chmod 600 w/g; setfattr -n user.a w/g; ln w/g w/h; rm w/g w/h; mkdir w/last; rmdir w/last
    until grep -q 'DELETE,ISDIR last' log; do :; done
    kill $!; wait; sed 's/.*first$//' log | grep . ;;
esac
STEPS
}
steps >"$tmp/steps"
mkdir "$tmp/here"

for platform in $2; do
    for what in copies lists others; do
        rm -rf "$tmp/here" && mkdir "$tmp/here"
        want=$(cd "$tmp/here" && timeout -s KILL 60 bash "$tmp/steps" $what 2>&1 | md5sum)
        for where in /dev/shm /new; do
            is "$what in $where" "$(timeout -s KILL 120 "$nv" run --platform="$platform" --mount "$tmp:/steps" -- \
                bash -c "mkdir -p $where/t && cd $where/t && bash /steps/steps $what" 2>&1 </dev/null | tee "$tmp/$what.out" | md5sum)" "$want"
        done
    done
done
echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
