# Functions, arrays, traps, here-documents, process substitution, job waits, signals.
cd "$(mktemp -d)" || exit 1
declare -A m=([a]=1 [b]=2)
f() { local x=$1; echo $((x * x)); }
echo "${m[a]} ${m[b]} $(f 12)"
cat <<END
here ${m[a]}
END
diff <(seq 1 5) <(seq 1 6); echo "diff $?"
sleep 0.05 & wait $!; echo "wait $?"
trap 'echo got TERM' TERM; kill -TERM $$; echo after
( trap 'exit 9' USR1; kill -USR1 $BASHPID; sleep 5 ); echo "sub $?"
set -o pipefail; false | true; echo "pipefail $?"
mapfile -t lines < <(printf 'x\ny\n'); echo "${#lines[@]} ${lines[1]}"
echo data > file; exec 5< file; read -r line <&5; exec 5<&-; echo "$line"
printf '%s\n' {a..e}{1..2} | tail -3
timeout 0.1 sleep 5; echo "timeout $?"
bash -c 'kill -9 $$'; echo "killed $?"
mkfifo p; (echo through > p &) ; cat p
ulimit -n; umask; echo $((1 << 40))
exit 3
