/*
 * pread(2), pwrite(2): long transfers, however often, agree with short ones, mappings and other
 * processes; they end early at the end of the file and at memory that is not there; a file that
 * gets shorter meanwhile gives what there was.
 */
#include "../tmp.h"
#include <pthread.h>
#include <sys/mman.h>

#define FILES 10
#define SIZE (3UL << 20)
#define LONG 150000UL

static unsigned char model[FILES][SIZE], buf[SIZE];
static int fds[FILES];
static volatile int stop;

static unsigned int rnd(void)
{
    static unsigned int x = 12345;

    x = x * 1103515245 + 12345;
    return x >> 8;
}

static int same(int f, size_t at, size_t n)
{
    memset(buf, 0, n);
    return pread(fds[f], buf, n, (off_t)at) == (ssize_t)n && !memcmp(buf, model[f] + at, n);
}

static int put(int f, size_t at, size_t n)
{
    for (size_t i = 0; i < n; i += 61)
        model[f][at + i] = (unsigned char)rnd();
    return pwrite(fds[f], model[f] + at, n, (off_t)at) == (ssize_t)n;
}

/* Places and lengths of all kinds, some files more often than others. */
static int churn(int rounds)
{
    int good = 1;

    for (int i = 0; good && i < rounds; i++) {
        int f = i % 3 ? (int)(rnd() % 2) : (int)(rnd() % FILES);
        size_t n = i % 4 ? 16000 + rnd() % LONG : 1 + rnd() % 300;
        size_t at = rnd() % (SIZE - n);
        good = rnd() % 2 ? put(f, at, n) : same(f, at, n);
    }
    return good;
}

static int child(void)
{
    int good = 1;

    for (int i = 0; i < 8; i++)
        good &= put(0, 4096, LONG);
    good &= churn(100);
    for (int i = 0; i < 8; i++) {
        memset(model[1], 'c', LONG);
        good &= pwrite(fds[1], model[1], LONG, 0) == (ssize_t)LONG;
    }
    return !good;
}

static void *shorten(void *arg)
{
    while (!stop) {
        ftruncate(fds[2], 4096);
        ftruncate(fds[2], 1 << 20);
    }
    return arg;
}

/* Zeros or what was written, nothing else. */
static int with_truncation(void)
{
    static unsigned char ones[LONG];
    int good = 1;
    pthread_t t;

    memset(ones, 1, sizeof(ones));
    pthread_create(&t, NULL, shorten, NULL);
    for (int i = 0; good && i < 300; i++) {
        good = pwrite(fds[2], ones, LONG, 8192) == (ssize_t)LONG;
        ssize_t n = pread(fds[2], buf, LONG, 8192);
        good &= n >= 0;
        for (ssize_t k = 0; k < n; k++)
            good &= buf[k] <= 1;
    }
    stop = 1;
    pthread_join(t, NULL);
    return good;
}

int main(void)
{
    tmp_enter();
    for (int f = 0; f < FILES; f++) {
        char name[16];
        snprintf(name, sizeof(name), "f%d", f);
        fds[f] = open(name, O_RDWR | O_CREAT, 0600);
        put(f, 0, SIZE);
    }
    ok(churn(600), "long and short transfers agree");

    unsigned char *m = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fds[0], 0);
    for (int i = 0; i < 8; i++)
        put(0, 100, LONG);
    ok(!memcmp(m, model[0], SIZE), "and a mapping sees them");
    memset(m + 200, 9, 5000);
    memset(model[0] + 200, 9, 5000);
    ok(same(0, 100, LONG), "and the other way round");
    munmap(m, SIZE);

    is_eq(in_child(child), 0);
    memset(model[1], 'c', LONG);
    ok(same(1, 0, LONG), "what another process wrote is there");

    is_eq(pread(fds[3], buf, LONG, SIZE - 70000), 70000);
    is_eq(pread(fds[3], buf, LONG, SIZE), 0);
    is_eq(pread(fds[3], buf, LONG, SIZE + 100000), 0);
    int good = 1;
    for (int i = 0; i < 8; i++)
        good &= same(3, 0, LONG);
    ok(good, "again");
    is_eq(pread(fds[3], buf, LONG, SIZE - 70000), 70000);
    is_eq(pwrite(fds[3], model[3], LONG, SIZE - 70000), LONG);
    is_eq(lseek(fds[3], 0, SEEK_END), SIZE - 70000 + LONG);

    unsigned char *hole =
        mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    munmap(hole + 65536, 65536);
    is_eq(pwrite(fds[4], hole, LONG, 0), 65536);
    is_eq(pread(fds[4], hole, LONG, 0), 65536);
    is_errno(pread(fds[4], hole + 65536, 65536, 0), EFAULT);
    is_errno(pwrite(fds[4], hole + 65536, 65536, 0), EFAULT);

    ok(with_truncation(), "a file that gets shorter and longer");
    for (int f = 0; f < FILES; f++)
        close(fds[f]);
    done();
}
