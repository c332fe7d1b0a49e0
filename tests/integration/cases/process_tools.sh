# What tells of processes, files, locks, sockets, mounts and the machine: nothing on standard error,
# and of a known process the same as natively. Numbers that differ by nature are N.
set -e
dir=$(mktemp -d)
cd "$dir"
trap 'kill $others 2>/dev/null; cd /; rm -rf "$dir"' EXIT
tool() { # NAME COMMAND...: its output in ./out; what it says beside that is printed
    echo "--- $1"
    "${@:2}" >out 2>err || echo "exit $?"
    # No network in the sandbox, which two mention; and files of the host's that nobody may look at.
    grep -v -E 'Cannot open (a network|netlink) socket|Cannot stat file /proc/' err | named || true
}
blanks() { sed -E 's/ +/ /g; s/^ //; s/ $//'; }
numbers() { sed -E 's/[0-9]+([.,:][0-9]+)*/N/g' | blanks; }
named() { sed -E "s/\b$parent\b/PARENT/g; s/\b$child\b/CHILD/g; s/\b$sleeper\b/SLEEPER/g; s|$dir|DIR|g"; }

# A process with a name of its own, threads, a child, a lock, a listening socket and files.
cat >holder.py <<'P'
import ctypes, fcntl, os, signal, socket, subprocess, threading, time
name = "toolholder"
ctypes.CDLL(None).prctl(15, name.encode())
for _ in range(2):
    threading.Thread(target=signal.pause, daemon=True).start()
whole = open("locked", "w"); fcntl.flock(whole, fcntl.LOCK_EX)
part = open("part", "w+"); part.write("x" * 1000); part.flush()
fcntl.lockf(part, fcntl.LOCK_SH, 50, 100)
s = socket.socket(socket.AF_UNIX); s.bind(os.path.abspath("listening")); s.listen(7)
seq = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET); seq.bind(os.path.abspath("seqpacket")); seq.listen(3)
r, w = os.pipe()
child = subprocess.Popen(["sleep", "1000"], preexec_fn=os.setsid)
with open("ready.tmp", "w") as f:
    print(os.getpid(), child.pid, file=f)
