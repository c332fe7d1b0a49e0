#!/usr/bin/env bash
# Runs every case natively and in the sandbox on each platform; standard output and exit code must
# agree. usage: run.sh NV PLATFORMS [CASE...]
set -u
nv=$(realpath "$1")
platforms=$2
shift 2
here=$(cd "$(dirname "$0")" && pwd)
cases=("$@")
[ ${#cases[@]} -gt 0 ] || cases=("$here"/cases/*)
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
passed=0 failed=0
sanitizer='^(==[0-9]+==ERROR|.*: runtime error: )'

interpreter() {
    case $1 in
    *.js) echo node ;;
    *.py) echo /usr/bin/python3 ;;
    *.pl) echo perl ;;
    *.rb) echo ruby ;;
    *.php) echo php ;;
    *.busybox) echo "busybox sh" ;;
    *) echo bash ;;
    esac
}

for case in "${cases[@]}"; do
    name=$(basename "$case")
    run=$(interpreter "$case")
    timeout -s KILL ${CASE_TIMEOUT:-60} $run "$case" >"$tmp/native" 2>"$tmp/native.err" </dev/null
    native=$?
    for platform in $platforms; do
        timeout -s KILL ${CASE_TIMEOUT:-60} "$nv" run --platform="$platform" -- $run "$case" >"$tmp/out" 2>"$tmp/err" </dev/null
        code=$?
        if grep -aqE "$sanitizer" "$tmp/err"; then
            echo "FAILED  $platform $name: sanitizer report; repeat: $nv run --platform=$platform -- $run $case"
            grep -aE -A15 "$sanitizer" "$tmp/err" | head -40
            failed=$((failed + 1))
        elif [ $code -eq $native ] && cmp -s "$tmp/native" "$tmp/out"; then
            echo "ok      $platform $name"
            passed=$((passed + 1))
        else
            echo "FAILED  $platform $name: exit $code, natively $native; repeat: $nv run --platform=$platform -- $run $case"
            diff "$tmp/native" "$tmp/out" | head -15
            head -5 "$tmp/err"
            failed=$((failed + 1))
        fi
    done
done
echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
