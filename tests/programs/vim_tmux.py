# vim and tmux driven through a pseudo-terminal: editing, insert, undo, shell escape, resize, panes, detach.
import fcntl, os, pty, re, select, shutil, signal, struct, subprocess, sys, tempfile, termios, time

def spawn(args, rows=24, cols=80, **env):
    pid, fd = pty.fork()
    if pid == 0:
        os.environ.update(TERM="xterm", HOME=os.getcwd(), SHELL="/bin/sh", PS1="PROMPT ", **env)
        os.execvp(args[0], args)
    fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, cols, 0, 0))
    return pid, fd

def until(fd, want, seen=b""):
    end = time.time() + 30
    while not re.search(want, seen):
        if not select.select([fd], [], [], end - time.time())[0]:
            print("not seen:", want, seen[-300:])
            sys.exit(1)
        try:
            data = os.read(fd, 4096)
        except OSError:
            data = b""
        if not data:
            print("closed before", want, seen[-300:])
            sys.exit(1)
        seen += data
    return seen

def drain(fd):
    try:
        while os.read(fd, 4096):
            pass
    except OSError:
        pass

def vim():
    with open("text", "w") as f:
        f.write("one\ntwo\nthree\n")
    pid, fd = spawn(["vim", "-u", "NONE", "-N", "-n", "-i", "NONE", "text"])
    until(fd, rb"three")
    for keys in (b"ofour words here\x1b", b"ddu", b":2s/four/FOUR/\r", b"Gyyp", b":%!sort -r\r", b":w out\r"):
        os.write(fd, keys)
    until(fd, rb'"out"')
    fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
    os.write(fd, b":call writefile([&lines . ' ' . &columns], 'size')\r:!echo shell $((6*7))\r")
    until(fd, rb"shell 42")
    os.write(fd, b"\r:call writefile([system('stty size')], 'stty')\r:q!\r")
    drain(fd)
    print("vim", os.waitpid(pid, 0)[1], open("out").read().split("\n"), open("size").read().strip())

def tmux():
    base = ["tmux", "-S", os.path.join(os.getcwd(), "sock"), "-f", "/dev/null"]
    pid, fd = spawn(base + ["new-session", "-s", "s", "-x", "80", "-y", "24", "sh"])
    until(fd, rb"PROMPT ")
    os.write(fd, b"echo first$((1+1)); tty | cut -c1-9; stty size\r")
    seen = until(fd, rb"first2[^$]*/dev/pts/[^$]*23 80")
    run = lambda *a: subprocess.run(base + list(a), capture_output=True, text=True)
    print(run("list-sessions", "-F", "#{session_name} #{session_windows}").stdout.strip())
    run("split-window", "-h", "sh")
    run("send-keys", "-t", "s:0.1", "echo second$((2+2)) > pane; stty size >> pane; tmux wait-for -S go", "Enter")
    run("wait-for", "go")
    print(open("pane").read().split("\n"))
    run("send-keys", "-t", "s:0.0", "sleep 1000", "Enter")
    run("send-keys", "-t", "s:0.0", "C-c", "")
    run("send-keys", "-t", "s:0.0", "echo interrupted > int; tmux wait-for -S two", "Enter")
    run("wait-for", "two")
    print(open("int").read().strip(), run("list-panes", "-F", "#{pane_width}x#{pane_height}").stdout.split())
    os.write(fd, b"\x02d")
    until(fd, rb"detached")
    drain(fd)
    print("client", os.waitpid(pid, 0)[1])
    print("captured", "wait-for -S go" in run("capture-pane", "-p", "-t", "s:0.1").stdout)
    print("kill", run("kill-server").returncode, run("list-sessions").returncode)

def script():
    out = subprocess.run(["script", "-qec", "tty | cut -c1-9; stty -a | tr ';' '\\n' | grep -c =; echo done", "/dev/null"],
                         capture_output=True, text=True, stdin=subprocess.DEVNULL)
    print(out.stdout.split("\r\n"), out.returncode)

os.chdir(tempfile.mkdtemp())
vim()
tmux()
script()
shutil.rmtree(os.getcwd())