os.rename("ready.tmp", "ready")
signal.pause()
P
python3 holder.py &
others=$!
until [ -e ready ]; do :; done
read -r parent child <ready
others="$others $child"
sleep 2000 & sleeper=$!
others="$others $sleeper"
for pid in "$parent" "$child" "$sleeper"; do
    chrt -o -p 0 "$pid" && renice -n 0 -p "$pid" >/dev/null # whatever this one was started with
    until ! grep -h ^State "/proc/$pid"/task/*/status | grep -qv sleeping && grep -qx 'sleep\|toolholder' "/proc/$pid/comm"; do :; done
done

tool "ps aux" ps aux
head -1 out
awk -v p="$sleeper" '$2 == p { print $1, ($4 >= 0), ($6 > 0), $7, $8, $11, $12 }' out
tool "ps -eLf" ps -eLf
head -1 out
awk -v p="$parent" '$2 == p { n++; if ($4 == p) l = 1; t = $6 } END { print n, l, t }' out
tool "ps -o" ps -p "$parent,$child,$sleeper" -o pid,ppid,sid,nlwp,stat,ni,pri,cls,tty,comm
awk -v shell=$$ 'NR > 1 && $2 == shell { $2 = "SHELL" } { $3 = ""; sub("S.*", "S", $5); print }' out | blanks | named
tool "ps --forest" ps --forest -o comm --pid "$parent" --ppid "$parent"
cat out
tool "ps -ejH" ps -ejH
awk -v c="$child" '$1 == c { print ($1 == $2), ($1 == $3) }' out
tool "top" top -bn1 -w 200
sed -n '3,4p;7p' out | numbers | sed -E 's/:N/: N/; s/MiB|GiB|KiB/B/; s/, */, /g'
awk -v p="$sleeper" '$1 == p { print $2, $3, $4, $8, $12 }' out
tool "top of threads" top -H -bn1 -p "$parent"
grep -c toolholder out
tool "free" free
head -1 out | blanks; awk '/^Mem/ { print ($2 >= $3 && $2 >= $4 && $7 > 0) }' out
tool "vmstat" vmstat 1 2
sed -n '2p' out | blanks; awk 'END { print NF, ($13 + $14 + $15 + $16 + $17 >= 99) }' out
tool "uptime" uptime
sed -E 's/^.* up .*( user)/up\1/' out | sed 's/user[s,]*/user/' | numbers
tool "pgrep" pgrep -P "$parent" -a
named <out
tool "pgrep by name" pgrep -x toolholder
named <out | grep -x PARENT
tool "pidwait and pkill" pkill -0 -x toolholder
tool "pwdx" pwdx "$parent"
named <out
tool "pmap" pmap -x "$sleeper"
head -2 out | blanks | named; awk '/^total/ { print ($3 > $4), ($4 > 0) }' out; grep -c 'r-x.*sleep$' out
tool "lsof" lsof -p "$parent" -a -d 0-99,cwd
awk 'NR == 1 || $NF ~ "'"$dir"'" || /unix|FIFO/ { print $1, $4, $5, ($5 == "unix" ? $NF : ""), ($5 == "REG" ? $7 : "") }' out | sed 's/0x[0-9a-f]*//'
grep -o "$dir.*" out | named
tool "lsof of one file" lsof -t locked
named <out
tool "lslocks" lslocks -n -o COMMAND,PID,TYPE,MODE,M,START,END,PATH
grep toolholder out | blanks | named | sort
tool "fuser" fuser locked part
blanks <out | tr ' ' '\n' | sort -u | named
tool "pstree" pstree -A -p "$parent"
named <out | sed -E 's/[0-9]+/N/g' | blanks
tool "ss" ss -xl
# Without the length of the queue, which /proc/net/unix has not.
awk -v d="$dir" 'index($0, d) { print $1, $2, $3, $5, $7 }' out | named | sort
tool "killall" killall -0 toolholder
tool "prtstat" prtstat "$parent"
grep -E 'State|Threads' out | blanks | sed -E 's/.*(State: [^ ]*)/\1/; s/.*(Threads: )/\1/'
tool "lscpu" lscpu
grep -E '^(Architecture|CPU\(s\)|Byte Order|Vendor ID|CPU family|Model|Address)' out | blanks
tool "lscpu -p" lscpu -p=CPU,CORE
grep -vc '^#' out
tool "lsns" lsns -p "$sleeper" -o TYPE
sort out | grep -vx time
tool "lsipc" lsipc -o RESOURCE,DESCRIPTION
cat out
tool "prlimit" prlimit -p "$sleeper" -o RESOURCE,DESCRIPTION
cat out
tool "w" w -h
tool "df" df . /dev/shm
head -1 out | blanks; awk 'NR > 1 { print ($2 >= $3), ($2 >= $4), ($5 ~ "%$") }' out
tool "findmnt" unshare -m --propagation private sh -c 'mount -t tmpfs -o size=1m,nodev sized /dev/shm &&
    findmnt -n -o TARGET,SOURCE,FSTYPE,OPTIONS,PROPAGATION --mountpoint /dev/shm &&
    df --output=source,fstype,size,used,avail,target /dev/shm'
grep -E '^File|sized' out | blanks | sed 's/,inode64//'
tool "findmnt by /proc/mounts" findmnt -n -o FSTYPE /proc
head -1 out
tool "findmnt --poll" unshare -m --propagation private sh -c 'findmnt --poll -n -o ACTION,TARGET,SOURCE /dev/shm >polled &
    until [ -n "$(ls /proc/$!/fdinfo 2>/dev/null)" ] && grep -q findmnt /proc/$!/comm && ls -l /proc/$!/fd | grep -q mountinfo; do :; done
    mount -t tmpfs here /dev/shm
    until [ -s polled ]; do :; done
    kill $!'
blanks <polled
tool "sysctl" sysctl -n kernel.ostype kernel.pid_max fs.nr_open kernel.cap_last_cap
numbers <out
tool "htop" python3 - <<'P'
import os, pty, re, select, sys, time
pid, fd = pty.fork()
if not pid:
    os.environ["TERM"] = "xterm"
    os.environ["HTOPRC"] = "htoprc"
    os.execvp("htop", ["htop", "-d", "1"])
seen, end = b"", time.time() + 30
while b"Load average" not in seen or b"F10" not in seen:
    if not select.select([fd], [], [], max(0, end - time.time()))[0]:
        sys.exit("htop shows nothing: %r" % seen)
    seen += os.read(fd, 65536)
os.write(fd, b"q")
try:
    while os.read(fd, 65536):
        pass
except OSError:
    pass
print(os.WEXITSTATUS(os.waitpid(pid, 0)[1]), b"Tasks" in seen, b"Mem" in seen, b"PID" in seen)
P
cat out
