#!/usr/bin/env bash
# EROFS images as roots and as mounts: each kind that mkfs.erofs makes is compared with the tree it
# was made of, and with the host's own EROFS where that can be mounted.
# usage: erofs.sh NV PLATFORMS
set -u
. "$(dirname "$(realpath "$0")")/../lib.sh"
nv=$(realpath "$1")
here=$(dirname "$(realpath "$0")")/erofs
tmp=$(mktemp -d /var/tmp/nv-test-XXXXXX)
trap 'rm -rf "$tmp"' EXIT
cd "$tmp" || exit 1

# OPTION... IMAGE TREE. It copies chunks out of a file in /tmp, which it cannot to another file system (EXDEV).
mkfs.erofs() {
    local new code
    new=$(mktemp /tmp/nv-erofs-XXXXXX)
    command mkfs.erofs "${@:1:$#-2}" "$new" "${@: -1}"
    code=$?
    chmod 644 "$new" && mv "$new" "${@: -2:1}"
    return $code
}
run() { timeout -s KILL 120 "$nv" run --platform="$platform" --mount "$here:/t:ro" "$@" </dev/null 2>err; }

"$here/make_tree.py" tree && "$here/make_tree.py" wide-tree wide || exit 1
python3 "$here/tree.py" tree >want

kinds=(plain:"" long:"-Eforce-inode-extended" noinline:"-Enoinline_data" ztail:"-zlz4 -Eztailpacking"
    lz4:"-zlz4" legacy:"-zlz4 -Elegacy-compress" lz4hc:"-zlz4hc,12" big:"-zlz4hc -C65536"
    bigtail:"-zlz4 -C65536 -Eztailpacking" fragments:"-zlz4 -Efragments" dedupe:"-zlz4 -Ededupe"
    all:"-zlz4hc -C16384 -Eall-fragments,dedupe,ztailpacking" packed:"-zlz4 -C65536 -Eall-fragments"
    chunk4k:"--chunksize=4096" chunk64k:"--chunksize=65536" blockmap:"--chunksize=4096 -Eforce-chunk-blockmap"
    indexes:"--chunksize=4096 -Eforce-chunk-indexes" noxattr:"-x-1 -zlz4" shared:"-x0" time:"-T1000000000")

