# strace follows processes and threads, with the calls they make, signals and counts.
set -e
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
printf 'one\ntwo\n' >text
echo "--- calls"
strace -e trace=openat,read,write,close -P text -o calls head -n 2 text
grep -c . calls
grep -E 'openat|two' calls | sed 's/ = [0-9]*$/ = N/'
echo "--- processes"
strace -f -e trace=execve,exit_group -o procs sh -c 'cat text | wc -l; exit 3' || echo "exit $?"
grep -oE 'execve\("[^"]*"|exit_group\([0-9]+\)|exited with [0-9]+' procs | sort
echo "--- signals"
strace -e trace=none -e signal=all -o signals sh -c 'kill -USR1 $$' || echo "exit $?"
sed -E 's/si_pid=[0-9]+/si_pid=P/; s/si_uid=[0-9]+/si_uid=U/' signals
echo "--- changed"
strace -e inject=getcwd:error=ENOENT -o changed sh -c 'cd /; exit 5' || echo "exit $?"
strace -e trace=uname -e inject=uname:error=EPERM -o changed uname 2>/dev/null || echo "exit $?"
sed -E 's/\{[^}]*\}|0x[0-9a-f]+/X/' changed
echo "--- counts"
strace -c -o counts -e trace=openat,execve ls text
awk '$NF == "execve" || $NF == "total" { print $NF }' counts
echo "--- threads"
strace -f -e trace=exit -o threads python3 -c '
import threading
t = [threading.Thread(target=int) for _ in range(3)]
[x.start() for x in t]
[x.join() for x in t]'
grep -c 'exited with 0' threads
echo "--- attached"
sleep 30 &
strace -p $! -e trace=none -o attached &
tracer=$!
until grep -q "TracerPid:.*[1-9]" /proc/$!/status /proc/$(pgrep -n sleep)/status 2>/dev/null; do :; done
kill %1
wait $tracer || true
sed -E 's/si_pid=[0-9]+/si_pid=P/; s/si_uid=[0-9]+/si_uid=U/' attached
