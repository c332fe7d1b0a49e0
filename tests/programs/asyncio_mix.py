# asyncio: tasks, timeouts, subprocesses, a Unix server with clients, executors, signal handlers.
import asyncio, os, signal, sys, tempfile

async def serve(path):
    async def handle(reader, writer):
        while line := await reader.readline():
            writer.write(line.upper())
            await writer.drain()
        writer.close()
    return await asyncio.start_unix_server(handle, path)

async def client(path, n):
    reader, writer = await asyncio.open_unix_connection(path)
    got = []
    for i in range(20):
        writer.write(f"client {n} line {i}\n".encode())
        got.append(await reader.readline())
    writer.close()
    await writer.wait_closed()
    return len(got), got[-1]

async def subprocesses():
    procs = [await asyncio.create_subprocess_exec(
        "sh", "-c", f"cat; echo err{i} >&2; exit {i}", stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE) for i in range(4)]
    out = await asyncio.gather(*[p.communicate(b"in%d" % i) for i, p in enumerate(procs)])
    return out, [p.returncode for p in procs]

async def main():
    with tempfile.TemporaryDirectory() as d:
        path = os.path.join(d, "s")
        server = await serve(path)
        print(await asyncio.gather(*[client(path, n) for n in range(8)]))
        server.close()
        await server.wait_closed()
    print(await subprocesses())
    try:
        await asyncio.wait_for(asyncio.sleep(30), 0.05)
    except asyncio.TimeoutError:
        print("timed out")
    loop = asyncio.get_running_loop()
    hit = asyncio.Event()
    loop.add_signal_handler(signal.SIGUSR1, hit.set)
    os.kill(os.getpid(), signal.SIGUSR1)
    await asyncio.wait_for(hit.wait(), 20)
    print(await asyncio.gather(*[loop.run_in_executor(None, pow, 3, n) for n in range(10)]))
    queue, seen = asyncio.Queue(5), []
    async def producer():
        for i in range(100):
            await queue.put(i)
    async def consumer():
        for _ in range(100):
            seen.append(await queue.get())
    await asyncio.gather(producer(), consumer())
    print(sum(seen))

asyncio.run(main())
