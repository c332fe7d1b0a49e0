"""A person at a terminal: an interactive shell under `nv run`, driven through a pseudo-terminal.

usage: terminal.py NV PLATFORM; prints "ok" or what went wrong.
"""
import fcntl
import os
import pty
import re
import select
import signal
import struct
import sys
import termios
import time


class Session:
    def __init__(self, *argv):
        self.seen = b""
        ready, go = os.pipe()
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.read(ready, 1)
            os.execv(argv[0], argv)
        self.before = termios.tcgetattr(self.fd)
        os.write(go, b"g")

    def type(self, text):
        os.write(self.fd, text.encode())

    def expect(self, pattern):
        """Output up to and with the pattern; it is consumed."""
        end = time.time() + 15
        while not (found := re.search(pattern.encode(), self.seen)):
            if time.time() > end or not select.select([self.fd], [], [], end - time.time())[0]:
                sys.exit(f"no {pattern!r} in {self.seen!r}")
            try:
                self.seen += os.read(self.fd, 65536)
            except OSError:
                sys.exit(f"ended without {pattern!r} in {self.seen!r}")
        self.seen = self.seen[found.end():]
        return found

    def resize(self, rows, columns):
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))


def main(nv, platform):
    os.environ["PS1"] = "prompt> "
    s = Session(nv, "run", f"--platform={platform}", "--", "bash", "--norc", "--noediting", "-i")
    s.expect("prompt> ")
    s.resize(33, 101)
    s.type("tty; stty size\n")
    s.expect("/dev/console\r\n33 101\r\nprompt> ")
    s.type("trap 'echo resized $(stty size)' WINCH\n")
    s.expect("prompt> ")
    s.resize(40, 120)
    s.type("sleep 0.5\n")                     # the shell runs the trap after it
    s.expect("resized 40 120")
    s.type("cat\n")
    s.expect("cat\r\n")
    s.type("abX\x7fc\n")                      # erase
    s.expect("abc\r\n")
    s.type("gone\x15kept\n")                  # kill
    s.expect("\r\nkept\r\n")
    s.type("\x04")                            # end of file
    s.expect("prompt> ")
    s.type("sleep 100\n")
    s.expect("sleep 100\r\n")
    time.sleep(0.3)
    s.type("\x1a")                            # suspend
    s.expect(r"Stopped.*sleep 100\r\nprompt> ")
    s.type("fg\n")
    s.expect("sleep 100\r\n")
    time.sleep(0.3)
    s.type("\x03")                            # interrupt
    s.expect(r"\^C\r\nprompt> ")
    s.type("echo status $?\n")
    s.expect("status 130\r\n")
    s.type("python3 -c 'import getpass; print(len(getpass.getpass()))'\n")
    s.expect("Password: ")
    s.type("secret\n")                        # not echoed
    s.expect("^\r\n6\r\n")
    s.type("python3 -c 'import pty; pty.spawn([\"sh\", \"-c\", \"tty; stty size\"])'\n")
    s.expect("/dev/pts/0\r\n0 0\r\nprompt> ")
    s.type("exit 7\n")
    s.expect("exit\r\n")
    status = os.waitpid(s.pid, 0)[1]
    if os.waitstatus_to_exitcode(status) != 7:
        sys.exit(f"exit status {status:#x}")
    if termios.tcgetattr(s.fd) != s.before:
        sys.exit("the terminal's settings were not put back")
    print("ok")


signal.alarm(120)
main(*sys.argv[1:])