for kind in "${kinds[@]}"; do
    name=${kind%%:*} options=${kind#*:}
    # shellcheck disable=SC2086
    if ! mkfs.erofs $options "$name.erofs" tree >mkfs.log 2>&1; then
        echo "skipped $name: mkfs.erofs $options: $(grep -a "<E>" mkfs.log)"
        rm -f "$name.erofs"
        continue
    fi
    filter=cat
    [ "$name" = noxattr ] && filter="sed -E s/(user|trusted|security)[.][a-z]+=[0-9a-f]*//g;s/\s+/\x20/g;s/\s$//"
    mkdir -p host
    native=$(unshare -m sh -c "mount -t erofs -o ro $name.erofs host 2>/dev/null && python3 $here/tree.py host all && umount host" | sha256sum)
    for platform in $2; do
        [ "$name" != plain ] && [ "$name" != lz4 ] && [ "$platform" != "${2%% *}" ] && continue
        run --mount "$tmp/$name.erofs:/i:erofs" -- python3 /t/tree.py /i >got
        if [ "$name" = time ]; then
            is "$name: names" "$(cut -d' ' -f1 got | sha256sum)" "$(cut -d' ' -f1 want | sha256sum)"
        else
            diff <($filter <want) <($filter <got) >diff.out
            report "$platform $name: as the tree${options:+ ($options)}" $? diff.out
        fi
        if [ "$native" != "$(sha256sum </dev/null)" ]; then
            is "$name: as the host mounts it" "$(run --mount "$tmp/$name.erofs:/i:erofs" -- python3 /t/tree.py /i all | sha256sum)" "$native"
        fi
    done
done

mkfs.erofs wide.erofs wide-tree >/dev/null 2>&1
mkfs.erofs -zlz4 -Eall-fragments wide-packed.erofs wide-tree >/dev/null 2>&1
for platform in $2; do
    for image in wide wide-packed; do
        is "$image: 10,000 names" "$(run --mount "$tmp/$image.erofs:/i:erofs" -- sh -c 'cd /i; ls | wc -l; cat name-* | md5sum; ls -U | sort | md5sum; [ -e name-3e8zz ] || echo none; cat name-3e8')" \
            "$(cd wide-tree; ls | wc -l; cat name-* | md5sum; ls -U | sort | md5sum; [ -e name-3e8zz ] || echo none; cat name-3e8)"
    done
done

# Access control lists: who may do what is what it is in the source tree.
mkdir -p listed/{open,closed,given,rootfs/proc} && for f in named grouped masked denied plain; do echo "$f" >"listed/$f"; done
echo in | tee listed/{open,closed,given}/in >listed/rootfs/in
if setfacl -m u:1000:r listed/named && chmod 640 listed/named && setfacl -m g:1001:rw listed/grouped && chmod 660 listed/grouped &&
    setfacl -m u:1000:rw,m::- listed/masked && setfacl -m u:1000:- listed/denied && chmod 750 listed/closed &&
    setfacl -m u:1000:x listed/given && setfacl -d -m u:1000:rwx,o::- listed/open; then
    chmod o= listed/given listed/named listed/grouped
    mkfs.erofs listed.erofs listed >/dev/null 2>&1
    mkfs.erofs -zlz4 -x0 listed-shared.erofs listed >/dev/null 2>&1
    "$here/access.py" listed >want
    for platform in $2; do
        for image in listed listed-shared; do
            run --mount "$tmp/$image.erofs:/i:erofs" -- python3 /t/access.py /i >got
            diff want got >diff.out
            report "$platform $image: access by lists" $? diff.out
        done
        is "noacl: the mode says it all" "$(run --mount "$tmp:/images:ro" -- python3 -c 'import ctypes, os
for options in (b"acl", b"noacl"):
    os.makedirs("/tmp/" + options.decode())
    assert ctypes.CDLL(None).mount(b"/images/listed.erofs", b"/tmp/" + options, b"erofs", 0, options) == 0
os.system("grep -o [a-z]*acl, /proc/mounts")
os.setgroups([])
os.setresgid(1000, 1000, 1000)
os.setresuid(1000, 1000, 1000)
print(os.access("/tmp/acl/named", 4), os.access("/tmp/noacl/named", 4))')" "$(printf 'acl,\nnoacl,\nTrue False')"
    done
else
    echo "skipped access control lists: setfacl cannot set them here"
fi

# Roots.
mkdir -p root/{bin,proc,sys,dev,tmp,etc,mnt}
cp "$(command -v busybox)" root/bin/busybox
for a in sh ls cat find stat md5sum true mount umount echo id grep dd rm mkdir sleep wc cmp cut; do ln -sf busybox root/bin/$a; done
echo secret >root/etc/shadow && chmod 600 root/etc/shadow
echo hello >root/etc/motd
cp -r tree/sizes root/sizes
echo listed >root/listed && chmod 600 root/listed && setfacl -m u:1000:r root/listed && has_lists=1
mkfs.erofs root.erofs root >/dev/null 2>&1
rm root/listed
mkfs.erofs -zlz4 packed-root.erofs root >/dev/null 2>&1
mkfs.erofs -zlz4 root/mnt/inner.erofs tree/sizes >/dev/null 2>&1 && mkfs.erofs outer.erofs root >/dev/null 2>&1
chmod 644 root/etc/shadow && mkfs.erofs public.erofs root >/dev/null 2>&1
for platform in $2; do
    for image in root packed-root; do
        is "$image: runs, and is written to in memory" "$(run --rootfs $image.erofs -- /bin/sh -c \
            'cat /etc/motd; echo changed >/etc/motd; cat /etc/motd; rm /etc/shadow; ls /etc; echo new >/tmp/x; cat /tmp/x; cd /sizes; md5sum * | md5sum' | tr '\n' ' ')" \
            "hello changed motd new $(cd root/sizes && md5sum * | md5sum) "
    done
    is "another user maps it" "$(run --rootfs root.erofs --user 1000 -- /bin/sh -c 'id -u; cat /etc/motd; cat /etc/shadow 2>&1 | grep -c denied')" "$(printf '1000\nhello\n1')"
    [ -z "${has_lists:-}" ] || is "lists in a root" "$(for u in 1000 1001; do run --rootfs root.erofs --user $u -- /bin/sh -c 'cat /listed 2>&1'; done)" \
        "$(printf "listed\ncat: can't open '/listed': Permission denied")"
    is "another user maps a public one" "$(run --rootfs public.erofs --user 1000 -- /bin/sh -c 'id -u; cat /etc/shadow')" "$(printf '1000\nsecret')"
    is "mounted in the sandbox" "$(run --mount "$tmp/tree/sizes:/sizes:ro" --mount "$tmp:/images:ro" -- python3 /t/mount.py)" \
        "$(printf '%s\n' '/images/lz4.erofs /tmp/m erofs ro,relatime,user_xattr,acl,cache_strategy=readaround' 'e0f5e1e2 4096 0' same busy \
            EINVAL ENOTBLK ENOENT EINVAL EINVAL ENOTBLK ENOTBLK 'depth 2' '        erofs' | sed 's/^  *erofs/\terofs/')"
    is "read-only" "$(run --mount "$tmp/plain.erofs:/i:erofs" -- sh -c 'touch /i/new 2>&1; rm /i/link 2>&1; chmod 777 /i 2>&1; mount -o remount,rw /i 2>&1; touch /i/new 2>&1' | grep -c 'Read-only')" 4
    is "holes and data" "$(run --mount "$tmp/chunk4k.erofs:/i:erofs" -- python3 -c 'import os
for name in ("sparse/one", "sizes/text8192"):
    fd = os.open("/i/" + name, 0)
    print(os.lseek(fd, 5, os.SEEK_DATA), os.lseek(fd, 5, os.SEEK_HOLE), os.lseek(fd, 0, os.SEEK_END))')" "$(printf '5 1048577 1048577\n5 8192 8192')"
    # Behind the end of a file there is nothing of the next.
    is "behind the end" "$(run --mount "$tmp/noinline.erofs:/i:erofs" -- python3 -c 'import mmap, os, ctypes
for name, n in (("text4097", 8192), ("noise60", 4096)):
    fd = os.open("/i/sizes/" + name, 0)
    libc = ctypes.CDLL(None)
    libc.mmap.restype = ctypes.c_void_p
    libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t] + [ctypes.c_int] * 3 + [ctypes.c_long]
    at = libc.mmap(None, 16384, 1, 2, fd, 0)
    print(set(ctypes.string_at(at + os.fstat(fd).st_size, n - os.fstat(fd).st_size)))
    pid = os.fork()
    if not pid:
        ctypes.string_at(at + n, 1)
        os._exit(0)
    print(os.WTERMSIG(os.waitpid(pid, 0)[1]))' | tr '\n' ' ')" "{0} 7 {0} 7 "
