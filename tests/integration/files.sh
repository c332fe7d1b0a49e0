#!/usr/bin/env bash
# What is cached of host files, and what must not be: shared mounts that others change, the root that
# the sandbox changes for itself, trees that are read ahead of their time.
# usage: files.sh NV PLATFORMS
set -u
. "$(dirname "$(realpath "$0")")/../lib.sh"
nv=$(realpath "$1")
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
cd "$tmp" || exit 1

run() { timeout -s KILL 60 "$nv" run --platform="$platform" "$@" </dev/null 2>err; }

# Runs a program in the sandbox and the same steps on the host in turn: "host:" lines are ours.
# The program says "go N" and waits until the file N is there.
shared() { # shared SCRIPT HOST-COMMANDS...
    local script=$1 n=0
    shift
    rm -rf share ctl && mkdir share ctl
    timeout -s KILL 60 "$nv" run --platform="$platform" --mount "$tmp/share:/s" --mount "$tmp/ctl:/c" \
        -- bash -c 'go() { : >/c/at$1; until [ -e /c/go$1 ]; do sleep 0.02; done; sleep 1.2; }; '"$script" \
        </dev/null >out 2>err &
    for command in "$@"; do
        n=$((n + 1))
        for _ in $(seq 500); do [ -e ctl/at$n ] && break; sleep 0.02; done
        eval "$command"
        : >ctl/go$n
    done
    wait $!
    tr '\n' ' ' <out
}

mkdir -p tree/{a,b,c}/{1,2,3}/{x,y}
for d in tree/*/*/*; do for i in 1 2 3 4 5; do echo "$d $i" >"$d/f$i"; done; ln -s f1 "$d/link"; done
mkdir tree/wide tree/deep
(cd tree/wide && touch $(seq -f 'a_name_that_takes_its_room_%g' 3000))
d=tree/deep; for i in $(seq 30); do d=$d/$i; mkdir "$d"; echo $i >"$d/f"; done

for platform in $2; do
    # Cached hard: everything that is there, once, with its attributes.
    is "tree" "$(run -- sh -c 'find tree | sort | md5sum')" "$(find tree | sort | md5sum)"
    is "tree, attributes first" "$(run -- bash -c 'for d in tree/*/*/*; do stat -c "%s %n" $d/f3 $d/f1 $d/link $d/none; done 2>/dev/null; find tree -printf "%p %y %s %l\n" | sort' | md5sum)" \
        "$(bash -c 'for d in tree/*/*/*; do stat -c "%s %n" $d/f3 $d/f1 $d/link $d/none; done 2>/dev/null; find tree -printf "%p %y %s %l\n" | sort' | md5sum)"
    is "names that are not there" "$(run -- bash -c 'cd tree/a/1/x; for i in 1 2 3 4 5 6 7 8 9; do [ -e f$i ] && echo -n $i; done; [ -e /usr/no/such/path ] || echo -n no; cat f4/none 2>&1 | grep -c "Not a dir"')" "12345no1"
    is "large directory" "$(run -- bash -c 'ls tree/wide | wc -l; ls tree/wide | sort -u | wc -l; [ -e tree/wide/a_name_that_takes_its_room_2999 ] && echo there')" "$(printf '3000\n3000\nthere')"
    is "readers of many files" "$(run -- bash -c 'cat tree/*/*/*/f? | md5sum; find tree/deep -type f | xargs cat | md5sum')" "$(bash -c 'cat tree/*/*/*/f? | md5sum; find tree/deep -type f | xargs cat | md5sum')"
    # The overlay hides what is read ahead below it.
    is "whiteouts" "$(run -- bash -c 'find tree >/dev/null; rm -r tree/a/1; rm tree/a/2/x/f1; echo new >tree/a/2/x/g; mkdir tree/a/1; find tree/a | sort; cat tree/a/2/x/link 2>&1 | tail -c 10; mv tree/a/2/x/f2 tree/a/2/x/f1; cat tree/a/2/x/link')" \
        "$(cp -r tree copy; mv tree saved; mv copy tree; bash -c 'rm -r tree/a/1; rm tree/a/2/x/f1; echo new >tree/a/2/x/g; mkdir tree/a/1; find tree/a | sort; cat tree/a/2/x/link 2>&1 | tail -c 10; mv tree/a/2/x/f2 tree/a/2/x/f1; cat tree/a/2/x/link'; rm -r tree; mv saved tree)"
    is "whiteouts before the listing" "$(run -- bash -c 'rm tree/b/1/x/f3; rm -r tree/b/2; mkdir tree/b/2; ls tree/b/1/x tree/b/2; [ -e tree/b/1/x/f3 ] || echo gone; echo again >tree/b/1/x/f3; cat tree/b/1/x/f3')" \
        "$(printf 'tree/b/1/x:\nf1\nf2\nf4\nf5\nlink\n\ntree/b/2:\ngone\nagain')"
    # Shared mounts: what others do there is seen.
    is "content from outside" "$(shared 'cat /s/f 2>/dev/null; go 1; cat /s/f; go 2; cat /s/f; stat -c %s /s/f' 'echo one >share/f' 'echo three >share/f')" "one three 6 "
    is "another file of that name" "$(shared 'go 1; cat /s/f; go 2; cat /s/f; go 3; [ -e /s/f ] || echo gone' 'echo one >share/f' 'echo two >share/g; mv share/g share/f' 'rm share/f')" "one two gone "
    is "listing from outside" "$(shared 'for i in 1 2 3 4 5 6; do [ -e /s/f$i ] && echo early; done; ls /s; go 1; ls /s; go 2; ls /s; for i in 1 2 3 4 5 6; do [ -e /s/f$i ] && echo -n $i; done' 'touch share/f1 share/f2 share/f3 share/f4 share/f5' 'rm share/f1; mv share/f2 share/f6')" "f1 f2 f3 f4 f5 f3 f4 f5 f6 3456"
    is "attributes from outside" "$(shared 'mkdir /s/d; touch /s/d/{1,2,3,4,5,6}; stat -c %a /s/d/? | sort -u; go 1; stat -c %a /s/d/? | sort -u; stat -c %s /s/d/1' 'chmod 600 share/d/?; echo x >share/d/1')" "644 600 2 "
    # Ours at once.
    is "own changes" "$(run --mount "$tmp/ctl:/c" -- bash -c 'rm -rf /c/*; for i in 1 2 3 4 5 6 7 8; do [ -e /c/n$i ] && echo early; : >/c/n$i; [ -e /c/n$i ] || echo late; ls /c | wc -l; done; mv /c/n1 /c/m; [ -e /c/n1 ] && echo stays; rm /c/n?; ls /c; chmod 600 /c/m; stat -c %a /c/m; rm /c/m; [ -e /c/m ] && echo stays' | tr '\n' ' ')" "1 2 3 4 5 6 7 8 m 600 "
done
echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
