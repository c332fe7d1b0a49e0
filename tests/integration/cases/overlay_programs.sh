# An overlay is judged by what programs leave in its upper layer: dpkg, tar, cp, mv, rsync and git work on one over a
# small system, with each way to rename directories; what then is in upper, shows, and shows again with upper as a
# lower layer, is printed.
[ "$(id -u)" -eq 0 ] || { echo "needs root"; exit 0; }
if [ -z "$INSIDE" ]; then
    tmp=$(mktemp -d)
    INSIDE=$tmp unshare -m --propagation private bash "$0"
    rmdir "$tmp"
    exit 0
fi
export LC_ALL=C TZ=UTC PATH=/usr/sbin:/usr/bin:/sbin:/bin GIT_CONFIG_NOSYSTEM=1 GIT_CONFIG_GLOBAL=/dev/null \
    GIT_AUTHOR_NAME=n GIT_AUTHOR_EMAIL=n@n GIT_COMMITTER_NAME=n GIT_COMMITTER_EMAIL=n@n \
    GIT_AUTHOR_DATE='2001-02-03T04:05:06' GIT_COMMITTER_DATE='2001-02-03T04:05:06' DEBIAN_FRONTEND=noninteractive
umask 022
mount -t tmpfs none "$INSIDE" && cd "$INSIDE" || exit 1

package() { # package VERSION, made of the directory p
    mkdir -p p/DEBIAN
    printf 'Package: thing\nVersion: %s\nArchitecture: all\nMaintainer: n <n@n>\nDescription: thing\n' "$1" >p/DEBIAN/control
    echo /etc/thing.conf >p/DEBIAN/conffiles
    printf '#!/bin/sh\necho "%s $1" >>/var/log/thing\n' "$1" >p/DEBIAN/postinst
    chmod 755 p/DEBIAN/postinst
    dpkg-deb -Znone --root-owner-group -b p "thing-$1.deb" >/dev/null
    rm -rf p
}

# The lower layer: a system with dpkg's tables, a package, trees of all kinds.
packages() {
    mkdir -p p/usr/share/thing/{gone,kept,becomes-link} p/usr/bin p/etc
    for i in $(seq 30); do echo "$i" >p/usr/share/thing/kept/$i; done
    echo a >p/usr/share/thing/gone/a; echo b >p/usr/share/thing/becomes-link/b; echo 1 >p/usr/bin/thing; echo conf >p/etc/thing.conf
    ln p/usr/bin/thing p/usr/bin/thing-hard; ln -s thing p/usr/bin/thing-soft
    package 1
    mkdir -p p/usr/share/thing/{kept,new/deep} p/usr/bin p/etc
    for i in $(seq 10 40); do echo "$i new" >p/usr/share/thing/kept/$i; done
    ln -s kept p/usr/share/thing/becomes-link; echo x >p/usr/share/thing/new/deep/x
    echo 2 >p/usr/bin/thing; chmod 4755 p/usr/bin/thing; echo conf2 >p/etc/thing.conf
    package 2
}
lower() {
    mkdir -p lower/{bin,etc,usr/bin,usr/share,tmp,var/log,var/lib/dpkg/{info,updates,triggers,parts},trees}
    cp "$(command -v busybox)" lower/bin/busybox
    for n in sh cat true; do ln -s busybox lower/bin/$n; done
    : >lower/var/lib/dpkg/status; : >lower/var/lib/dpkg/available; : >lower/var/log/thing
    dpkg --root="$PWD/lower" --log=/dev/null -i thing-1.deb >/dev/null 2>&1 || echo "dpkg fails below"
    (cd lower/trees
     mkdir -p src/{a/b/c,d,e} other; for i in $(seq 20); do echo "f$i" >src/a/$i; echo "d$i" >src/d/$i; done
     echo hello >src/f; ln src/f src/hard; ln -s f src/soft; mkfifo src/fifo; truncate -s 300K src/sparse
     printf end | dd of=src/sparse bs=1 seek=200000 conv=notrunc status=none
     chown 1000:3000 src/d; chmod 2775 src/d; chmod 600 src/a/3; setfattr -n user.note -v some src/f src/e
     setfacl -m u:2000:rwx src/a/1; setfacl -d -m u:2000:rwx src/e
     cp -a src again; cp -a src synced
     find . -exec touch -h -d '2001-02-03 04:05:06' {} +; tar --sort=name -cf ../tree.tar -C src a d f
     git init -q -b main repo && cd repo && mkdir -p lib/x doc && for i in $(seq 20); do echo "l$i" >lib/$i; done
     echo x >lib/x/x; echo doc >doc/d; git add -A; git commit -qm one
     git checkout -q -b side; git mv lib/x moved; echo side >lib/1; git rm -q doc/d; git commit -qam two; git checkout -q main)
    find lower -exec touch -h -d '2001-02-03 04:05:06' {} +
}