done

# Through a checkpoint, and what is then refused.
checkpointed() { # checkpointed PLATFORM OTHER IMAGE
    local id=erofs$$
    rm -rf saved first
    timeout -s KILL 60 "$nv" run --platform="$1" --id $id --rootfs "$3.erofs" --mount "$tmp/lz4.erofs:/mnt:erofs" -- /bin/sh -c \
        'exec 5</mnt/sizes/mixed; dd bs=1000 count=3 <&5 2>/dev/null | md5sum; cd /mnt/deep/0; echo new >/etc/new; echo on; while [ ! -e /tmp/never ] && [ -z "$(cat /proc/sys/kernel/hostname | grep -v "^nanovisor$")" ]; do sleep 0.1; done; cat /etc/motd /etc/new <&5 - | md5sum; ls; md5sum </mnt/sizes/noise65537' \
        >first 2>&1 </dev/null &
    await first on
    timeout -s KILL 60 "$nv" checkpoint $id --image-path "$tmp/saved" >/dev/null 2>err || cat err
    wait $!
    timeout -s KILL 60 "$nv" restore --platform="$2" "$tmp/saved" </dev/null 2>err
}
for platform in $2; do
    for other in $2; do
        for image in root packed-root; do
            is "$image: checkpoint, restored on $other" "$(checkpointed "$platform" "$other" $image)" \
                "$({ cat root/etc/motd; echo new; tail -c +3001 tree/sizes/mixed; } | md5sum; echo 1; md5sum <tree/sizes/noise65537)"
        done
    done
