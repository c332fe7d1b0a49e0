#!/usr/bin/env bash
# nv image: every verb, on images written by another program. usage: image.sh NV
set -u
nv=$(realpath "$1")
here=$(dirname "$(realpath "$0")")
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
cd "$tmp" || exit 1
export NV_IMAGE_DIR=$tmp/images NV_STATE_DIR=$tmp/state NV_DATA_DIR=$tmp/data
passed=0 failed=0

is() { # is NAME GOT WANT
    if [ "$2" == "$3" ]; then
        passed=$((passed + 1))
        echo "ok      $1"
    else
        failed=$((failed + 1))
        echo "FAILED  $1: got '$2', want '$3'"
        [ -s err ] && head -3 err
    fi
}
image() { timeout -s KILL 20 "$nv" image "$@" 2>err; }
code() { image "$@" >out; echo $?; }
said() { grep -c -- "$1" err; }
get() { python3 -c "import json, sys; print(json.load(sys.stdin)$1)"; }
make_image() { python3 "$here/mkimage.py" "$@"; }

is "no images" "$(image ls | wc -l) $(image ls --json)" "1 []"
mkdir -p images && make_image images/one 4 && make_image images/two 6 other
is "ls" "$(image ls | awk '{print $1, $3, $7}' | tail -2)" "$(printf 'one node no\ntwo node no')"
is "ls --json" "$(image ls --json | get '[1]["manifest"]["sandbox"]["hostname"]')" other
is "what an image says cannot steer the terminal" "$({ image ls; image inspect one; } | grep -c $'\x1b')" 0
is "inspect" "$(image inspect one | grep -cE '^(created .*0.1.0|process .*1000:1000|pages  .*16.0 KiB|  type 60000 .* 1 )')" 4
is "inspect --records" "$(image inspect --records one | grep -c '(more)=7 bytes')" 1
is "inspect --records --json" "$(image inspect --records --json one | get '["records"][0]["fields"]')" "{'(more)': '7 bytes'}"
is "a path" "$(image inspect --json images/one | get '["manifest"]["format"]')" 1
is "no such image" "$(code inspect three) $(said 'nv image ls')" "1 1"
is "bad name" "$(code inspect 'a b') $(said 'cannot be the name')" "1 1"
is "bad use" "$(code) $(code frob) $(code inspect) $(code ls x) $(code rm --json one)" "2 2 2 2 2"
is "verify" "$(image verify one | grep -c 'match')" 1
is "verify --json" "$(image verify --json one | get '["ok"]')" True
is "diff" "$(image diff one two | grep -cE '^(sandbox.hostname: "box" -> "other"|pages: 16 KiB in both, 0 KiB only in the first, 8 KiB only in the second)')" 2
is "diff of the same" "$(image diff one one)" "pages: 16 KiB in both, 0 KiB only in the first, 0 KiB only in the second"
is "diff --json" "$(image diff --json one two | get '["pages_kib"]["second"]')" 8
is "optimize of what cannot be restored" "$([ "$(code optimize one)" -ne 0 ]; echo $?) $(image ls | awk '/^one/ {print $6}')" "0 no"

chmod u+w images/two/pages && printf x | dd of=images/two/pages bs=1 seek=5000 conv=notrunc status=none
is "changed pages" "$(code inspect two) $(said 'does not have the digest')" "1 1"
is "changed pages, trusted" "$(code inspect --trust two)" 0
is "changed pages, verify" "$(code verify two) $(image verify --json two | get '["ok"]')" "1 False"
truncate -s 4096 images/two/pages
is "truncated pages" "$(code inspect --trust two) $(said 'bytes instead of')" "1 1"
echo '{' >images/two/x && mv -f images/two/x images/two/manifest.json
is "damaged manifest" "$(code inspect two) $(image ls | grep -c 'two .*damaged')" "1 1"

openssl genpkey -algorithm ed25519 -out key.pem 2>/dev/null
openssl pkey -in key.pem -pubout -out pub.pem
openssl genpkey -algorithm ed25519 2>/dev/null | openssl pkey -pubout -out other.pem
is "not signed" "$(code verify --require-signature pub.pem one) $(said 'not signed')" "1 1"
is "sign" "$(code sign --key key.pem one) $(image ls | awk '/^one/ {print $7}')" "0 yes"
is "signed" "$(code verify --require-signature pub.pem one)" 0
is "signed by another" "$(code verify --require-signature other.pem one) $(said 'not that of')" "1 1"
openssl pkeyutl -verify -pubin -inkey pub.pem -rawin -in images/one/manifest.json -sigfile images/one/manifest.sig >out 2>&1
is "openssl agrees" $? 0

