/* proc_pid_io(5), proc_pid_status(5), getrusage(2): what a process has read and written, its own
 * threads and waited-for children included; sleeps are voluntary switches. */
#include <poll.h>
#include <pthread.h>
#include <sys/resource.h>
#include <sys/uio.h>

#include "shape.h"

static long field(const char *path, const char *key)
{
    const char *at = strstr(text_of(path), key);

    return at ? strtol(at + strlen(key), NULL, 10) : -1;
}

static void write_some(const char *buf, size_t len, int times)
{
    int fd = open("/dev/null", O_WRONLY);

    while (times--)
        if (write(fd, buf, len) != (ssize_t)len)
            _exit(1);
    close(fd);
}

static void *thread(void *arg)
{
    write_some(arg, 1000, 3);
    return NULL;
}

/* Written by a call of fn, and with how many calls. */
static void written(const char *what, void (*fn)(void), long bytes, long calls)
{
    long had = field("/proc/self/io", "wchar: "), made = field("/proc/self/io", "syscw: ");

    fn();
    long has = field("/proc/self/io", "wchar: "), more = field("/proc/self/io", "syscw: ");
    ok(has - had == bytes && more - made == calls, "%s: %ld bytes by %ld calls", what, bytes,
       calls);
}

static char buf[1000];

static void by_write(void)
{
    write_some(buf, 10, 4);
}

static void by_writev(void)
{
    struct iovec iov[2] = {{buf, 3}, {buf, 4}};
    int fd = open("/dev/null", O_WRONLY);

    if (writev(fd, iov, 2) != 7)
        _exit(1);
    close(fd);
}

static void by_thread(void)
{
    pthread_t t;

    pthread_create(&t, NULL, thread, buf);
    pthread_join(t, NULL);
}

static void by_child(void)
{
    pid_t child = fork();

    if (!child) {
        write_some(buf, 100, 5);
        _exit(0);
    }
    waitpid(child, NULL, 0);
}

int main(void)
{
    struct rusage before, after;
    char thread_io[64];

    snprintf(thread_io, sizeof(thread_io), "/proc/self/task/%d/io", getpid());
    int fd = open("/dev/zero", O_RDONLY);
    long r = field("/proc/self/io", "rchar: "), n = field("/proc/self/io", "syscr: ");
    long got = read(fd, buf, 777);
    long r2 = field("/proc/self/io", "rchar: "), n2 = field("/proc/self/io", "syscr: ");
    ok(got == 777 && r2 - r >= 777 && r2 - r < 2000, "rchar has what was read");
    ok(n2 - n == 5, "syscr: the read, and two of each of the two files before");
    ok(field(thread_io, "wchar: ") == field("/proc/self/io", "wchar: "),
       "the only thread's are the process's");
    written("write", by_write, 40, 4);
    written("writev", by_writev, 7, 1);
    written("another thread", by_thread, 3000, 3);
    written("a child that was waited for", by_child, 500, 5);
    getrusage(RUSAGE_SELF, &before);
    long v = field("/proc/self/status", "\nvoluntary_ctxt_switches:\t");
    for (int i = 0; i < 5; i++)
        poll(NULL, 0, 2);
    getrusage(RUSAGE_SELF, &after);
    ok(field("/proc/self/status", "\nvoluntary_ctxt_switches:\t") >= v + 5, "five sleeps are seen");
    ok(after.ru_nvcsw >= before.ru_nvcsw + 5, "and by getrusage(2)");
    done();
}
