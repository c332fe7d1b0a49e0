#!/usr/bin/env bash
# nv as an ordinary user: by user namespaces, on files of one's own and of others. As root, it runs
# itself again as a user without a name. usage: user.sh NV PLATFORMS
set -u
nv=$(realpath "$1")
platforms=$2
uid=4711

skip() {
    echo "skipped ordinary user: $1"
    exit 0
}

if [ "$(id -u)" -eq 0 ]; then
    command -v setpriv >/dev/null || skip "no setpriv here"
    tmp=$(mktemp -d)
    trap 'rm -rf "$tmp"' EXIT
    cp "$nv" "$0" "$tmp" && chmod 755 "$tmp"
    mkdir "$tmp/home" && chown $uid:$uid "$tmp/home" || exit 1
    cd "$tmp/home" || exit 1
    user="setpriv --reuid=$uid --regid=$uid --clear-groups --inh-caps=-all"
    $user true || skip "setpriv cannot change to user $uid"
    $user unshare -U true 2>/dev/null || skip "user namespaces are not allowed for users here"
    HOME=$tmp/home TMPDIR=$tmp/home $user bash "$tmp/$(basename "$0")" "$tmp/nv" "$platforms"
    exit
fi

passed=0 failed=0
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
cd "$tmp" || exit 1

is() { # is NAME GOT WANT
    if [ "$2" == "$3" ]; then
        passed=$((passed + 1))
        echo "ok      $platform ordinary user: $1"
    else
        failed=$((failed + 1))
        echo "FAILED  $platform ordinary user: $1: got '$2', want '$3'"
        head -5 "$tmp/err"
    fi
}
run() {
    timeout -s KILL 30 "$nv" run --platform="$platform" "$@" </dev/null 2>"$tmp/err"
    local code=$?
    grep -aE '^(==[0-9]+==ERROR|.*: runtime error: )' "$tmp/err" >>"$tmp/reports"
    return $code
}
me=$(id -u):$(id -g)
owner='stat -c %u:%g'

for platform in $platforms; do
    is "node" "$(run -- node -e 'console.log(1)')" 1
    is "who I am" "$(run -- sh -c 'echo $(id -u):$(id -g)')" "$me"
    is "my files are mine" "$(run -- sh -c "cd $tmp; echo x >made; $owner . made; cat made")" "$(printf '%s\n%s\nx' "$me" "$me")"
    is "nothing came out" "$(ls made 2>/dev/null)" ""
    is "files of others" "$(run -- sh -c 'cat /etc/hostname >/dev/null && echo read; (echo x >/etc/hostname) 2>/dev/null || echo kept; cat /etc/shadow 2>/dev/null || echo closed; ls /root >/dev/null 2>&1 || echo closed')" "$(printf 'read\nkept\nclosed\nclosed')"
    is "/tmp" "$(run -- sh -c 'touch /tmp/x && echo made; ls -d /home')" "$(printf 'made\n/home')"
    mkdir -p share && echo seen >share/in && chmod 600 share/in
    is "mount" "$(run --mount "$tmp/share:/mnt" -- sh -c "cat /mnt/in; echo out >/mnt/out; mkdir /mnt/d; $owner /mnt/out")" "$(printf 'seen\n%s' "$me")"
    is "mount is written through" "$(cat share/out; $owner share/out share/d)" "$(printf 'out\n%s\n%s' "$me" "$me")"
    rm -r share
    mkdir -p share
    is "root inside" "$(run --user 0 --mount "$tmp/share:/mnt" -- sh -c "id -u; echo out >/mnt/out; $owner /mnt/out; echo x >/etc/made && cat /etc/made")" "$(printf '0\n0:0\nx')"
    is "root inside is us outside" "$($owner share/out)" "$me"
    rm -r share
    mkdir -p root/bin && cp /bin/busybox root/bin/ 2>/dev/null
    [ -x root/bin/busybox ] && is "rootfs" "$(run --rootfs "$tmp/root" --cwd / -- /bin/busybox ls /bin)" busybox
    none='echo 0 >/proc/sys/user/max_user_namespaces'
    got=$(unshare -Ur sh -c "$none; exec '$nv' run --platform=$platform -- true" 2>"$tmp/err")
    is "without user namespaces" "$got$? $(grep -c '^nv: hint: user namespaces are not allowed here' "$tmp/err")" "125 1"
    is "root of one's own namespace" "$(unshare -Ur "$nv" run --platform="$platform" -- id -u 2>"$tmp/err")" 0
done
is "reports of sanitizers" "$(cat "$tmp/reports")" ""
is "doctor" "$("$nv" doctor | tail -1)" "nv can run sandboxes here"
echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
