# multiprocessing: pools, queues, managers, shared memory, locks, events; fork and spawn.
import multiprocessing as mp, os, signal, sys
from multiprocessing import shared_memory

def square(n):
    return n * n

def add(lock, total, times):
    for _ in range(times):
        with lock:
            total.value += 1

def fill(name, k):
    shm = shared_memory.SharedMemory(name=name)
    shm.buf[k] = k + 1
    shm.close()

def echo(q, r):
    for item in iter(q.get, None):
        r.put(item[::-1])

def wait_then_exit(barrier, code):
    barrier.wait(30)
    sys.exit(code)

def main():
    for method in ("fork", "spawn", "forkserver"):
        ctx = mp.get_context(method)
        with ctx.Pool(3) as pool:
            print(method, pool.map(square, range(12)))
        lock, total = ctx.Lock(), ctx.Value("i", 0, lock=False)
        ps = [ctx.Process(target=add, args=(lock, total, 200)) for _ in range(3)]
        [p.start() for p in ps]; [p.join() for p in ps]
        print(total.value, [p.exitcode for p in ps])
        shm = shared_memory.SharedMemory(create=True, size=16)
        ps = [ctx.Process(target=fill, args=(shm.name, k)) for k in range(4)]
        [p.start() for p in ps]; [p.join() for p in ps]
        print(bytes(shm.buf[:4]))
        shm.close(); shm.unlink()
        q, r = ctx.Queue(), ctx.Queue()
        p = ctx.Process(target=echo, args=(q, r)); p.start()
        for s in ("abc", "x" * 100000):
            q.put(s)
            print(len(r.get()))
        q.put(None); p.join(); print(p.exitcode)
        b = ctx.Barrier(3)
        ps = [ctx.Process(target=wait_then_exit, args=(b, k)) for k in range(3)]
        [p.start() for p in ps]; [p.join() for p in ps]
        print([p.exitcode for p in ps])
    with mp.Manager() as m:
        d = m.dict()
        ps = [mp.Process(target=d.update, args=({k: k * 2},)) for k in range(4)]
        [p.start() for p in ps]; [p.join() for p in ps]
        print(sorted(d.items()))
    p = mp.Process(target=signal.pause); p.start(); p.terminate(); p.join()
    print(p.exitcode)

if __name__ == "__main__":
    main()