# --- what is done in the overlay ---
in_dpkg() {
    dpkg --root="$PWD/m" --log=/dev/null --force-confold -i thing-2.deb 2>&1 | grep -v 'Reading database'
    cat m/var/log/thing
    dpkg --root="$PWD/m" --verify thing; dpkg-query --root="$PWD/m" -W
}
in_purge() {
    dpkg --root="$PWD/m" --log=/dev/null -P thing 2>&1 | grep -v 'Reading database'
    ls -R m/usr m/etc
}
in_trees() {
    cd m/trees || return
    tar --recursive-unlink -xf ../tree.tar -C again; tar -xf ../tree.tar -C other
    cp -a src copied; cp -al src linked; mv src/a moved-a; mv src/d other/inside; mv src/f f-renamed
    mkdir src/a; echo new >src/a/new; rm -rf src/e; mkdir src/e; ln src/hard src/harder; chmod 640 src/sparse
    mv again/a again/z; mv again/z again/y; mv again/d again/y; rmdir again/e; mknod again/null c 1 3; chown -R 5:6 again/y
    rm again/soft; mkdir again/soft; ln -sfn elsewhere again/e; setfacl -b synced/a/1; setfattr -x user.note synced/f
    echo more >>synced/d/5; truncate -s 100 synced/sparse; fallocate -l 8192 synced/d/6; mv -T synced/d synced/a/b/c/d
    rsync -aHAX --delete copied/ synced; rsync -aHAXni --delete copied/ synced; find . -name 1[0-9] -delete
    touch -d '2001-05-05' src/hard; rm -rf other; mkdir -p other/inside
    mv --exchange copied linked 2>/dev/null || { mv copied x; mv linked copied; mv x linked; }
    cd ../..
}
in_git() {
    cd m/trees/repo || return
    git status --short; git checkout -q side && git status --short; ls . lib | md5sum
    git mv lib library; echo on >library/1; git add -A; git commit -qm three; git checkout -q main
    git merge -q side -m four 2>&1; git log --format=%T; git fsck 2>&1; echo dirty >library/2
    git status --short; git checkout -q .; git clean -qfdx; git pack-refs --all; rm -rf library; git status --short | wc -l
    cd ../../..
}

# --- what is left ---
# dpkg's tables have times in them; which objects git writes again depends on times: it tells of them itself.
show() { # show DIR: names, kinds, owners, old times, contents
    (cd "$1" || exit
     find . -name .git -prune -o -printf '%P %y %m %U:%G %l\n' | sort
     find . -name .git -prune -o ! -newermt 2002-01-01 ! -type l ! -type d -printf '%P %TY-%Tm-%Td %s %n\n' | sort
     find . -name .git -prune -o -type f ! -path '*/var/*' ! -path '*/bin/busybox' -print0 | sort -z | xargs -0 -r md5sum)
}
upper() { # what tells a layer
    show upper
    (cd upper && find . -name .git -prune -o -type c -print0 | sort -z | xargs -0 -r stat -c '%n %t:%T'
     find . -mindepth 1 -name .git -prune -o -print | sort | xargs -d '\n' getfattr -h -d -m '^(trusted|user|system)' -e text 2>/dev/null |
        sed -E 's/(overlay\.(origin|uuid|upper))=.*/\1/; s/(posix_acl_[a-z]*)=.*/\1/')
}
round() { # round NAME OPTIONS STEP...
    echo "=== $1"; mkdir upper work m
    mount -t overlay over -o "lowerdir=lower,upperdir=upper,workdir=work,$2" m || return
    shift 2
    for step; do in_$step 2>&1 | sed "s|$INSIDE||g"; done
    show m >shown; md5sum <shown
    umount m || echo "busy"
    upper
    mount -t overlay over -o "lowerdir=upper:lower" m; show m >shown2; umount m
    diff shown shown2 && echo "the same as a lower layer"
    rm -rf upper work m
}

packages
lower
round dpkg index=off dpkg purge
round dpkg,redirect redirect_dir=on dpkg
round trees redirect_dir=off trees
round trees,redirect redirect_dir=on trees
round git redirect_dir=on git
cd / && umount "$INSIDE"
