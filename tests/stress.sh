#!/usr/bin/env bash
# Each stress-ng stressor of the classes that ask something of a kernel, one by one: exit code, seconds,
# complaints. 124: it hung. Those that could take the machine down with them do not run natively.
# usage: stress.sh NV [native|trap|ptrace...]; STRESSORS="a b" for some only
set -u
nv=$(realpath "$1")
shift
kinds=(${@:-trap ptrace})
all() {
    for class in os filesystem pipe memory scheduler interrupt; do
        stress-ng --class $class? 2>&1 | tail -1 | sed 's/.*: //'
    done | tr ' ' '\n' | grep . | sort -u
}
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
dangerous=" bigheap brk stack mlockmany oom-pipe resources cpu-online softlockup swap ramfs sysbadaddr "
failed=0
for stressor in ${STRESSORS:-$(all)}; do
    for kind in "${kinds[@]}"; do
        run=("$nv" run "--platform=$kind" --timeout 45 --memory 3G --)
        if [ "$kind" == native ]; then
            [[ $dangerous != *" $stressor "* ]] || continue
            run=()
        fi
        start=$SECONDS
        timeout -s KILL 60 "${run[@]}" stress-ng --temp-path /tmp "--$stressor" 2 --timeout 2s --oomable \
            >"$dir/out" 2>&1 </dev/null
        code=$?
        note=$(grep -aE 'fail|skip|error|unavail|not impl' "$dir/out" | grep -av 'dispatching' |
            sed -E 's/stress-ng: //; s/\[[0-9]+\] //' | sort -u | head -4 | tr '\n' '|')
        printf '%s\t%s\t%s\t%ss\t%s\n' "$stressor" "$kind" $code $((SECONDS - start)) "$note"
        case $code in 0 | 1 | 2 | 3 | 4) ;; *) failed=1 ;; esac
    done
done
exit $failed