is "export" "$(code export --oci oci one)" 0
is "export again" "$(code export --oci oci one) $(said 'new directory')" "1 1"
is "import under its name" "$(mv images/one kept; image import oci) $(image verify --require-signature pub.pem one | grep -c match)" "one 1"
is "the same again" "$(diff -r kept images/one && echo same)" same
is "import under another" "$(image import oci three) $(image diff one three)" "three pages: 16 KiB in both, 0 KiB only in the first, 0 KiB only in the second"
is "skopeo inspect" "$(skopeo inspect --raw oci:oci:one | get '["artifactType"]')" application/vnd.nanovisor.image.v1
is "skopeo copy" "$(skopeo --insecure-policy copy -q oci:oci:one oci:copied:one 2>&1; image import copied four) $(image verify --require-signature pub.pem four | grep -c match)" "four 1"

# A layout that lies: edit a blob of JSON, give it its new name where it is referred to.
lie() { # lie PYTHON: changes index, manifest (m) or config (c)
    rm -rf lying && cp -r oci lying && rm -rf images/liar
    python3 - "$1" <<'END'
import hashlib, json, os, sys
blobs = "lying/blobs/sha256/"
read = lambda d: json.load(open(blobs + d["digest"][7:]))
def put(d, value):
    data = json.dumps(value).encode()
    d["digest"] = "sha256:" + hashlib.sha256(data).hexdigest()
    d["size"] = len(data)
    open(blobs + d["digest"][7:], "wb").write(data)
index = json.load(open("lying/index.json"))
m = read(index["manifests"][0])
c = read(m["config"])
keep = dict(m=True, c=True)
exec(sys.argv[1])
if keep["c"]: put(m["config"], c)
if keep["m"]: put(index["manifests"][0], m)
json.dump(index, open("lying/index.json", "w"))
END
    code import lying liar
    ls images | grep -cx liar
}
no=$(printf '1\n0')
is "the liar's tool" "$(lie 'pass')" "$(printf '0\n1')"
is "digest that is a path" "$(lie 'm["layers"][0]["digest"] = "sha256:../../../kept/kernel"')" "$no"
is "digest that is a longer path" "$(lie 'index["manifests"][0]["digest"] = "sha256:" + "../" * 21 + "a"; keep["m"] = False')" "$no"
is "another blob" "$(lie 'm["layers"][0], m["layers"][1] = dict(m["layers"][0], digest=m["layers"][1]["digest"]), m["layers"][1]')" "$no"
is "shorter than it unpacks to" "$(lie 'c["parts"]["pages"]["size"] = 4096')" "$no"
is "longer than it unpacks to" "$(lie 'c["parts"]["pages"]["size"] = 1 << 40')" "$no"
is "digest of other content" "$(lie 'c["parts"]["pages"]["sha256"] = "0" * 64')" "$no"
is "no layers" "$(lie 'm["layers"] = 3')" "$no"
is "missing part" "$(lie 'del m["layers"][1]')" "$no"
is "no config" "$(lie 'del m["config"]; keep["c"] = False')" "$no"
is "no manifests" "$(lie 'index["manifests"] = []; keep["m"] = False')" "$no"
is "two images" "$(lie 'index["manifests"] *= 2')" "$no"
is "name that is a path" "$(lie 'index["manifests"][0]["annotations"] = {"org.opencontainers.image.ref.name": "../up"}'; image import lying; ls up 2>/dev/null)" "$(printf '0\n1')"
rm -rf lying && cp -r oci lying && ln -sf /etc/passwd lying/index.json
is "link in the layout" "$(code import lying liar2)" 1
# Mounts of the host, of an image that was made here and of the same one from elsewhere.
if command -v node >/dev/null; then
    mkdir -p share && echo seen >share/in
    echo 'exports.handler = () => require("fs").readFileSync("/mnt/in", "utf8").trim();' >f.js
    restored() { timeout -s KILL 20 "$nv" invoke "$@" 2>err; }
    is "warm and sign" "$(timeout -s KILL 60 "$nv" warm --mount "$tmp/share:/mnt" --sign-key key.pem f.js -o fn >/dev/null 2>err; echo $?)" 0
    is "invoke, signature required" "$(restored fn --require-signature pub.pem)" '"seen"'
    is "invoke, another's signature required" "$(restored fn --require-signature other.pem) $(said 'not that of')" " 1"
    is "its working set" "$(image ls --json | get '[0]["manifest"]["parts"].keys()')" "dict_keys(['kernel', 'pages', 'wset', 'memory.0'])"
    is "out and in again" "$(image export --oci fn.oci fn; image rm fn; image import fn.oci)" fn
    is "directories of this host that an image from elsewhere wants" "$(restored fn) $(said 'was not made here')" " 1"
    is "the same, if told" "$(restored --mount "$tmp/share:/mnt" fn)" '"seen"'
fi
is "nothing half done is left" "$(ls -A images | grep -c '^\.')" 0
is "rm" "$(code rm one) $(code rm one) $(ls images | grep -cx one)" "0 1 0"
mkdir images/mine && touch images/mine/file
is "rm of what is no image" "$(code rm mine) $(ls images/mine)" "1 file"
echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
