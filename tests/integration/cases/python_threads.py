# Threads, subprocess, multiprocessing primitives, files, signals.
import os, queue, signal, subprocess, sys, tempfile, threading, time
q = queue.Queue()
def work(n):
    q.put(sum(range(n)))
threads = [threading.Thread(target=work, args=(n * 1000,)) for n in range(8)]
[t.start() for t in threads]
[t.join() for t in threads]
print(sorted(q.get() for _ in range(8)))
print(subprocess.run(["sh", "-c", "echo sub; exit 3"], capture_output=True, text=True))
print(subprocess.check_output(["tr", "a-z", "A-Z"], input=b"pipe"))
lock, total = threading.Lock(), [0]
def add():
    for _ in range(2000):
        with lock:
            total[0] += 1
ts = [threading.Thread(target=add) for _ in range(4)]
[t.start() for t in ts]; [t.join() for t in ts]
print(total)
with tempfile.TemporaryDirectory() as d:
    p = os.path.join(d, "x")
    with open(p, "w") as f:
        f.write("abc\n" * 1000)
    print(os.path.getsize(p), sorted(os.listdir(d)))
hits = []
signal.signal(signal.SIGALRM, lambda *a: hits.append(1))
signal.setitimer(signal.ITIMER_REAL, 0.02)
time.sleep(0.1)
print(hits)
pid = os.fork()
if pid == 0:
    os._exit(7)
print(os.waitpid(pid, 0)[1] >> 8)
r, w = os.pipe()
e = threading.Event()
threading.Timer(0.02, lambda: (os.write(w, b"z"), e.set())).start()
print(os.read(r, 1), e.wait(1))
sys.exit(2)
