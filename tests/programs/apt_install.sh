# apt and dpkg: a package made here, a file: repository, install with a dependency and scripts, upgrade, removal.
d=$(mktemp -d); chmod 755 "$d"; trap 'rm -rf "$d"' EXIT; cd "$d" || exit 1
export DEBIAN_FRONTEND=noninteractive
deb() { # deb NAME VERSION DEPENDS
    mkdir -p "p/DEBIAN" "p/usr/share/nvtest-$1"; echo "$1 $2" > "p/usr/share/nvtest-$1/file"
    printf 'Package: nvtest-%s\nVersion: %s\nArchitecture: all\nMaintainer: x <x@x>\n%sDescription: test\n' "$1" "$2" "${3:+Depends: $3
}" > p/DEBIAN/control
    printf '#!/bin/sh\necho "postinst %s $1"\n' "$1" > p/DEBIAN/postinst; printf '#!/bin/sh\necho "prerm %s $1"\n' "$1" > p/DEBIAN/prerm; chmod 755 p/DEBIAN/p*
    dpkg-deb --root-owner-group -b p "repo/nvtest-$1_$2_all.deb" >/dev/null; rm -r p
}
index() { (cd repo && for f in *.deb; do dpkg-deb -f "$f"; echo "Filename: ./$f"; echo "Size: $(stat -c %s "$f")"; echo "SHA256: $(sha256sum < "$f" | cut -d' ' -f1)"; echo; done > Packages); }
# A root of its own state, so that the machine's packages are not touched; files go below $d/root.
mkdir -p repo root/var/lib/dpkg/{info,updates,triggers} root/var/lib/apt/lists/partial root/var/cache/apt/archives/partial root/etc/apt/preferences.d root/var/log/apt root/bin
touch root/var/lib/dpkg/{status,available}; mkdir -p root/lib root/lib64 root/usr
cp -L --parents /bin/sh /bin/echo $(ldd /bin/sh /bin/echo | grep -o '/[^ ]*' | grep -v : | sort -u) root/ 2>/dev/null
echo "deb [trusted=yes] file:$d/repo ./" > root/etc/apt/sources.list
deb base 1.0; deb app 1.0 'nvtest-base (>= 1.0)'; index
apt_() { apt-get -q -o Dir="$d/root" -o Dir::State::status="$d/root/var/lib/dpkg/status" -o Dir::Etc::sourceparts=- -o Dir::Bin::dpkg=/usr/bin/dpkg -o DPkg::Options::=--root="$d/root" -o APT::Sandbox::User=root -o Dpkg::Use-Pty="${PTY:-0}" -o Debug::NoLocking=0 "$@" 2>&1 | sed "s|$d||g" | grep -vE '^(Err:|  Method gave|Reading|Building|Get:|Ign:|Fetched|\(Reading|Need to get|After this|[[:space:]]*$)' | tr -d '\r'; }
apt_ update; apt_ install -y nvtest-app; cat root/usr/share/nvtest-*/file
dpkg --root="$d/root" -l 'nvtest-*' | tail -2 | tr -s ' '
deb base 2.0; index; apt_ update; PTY=1 apt_ upgrade -y; cat root/usr/share/nvtest-base/file; dpkg --root="$d/root" --verify; echo "verify $?"
apt_ remove -y nvtest-base; ls root/usr/share; dpkg --root="$d/root" --audit; echo "audit $?"
