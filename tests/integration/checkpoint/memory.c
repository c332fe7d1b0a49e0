/*
 * Memory and threads over a checkpoint: checkpoint_memory.sh runs this, saves it while it sleeps
 * after "ready", and looks at what it says afterwards. Natively it says the same. usage: memory
 * FILE
 */
#define _GNU_SOURCE
#include <emmintrin.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PAGE 4096UL
#define SPARSE 1500UL /* pages that are there in a large area */
#define STRIDE (131 * PAGE)
#define GUARD_INSTALL 102
#define GUARD_REMOVE 103
#define RW (PROT_READ | PROT_WRITE)
#define ANON (MAP_PRIVATE | MAP_ANONYMOUS)

static int failures;

#define expect(cond)                                                                               \
    do {                                                                                           \
        if (!(cond)) {                                                                             \
            printf("line %d: %s\n", __LINE__, #cond);                                              \
            failures++;                                                                            \
        }                                                                                          \
    } while (0)

static char *pages(size_t n, int prot, int flags)
{
    char *p = mmap(NULL, n * PAGE, prot, flags, -1, 0);

    if (p == MAP_FAILED)
        exit(2);
    return p;
}

/* Runs, single pages, short and long gaps. */
static bool in_pattern(size_t i)
{
    return i % 100 < 20 || i % 100 == 60;
}

static char *pattern(size_t n)
{
    char *p = pages(n, RW, ANON);

    for (size_t i = 0; i < n; i++)
        if (in_pattern(i))
            p[i * PAGE] = (char)(i + 1);
    return p;
}

static bool has_pattern(const char *p, size_t from, size_t to, size_t n)
{
    for (size_t i = from; i < to; i++)
        if (p[i * PAGE] != (char)(i < n && in_pattern(i) ? i + 1 : 0) || p[i * PAGE + 99])
            return false;
    return true;
}

static bool all_are(const char *p, size_t npages, char c)
{
    for (size_t i = 0; i < npages * PAGE; i += 509)
        if (p[i] != c)
            return false;
    return true;
}

/* --- what is made before --- */
static char *data, *none, *wronly, *shared, *wiped, *left_out, *sparse, *given_back, *freed;
static char *guarded, *growing, *moving, *heap, *block, *file_private, *file_shared;
static unsigned char *code;
static int file;
static bool has_guards; /* Linux 6.13 */

static void make_memory(const char *name)
{
    data = pattern(300);
    none = pages(16, RW, ANON);
    memset(none, 0x5a, 16 * PAGE);
    mprotect(none, 16 * PAGE, PROT_NONE);
    wronly = pages(4, PROT_WRITE, ANON);
    wronly[17] = 17;
    shared = pages(8, RW, MAP_SHARED | MAP_ANONYMOUS);
    strcpy(shared + PAGE, "shared");
    wiped = pages(4, RW, ANON);
    strcpy(wiped, "wiped");
    madvise(wiped, 4 * PAGE, MADV_WIPEONFORK);
    left_out = pages(4, RW, ANON);
    madvise(left_out, 4 * PAGE, MADV_DONTFORK);
    code = (unsigned char *)pages(1, RW | PROT_EXEC, ANON);
    memcpy(code, "\xb8\x2a\x00\x00\x00\xc3", 6); /* mov $42,%eax; ret */
    sparse = pages(1UL << 24, RW, ANON | MAP_NORESERVE);
    for (size_t i = 0; i < SPARSE; i++)
        sparse[i * STRIDE] = (char)(i | 1);
    given_back = pages(16, RW, ANON);
    memset(given_back, 3, 16 * PAGE);
    freed = pages(16, RW, ANON);
    memset(freed, 3, 16 * PAGE);
    guarded = pattern(64);
    has_guards = !madvise(guarded + 10 * PAGE, 20 * PAGE, GUARD_INSTALL) &&
                 !madvise(guarded + 60 * PAGE, PAGE, GUARD_INSTALL) &&
                 !madvise(guarded + 12 * PAGE, PAGE, GUARD_REMOVE);
    growing = pattern(300);
    moving = pattern(200);
    heap = sbrk(10 * PAGE);
    heap[5 * PAGE] = 9;
    block = malloc(1 << 20);
    memset(block, 6, 1 << 20);
    file = open(name, O_RDWR | O_CREAT | O_TRUNC, 0600);
    for (int i = 0; i < 8; i++) {
        char b[PAGE];
        memset(b, 'a' + i, PAGE);
        if (write(file, b, PAGE) != (ssize_t)PAGE)
            exit(2);
    }
    file_private = mmap(NULL, 8 * PAGE, RW, MAP_PRIVATE, file, 0);
    file_shared = mmap(NULL, 8 * PAGE, RW, MAP_SHARED, file, 0);
    file_private[2 * PAGE] = 'X';
    file_private[7 * PAGE] = 'Q';
    file_shared[5 * PAGE] = 'Y';
}

static int to_child[2];

static pid_t make_child(void)
{
    char c;

    if (pipe(to_child))
        exit(2);
    pid_t pid = fork();
    if (pid)
        return pid;
    close(to_child[1]);
    if (read(to_child[0], &c, 1) != 1)
        _exit(1);
    bool ok = !wiped[0] && has_pattern(data, 0, 300, 300) && !strcmp(shared + PAGE, "SHARED");
    strcpy(shared + 2 * PAGE, "child");
    data[3 * PAGE] = 77;
    _exit(!ok);
}

/* --- threads --- */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER, gate = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static int turn;
static atomic_bool stop;
static pthread_t taking_turns[5], blocked, computing;

static void *take_turns(void *arg)
{
    pthread_mutex_lock(&lock);
    for (int i = 0; i < 200; i++) {
        while (turn % 5 != (int)(intptr_t)arg)
            pthread_cond_wait(&changed, &lock);
        turn++;
        pthread_cond_broadcast(&changed);
    }
    pthread_mutex_unlock(&lock);
    return arg;
}

static void *wait_at_gate(void *arg)
{
    pthread_mutex_lock(&gate);
    pthread_mutex_unlock(&gate);
    return arg;
}

static void *compute(void *arg)
{
    volatile double d = 1.5;

    while (!atomic_load(&stop))
        d = d * 1.0;
    return d == 1.5 ? arg : NULL;
}

static void start_threads(void)
{
    pthread_mutex_lock(&lock);
    pthread_mutex_lock(&gate);
    for (intptr_t i = 0; i < 5; i++)
        pthread_create(&taking_turns[i], NULL, take_turns, (void *)i);
    pthread_create(&blocked, NULL, wait_at_gate, &gate);
    pthread_create(&computing, NULL, compute, &stop);
}

static void end_threads(void)
{
    void *ret;

    atomic_store(&stop, true);
    pthread_join(computing, &ret);
    expect(ret == &stop);
    pthread_mutex_unlock(&gate);
    pthread_join(blocked, &ret);
    expect(ret == &gate);
    pthread_mutex_unlock(&lock);
    for (intptr_t i = 0; i < 5; i++)
        pthread_join(taking_turns[i], NULL);
    expect(turn == 1000);
}

/* --- what is looked at afterwards --- */
/* The sleep keeps its vector registers. */
static void sleep_with_registers(void)
{
    struct timespec ts = {1, 200000000};
    register __m128i kept __asm__("xmm9") = _mm_set1_epi32(0x1234567);
    uint32_t lanes[4];
    long ret;

    __asm__ volatile("syscall"
                     : "=a"(ret), "+x"(kept)
                     : "a"(SYS_nanosleep), "D"(&ts), "S"(NULL)
                     : "rcx", "r11", "memory");
    _mm_storeu_si128((void *)lanes, kept);
    expect(ret == 0);
    expect(lanes[0] == 0x1234567 && lanes[3] == 0x1234567);
}

static void check_contents(void)
{
    expect(has_pattern(data, 0, 300, 300));
    mprotect(none, 16 * PAGE, PROT_READ);
    expect(all_are(none, 16, 0x5a));
    mprotect(wronly, 4 * PAGE, PROT_READ);
    expect(wronly[17] == 17);
    expect(((int (*)(void))code)() == 42);
    code[1] = 43;
    expect(((int (*)(void))code)() == 43);
    for (size_t i = 0; i < SPARSE; i++)
        if (sparse[i * STRIDE] != (char)(i | 1) || sparse[i * STRIDE + PAGE]) {
            expect(!"sparse memory");
            break;
        }
    expect(file_private[2 * PAGE] == 'X' && file_private[5 * PAGE] == 'Y');
    expect(all_are(file_private + 3 * PAGE, 1, 'd'));
    file_shared[6 * PAGE] = 'Z';
    char c;
    expect(pread(file, &c, 1, 6 * (off_t)PAGE) == 1 && c == 'Z');
}

static __attribute__((noinline)) int descend(int n)
{
    volatile char frame[PAGE];

    frame[0] = (char)n;
    return n ? descend(n - 1) + (frame[0] == (char)n) : 0;
}

/* Can its first byte be read? A call says so, there is no signal. */
static bool readable(const char *page)
{
    return msync((void *)page, PAGE, MS_ASYNC) == 0 && pwrite(file, page, 1, 20 * (off_t)PAGE) == 1;
}

static void check_guards(void)
{
    for (size_t i = 0; has_guards && i < 64; i++) {
        bool guard = (i >= 10 && i < 30 && i != 12) || i == 60;
        expect(readable(guarded + i * PAGE) == !guard);
    }
    if (!has_guards)
        return;
    expect(has_pattern(guarded, 0, 10, 10) && all_are(guarded + 12 * PAGE, 1, 0));
    madvise(guarded, 64 * PAGE, GUARD_REMOVE);
    expect(all_are(guarded + 10 * PAGE, 20, 0) && all_are(guarded + 60 * PAGE, 1, 0));
}

/* Memory that comes from an image behaves as any other. */
static void check_changes(void)
{
    madvise(given_back + 4 * PAGE, 8 * PAGE, MADV_DONTNEED);
    expect(all_are(given_back, 4, 3) && all_are(given_back + 4 * PAGE, 8, 0));
    expect(all_are(given_back + 12 * PAGE, 4, 3));
    expect(!madvise(freed, 16 * PAGE, MADV_FREE));
    memset(freed, 8, 16 * PAGE);
    expect(all_are(freed, 16, 8));
    madvise(file_private + 7 * PAGE, PAGE, MADV_DONTNEED);
    expect(all_are(file_private + 7 * PAGE, 1, 'h'));
    expect(mremap(growing, 200 * PAGE, 300 * PAGE, 0) == growing);
    expect(has_pattern(growing, 0, 300, 200));
    expect(mremap(growing, 300 * PAGE, 150 * PAGE, 0) == growing);
    char *to = mremap(moving, 200 * PAGE, 400 * PAGE, MREMAP_MAYMOVE);
    expect(to != MAP_FAILED && has_pattern(to, 0, 400, 200));
    madvise(to, 400 * PAGE, MADV_DONTNEED);
    expect(all_are(to, 400, 0));
    char *spot = pages(150, PROT_NONE, ANON);
    expect(mremap(growing, 150 * PAGE, 100 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, spot) == spot);
    expect(has_pattern(spot, 0, 100, 100));
    /* cppcheck-suppress memleakOnRealloc ; a failure ends the test */
    block = realloc(block, 8 << 20);
    expect(all_are(block, 256, 6));
    expect(heap[5 * PAGE] == 9);
    char *top = sbrk(0);
    expect(sbrk(50 * PAGE) == top);
    memset(top, 1, 50 * PAGE);
    expect(descend(600) == 600);
}

static void check_processes(pid_t child)
{
    int status;
    pid_t pid = fork();

    if (pid == 0)
        _exit(wiped[0] || !msync(left_out, PAGE, MS_ASYNC) || !has_pattern(data, 0, 300, 300));
    expect(waitpid(pid, &status, 0) == pid && status == 0);
    expect(!strcmp(wiped, "wiped"));
    pid = vfork();
    if (pid == 0)
        _exit(5);
    expect(waitpid(pid, &status, 0) == pid && WEXITSTATUS(status) == 5);
    strcpy(shared + PAGE, "SHARED");
    expect(write(to_child[1], "g", 1) == 1);
    expect(waitpid(child, &status, 0) == child && status == 0);
    expect(!strcmp(shared + 2 * PAGE, "child") && has_pattern(data, 0, 300, 300));
}

int main(int argc, char **argv)
{
    make_memory(argv[1]);
    pid_t child = make_child();
    start_threads();
    munmap(growing + 200 * PAGE, 100 * PAGE); /* now: nothing else comes there */
    printf("ready\n");
    fflush(stdout);
    sleep_with_registers();
    check_contents();
    check_guards();
    check_changes();
    check_processes(child);
    end_threads();
    printf("failures: %d\n", failures);
    return failures != 0;
}
