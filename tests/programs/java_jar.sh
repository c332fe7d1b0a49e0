# Java: compiles a class with threads, executors, processes, NIO and Unix sockets, runs it from a jar.
d=$(mktemp -d); trap 'rm -rf "$d"' EXIT; cd "$d" || exit 1
cat > Main.java <<'J'
import java.io.*; import java.net.*; import java.nio.*; import java.nio.channels.*; import java.nio.file.*;
import java.util.*; import java.util.concurrent.*; import java.util.concurrent.atomic.*;
public class Main {
    public static void main(String[] a) throws Exception {
        ExecutorService pool = Executors.newFixedThreadPool(8);
        List<Future<Long>> sums = new ArrayList<>();
        for (int n = 1; n <= 16; n++) {
            final int k = n * 100000;
            sums.add(pool.submit(() -> { long s = 0; for (int i = 0; i < k; i++) s += i; return s; }));
        }
        for (Future<Long> f : sums) System.out.print(f.get() + " ");
        System.out.println();
        pool.shutdown();
        AtomicInteger count = new AtomicInteger();
        Thread[] ts = new Thread[10];
        for (int i = 0; i < 10; i++) { ts[i] = new Thread(() -> { for (int j = 0; j < 1000; j++) count.incrementAndGet(); }); ts[i].start(); }
        for (Thread t : ts) t.join();
        System.out.println("count " + count);
        Path f = Paths.get("data");
        try (FileChannel c = FileChannel.open(f, StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
            MappedByteBuffer m = c.map(FileChannel.MapMode.READ_WRITE, 0, 65536);
            m.putInt(4096, 42); m.force();
            ByteBuffer b = ByteBuffer.allocate(4); c.read(b, 4096); b.flip();
            System.out.println("mapped " + b.getInt() + " size " + c.size() + " lock " + (c.tryLock() != null));
        }
        try (ServerSocketChannel s = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
            UnixDomainSocketAddress at = UnixDomainSocketAddress.of("sock");
            s.bind(at);
            Thread t = new Thread(() -> { try (SocketChannel c = SocketChannel.open(at)) { c.write(ByteBuffer.wrap("hello".getBytes())); } catch (IOException e) { System.out.println(e); } });
            t.start();
            try (SocketChannel c = s.accept()) { ByteBuffer b = ByteBuffer.allocate(100); while (c.read(b) >= 0) { } System.out.println("unix " + b.position()); }
            t.join();
        }
        Process p = new ProcessBuilder("sh", "-c", "cat; exit 3").redirectErrorStream(true).start();
        p.getOutputStream().write("to a child\n".getBytes()); p.getOutputStream().close();
        System.out.print(new String(p.getInputStream().readAllBytes()));
        System.out.println("status " + p.waitFor());
        long total = 0;
        for (int i = 0; i < 2000; i++) { byte[] b = new byte[100000]; total += b.length; }
        System.gc();
        System.out.println("allocated " + total + " cpus " + (Runtime.getRuntime().availableProcessors() > 0));
        try { deep(0); } catch (StackOverflowError e) { System.out.println("stack overflow caught"); }
        try { Object o = null; o.hashCode(); } catch (NullPointerException e) { System.out.println("null pointer caught"); }
        ScheduledExecutorService sch = Executors.newScheduledThreadPool(1);
        System.out.println(sch.schedule(() -> "scheduled", 20, TimeUnit.MILLISECONDS).get());
        sch.shutdown();
        System.out.println(ForkJoinPool.commonPool().invoke(new RecursiveTask<Integer>() { protected Integer compute() { return 7; } }));
        Runtime.getRuntime().addShutdownHook(new Thread(() -> System.out.println("hook")));
        System.exit(5);
    }
    static int deep(int n) { return deep(n + 1) + 1; }
}
J
javac Main.java && printf 'Main-Class: Main\n' > m && jar cfm x.jar m *.class && java -Xmx256m -jar x.jar