done
restored() { timeout -s KILL 60 "$nv" restore "$@" </dev/null 2>&1 >/dev/null | head -1; }
cp saved/manifest.json own.json && chmod u+w saved saved/manifest.json
sed -i 's/"hostname": *"[a-z]*"/"hostname":"elsewhere"/' saved/manifest.json
is "restore: made by others" "$(restored "$tmp/saved" | grep -c 'packed-root.erofs of this host, and was not made here')" 1
is "restore: made by others, root given" "$(restored --rootfs packed-root.erofs "$tmp/saved" | grep -c 'lz4.erofs of this host, and was not made here')" 1
is "restore: made by others, all given" "$(timeout -s KILL 60 "$nv" restore --rootfs packed-root.erofs --mount "$tmp/lz4.erofs:/mnt" "$tmp/saved" 2>&1 </dev/null | tail -1)" "$(md5sum <tree/sizes/noise65537)"
cat own.json >saved/manifest.json
cp -p packed-root.erofs moved.erofs && mv packed-root.erofs away.erofs
is "restore: the image is elsewhere" "$(timeout -s KILL 60 "$nv" restore --rootfs moved.erofs "$tmp/saved" 2>&1 </dev/null | tail -1)" "$(md5sum <tree/sizes/noise65537)"
mv away.erofs packed-root.erofs
cp -p lz4.erofs kept.erofs && touch lz4.erofs
is "restore: the image has changed" "$(restored "$tmp/saved" | grep -c 'EROFS image of /mnt has changed since the checkpoint (it was modified)')" 1
cp -p kept.erofs lz4.erofs && rm packed-root.erofs
is "restore: the image is gone" "$(restored "$tmp/saved" | grep -c "root directory")" 1

# Images that are none, or not known.
platform=${2%% *}
is "refused: no image" "$(run --rootfs want -- /bin/true; echo $?; grep -c 'neither a directory nor an EROFS image' err)" "$(printf '2\n1')"
bad() { # bad NAME OFFSET BYTES TEXT
    cp plain.erofs bad.erofs
    printf "$3" | dd of=bad.erofs bs=1 seek="$2" conv=notrunc 2>/dev/null
    run --mount "$tmp/bad.erofs:/i:erofs" -- true
    is "refused: $1" "$? $(grep -c "$4" err)" "126 1"
}
bad "wrong checksum" 1100 'x' "checksum is"
# Without a checksum (feature_compat 0), bits of feature_incompat at 80.
nosum() { printf '\0' | dd of=plain.erofs bs=1 seek=1032 conv=notrunc 2>/dev/null; }
cp plain.erofs saved.erofs && nosum
bad "48-bit addresses" 1104 '\x80' "48-bit addresses"
bad "unknown feature" 1106 '\x01' "unknown feature (bit 16)"
bad "LZMA" 1104 '\x02\0\0\0\x03\0' "compressed by LZMA"
bad "extra devices" 1104 '\x08\0\0\0\0\0\x01\0' "extra devices"
cp saved.erofs plain.erofs

# Truncated while it is used: errors, not the end of the sandbox.
cp noinline.erofs cut.erofs
is "cut short while in use" "$(run --mount "$tmp/cut.erofs:/i:erofs" --mount "$tmp:/h" -- python3 -c 'import mmap, os
fd = os.open("/i/sizes/noise1048577", 0)
m = mmap.mmap(fd, 0, mmap.MAP_PRIVATE, mmap.PROT_READ)
print(len(os.read(fd, 2 << 20)), m[0] >= 0)
os.truncate("/h/cut.erofs", 65536)
try:
    print(len(os.pread(fd, 1000, 0)))
except OSError as e:
    print(e.strerror)
pid = os.fork()
if not pid:
    m[500000]
    os._exit(0)
print(os.WTERMSIG(os.waitpid(pid, 0)[1]))
for root, dirs, files in os.walk("/i"):
    for f in files:
        try:
            open(root + "/" + f).read()
        except Exception:
            pass
print("still here")')" "$(printf '1048577 True\nStructure needs cleaning\n7\nstill here')"
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
