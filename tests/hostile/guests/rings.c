/*
 * Memory that the kernel reads while the guest changes it: rings and entries of io_uring, control
 * blocks and the context's page of AIO. Registered buffers that go away, rings and contexts that
 * end with requests under way, in forks and execs.
 */
#include "guest.h"

#include <fcntl.h>
#include <linux/aio_abi.h>
#include <linux/io_uring.h>
#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/uio.h>

#define OPS 64 /* numbers of operations, and some that there are not */
#define ENTRIES 64
#define ROUND_MS 700

static struct ring {
    int fd;
    char *rings, *sqes;
    size_t rings_len, sqes_len;
    struct io_uring_params p;
} ring;

static char *buffers;
static int pipes[2], socks[2], event;
static volatile int stop;

static uint32_t *word(uint32_t off)
{
    return (uint32_t *)(ring.rings + off);
}

static int ring_open(void)
{
    ring.p = (struct io_uring_params){0};
    ring.fd = (int)sys(SYS_io_uring_setup, ENTRIES, (long)&ring.p, 0, 0, 0, 0);
    if (ring.fd < 0)
        return ring.fd;
    ring.rings_len = ring.p.cq_off.cqes + ring.p.cq_entries * sizeof(struct io_uring_cqe);
    ring.sqes_len = ring.p.sq_entries * sizeof(struct io_uring_sqe);
    ring.rings = mmap(NULL, ring.rings_len, PROT_READ | PROT_WRITE, MAP_SHARED, ring.fd, 0);
    ring.sqes =
        mmap(NULL, ring.sqes_len, PROT_READ | PROT_WRITE, MAP_SHARED, ring.fd, IORING_OFF_SQES);
    if (ring.rings == MAP_FAILED || ring.sqes == MAP_FAILED)
        FAIL("mmap of a ring");
    return 0;
}

static void things(void)
{
    buffers = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (pipe2(pipes, O_NONBLOCK) || socketpair(AF_UNIX, SOCK_STREAM, 0, socks))
        FAIL("pipe");
    event = eventfd(0, EFD_NONBLOCK);
}

static uint64_t some_address(void)
{
    switch (rnd() % 6) {
    case 0:
        return rnd();
    case 1:
        return 0;
    case 2:
        return (uint64_t)ring.rings + rnd() % 8192;
    case 3:
        return (uint64_t)ring.sqes + rnd() % 8192;
    default:
        return (uint64_t)buffers + rnd() % (1 << 20);
    }
}

static void make_sqe(struct io_uring_sqe *s)
{
    const int fds[] = {pipes[0], pipes[1], socks[0], socks[1], event, ring.fd, -1, 0, 1000};

    if (rnd() % 8 == 0) {
        for (size_t i = 0; i < sizeof(*s) / 8; i++)
            ((uint64_t *)s)[i] = rnd();
        s->opcode %= OPS;
        return;
    }
    *s = (struct io_uring_sqe){.opcode = (uint8_t)(rnd() % OPS),
                               .fd = fds[rnd() % (sizeof(fds) / sizeof(fds[0]))],
                               .addr = some_address(),
                               .len = rnd() % 3 ? (uint32_t)(rnd() % 4096) : (uint32_t)rnd(),
                               .user_data = rnd() % 16};
    if (s->opcode == IORING_OP_POLL_ADD || s->opcode == IORING_OP_TIMEOUT) {
        s->addr = s->opcode == IORING_OP_TIMEOUT ? (uint64_t)buffers : 0;
        s->len = s->opcode == IORING_OP_TIMEOUT;
        s->poll32_events = s->opcode == IORING_OP_POLL_ADD ? POLLIN : 0;
    }
    if (s->opcode == IORING_OP_CLOSE || s->opcode == IORING_OP_OPENAT)
        s->opcode = IORING_OP_NOP;
    s->flags = rnd() % 3 ? 0 : (uint8_t)(rnd() & 0x7f);
    s->off = rnd() % 2 ? (uint64_t)-1 : rnd() % 3 ? 0 : rnd();
    s->ioprio = rnd() % 4 ? 0 : (uint16_t)(rnd() % 8); /* multishot, among others */
    s->file_index = rnd() % 8 ? 0 : rnd() % 2 ? ~0U : (uint32_t)(rnd() % 5);
    if (s->opcode == IORING_OP_PROVIDE_BUFFERS)
        s->off = rnd() % 64;
    if (s->opcode == IORING_OP_POLL_ADD && rnd() % 2)
        s->len = IORING_POLL_ADD_MULTI;
    if (s->opcode == IORING_OP_ASYNC_CANCEL)
        s->cancel_flags = (uint32_t)(rnd() % 64);
    s->buf_index = (uint16_t)(rnd() % 5);
}

/* Heads, tails, masks, entries, flags and completions: any of it, all the time. */
static void *scribbler(void *arg)
{
    while (!stop) {
        uint32_t off = (uint32_t)(rnd() % ring.rings_len) & ~3U;
        switch (rnd() % 4) {
        case 0:
            *word(off) = (uint32_t)rnd();
            break;
        case 1:
            *word(ring.p.sq_off.tail) = *word(ring.p.sq_off.head) + (uint32_t)(rnd() % ENTRIES);
            break;
        case 2:
            make_sqe((struct io_uring_sqe *)ring.sqes + rnd() % ENTRIES);
            break;
        default:
            word(ring.p.sq_off.array)[rnd() % ENTRIES] = (uint32_t)(rnd() % (2 * ENTRIES));
        }
    }
    return NULL;
}

static void *drainer(void *arg)
{
    char buf[4096];

    while (!stop) {
        (void)!read(pipes[0], buf, sizeof(buf));
        (void)!write(pipes[1], buf, rnd() % 512);
        recv(socks[rnd() % 2], buf, sizeof(buf), MSG_DONTWAIT);
        send(socks[rnd() % 2], buf, rnd() % 512, MSG_DONTWAIT | MSG_NOSIGNAL);
    }
    return NULL;
}

static void submit_random(void)
{
    make_sqe((struct io_uring_sqe *)ring.sqes + rnd() % ENTRIES);
    *word(ring.p.sq_off.tail) += 1 + (uint32_t)(rnd() % 8);
    sys(SYS_io_uring_enter, ring.fd, (long)(rnd() % 100), rnd() % 16 ? 0 : 1,
        rnd() % 4 ? 0 : IORING_ENTER_GETEVENTS, 0, 0);
}

static void register_random(void)
{
    struct iovec v[4];
    int fds[4] = {pipes[0], socks[0], -1, ring.fd};

    for (int i = 0; i < 4; i++)
        v[i] = (struct iovec){(void *)some_address(), rnd() % 70000};
    sys(SYS_io_uring_register, ring.fd, IORING_REGISTER_BUFFERS, (long)v, 4, 0, 0);
    sys(SYS_io_uring_register, ring.fd, IORING_REGISTER_FILES, (long)fds, 4, 0, 0);
    sys(SYS_io_uring_register, ring.fd, (long)(rnd() % 37), (long)some_address(), (long)(rnd() % 6),
        0, 0);
    if (rnd() % 4 == 0) {
        sys(SYS_io_uring_register, ring.fd, IORING_UNREGISTER_BUFFERS, 0, 0, 0, 0);
        sys(SYS_io_uring_register, ring.fd, IORING_UNREGISTER_FILES, 0, 0, 0, 0);
    }
}

/* The pages under buffers come, go and lose their protection. */
static void shake_buffers(void)
{
    char *at = buffers + (rnd() % 250) * 4096;

    switch (rnd() % 3) {
    case 0:
        munmap(at, 4096 * (rnd() % 5 + 1));
        break;
    case 1:
        mprotect(at, 4096, (int)(rnd() % 4));
        break;
    default:
        mmap(at, 4096 * 4, PROT_READ | PROT_WRITE, MAP_FIXED | MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    }
}

static void scribbled_ring(long n)
{
    pthread_t t[2];

    seed((uint64_t)n);
    signal(SIGPIPE, SIG_IGN);
    things();
    if (ring_open())
        return;
    pthread_create(&t[0], NULL, scribbler, NULL);
    pthread_create(&t[1], NULL, drainer, NULL);
    for (uint64_t end = now_ms() + ROUND_MS; now_ms() < end;) {
        for (int i = 0; i < 20; i++)
            submit_random();
        register_random();
        shake_buffers();
    }
    stop = 1;
    if (n & 1) /* with all that is under way */
        _exit(0);
    close(ring.fd);
    munmap(ring.rings, ring.rings_len);
    pthread_join(t[1], NULL);
}

/* A ring that ends while its requests wait: by close, by exec, by the exit of one thread. */
static void ended_ring(long n)
{
    static const struct __kernel_timespec later = {.tv_sec = 1000};

    seed((uint64_t)n);
    things();
    for (int k = 0; k < 200; k++) {
        if (ring_open())
            return;
        struct io_uring_sqe *s = (void *)ring.sqes;
        for (uint32_t i = 0; i < 12; i++) {
            s[i] = (struct io_uring_sqe){.opcode = IORING_OP_READ,
                                         .fd = socks[0],
                                         .addr = (uint64_t)buffers,
                                         .len = 64,
                                         .flags = i % 3 ? IOSQE_IO_LINK : 0};
            if (i % 4 == 1)
                s[i] = (struct io_uring_sqe){
                    .opcode = IORING_OP_TIMEOUT, .addr = (uint64_t)&later, .len = 1};
            if (i % 4 == 2)
                s[i] = (struct io_uring_sqe){
                    .opcode = IORING_OP_POLL_ADD, .fd = socks[1], .poll32_events = POLLPRI};
            word(ring.p.sq_off.array)[i] = i;
        }
        *word(ring.p.sq_off.tail) = 12;
        sys(SYS_io_uring_enter, ring.fd, 12, 0, 0, 0, 0);
        if (k % 3 == 0 && fork() == 0) {
            munmap(ring.rings, ring.rings_len);
            sys(SYS_io_uring_enter, ring.fd, 12, 0, 0, 0, 0);
            _exit(0);
        }
        if (k % 2)
            munmap(ring.rings, ring.rings_len);
        close(ring.fd);
        (void)!write(socks[1], "x", 1);
        while (waitpid(-1, NULL, WNOHANG) > 0)
            ;
    }
    if (!ring_open() && n & 1)
        execl("/proc/self/exe", "rings", "quit", NULL);
}

/* --- AIO --- */
static aio_context_t ctx;
static struct iocb blocks[16];

static void *block_scribbler(void *arg)
{
    while (!stop) {
        struct iocb *b = &blocks[rnd() % 16];
        ((uint64_t *)b)[rnd() % (sizeof(*b) / 8)] = rnd() % 2 ? rnd() : some_address();
        if (rnd() % 8 == 0)
            *b = (struct iocb){.aio_lio_opcode = rnd() % 2 ? IOCB_CMD_POLL : IOCB_CMD_PREAD,
                               .aio_fildes = (uint32_t)(rnd() % 2 ? pipes[0] : socks[0]),
                               .aio_buf = POLLIN,
                               .aio_flags = rnd() % 2 ? IOCB_FLAG_RESFD : 0,
                               .aio_resfd = (uint32_t)event};
        if (rnd() % 32 == 0) /* the page that is the context */
            *(volatile uint64_t *)ctx = rnd();
    }
    return NULL;
}

static void *getter(void *arg)
{
    struct io_event ev[32];
    struct timespec ts = {0, 1000000};

    while (!stop) {
        sys(SYS_io_getevents, (long)ctx, 1, (long)(rnd() % 40), (long)ev, (long)&ts, 0);
        sys(SYS_io_cancel, (long)ctx, (long)&blocks[rnd() % 16], (long)ev, 0, 0, 0);
    }
    return NULL;
}

static void scribbled_aio(long n)
{
    struct iocb *list[40];
    pthread_t t[3];

    seed((uint64_t)n);
    signal(SIGSEGV, SIG_DFL);
    signal(SIGPIPE, SIG_IGN);
    things();
    if (sys(SYS_io_setup, 64, (long)&ctx, 0, 0, 0, 0))
        FAIL("io_setup");
    for (int i = 0; i < 40; i++)
        list[i] = rnd() % 20 ? &blocks[rnd() % 16] : (void *)some_address();
    pthread_create(&t[0], NULL, block_scribbler, NULL);
    pthread_create(&t[1], NULL, getter, NULL);
    pthread_create(&t[2], NULL, drainer, NULL);
    for (uint64_t end = now_ms() + ROUND_MS; now_ms() < end;) {
        sys(SYS_io_submit, (long)ctx, (long)(rnd() % 41), (long)list, 0, 0, 0);
        if (rnd() % 64 == 0 && fork() == 0)
            _exit((int)sys(SYS_io_destroy, (long)ctx, 0, 0, 0, 0, 0) == 0);
        while (waitpid(-1, NULL, WNOHANG) > 0)
            ;
    }
    /* Its page moves, goes, and is somebody else's. */
    if (n % 3 == 0)
        munmap((void *)ctx, 4096);
    if (n % 3 == 1)
        mremap((void *)ctx, 4096, 8192, MREMAP_MAYMOVE);
    sys(SYS_io_destroy, (long)ctx, 0, 0, 0, 0, 0);
    sys(SYS_io_submit, (long)ctx, 5, (long)list, 0, 0, 0);
    _exit(0);
}

int main(int argc, char **argv)
{
    if (argc > 1 && !strcmp(argv[1], "quit"))
        return 0;
    if (sys(SYS_io_uring_setup, 0, 0, 0, 0, 0, 0) == -ENOSYS) {
        FAIL("io_uring is off: run it with --io-uring");
        return finish();
    }
    for (long n = 1; n <= 4; n++) {
        attempt(scribbled_ring, n, 20000);
        still_sane();
        attempt(ended_ring, n, 20000);
        still_sane();
        attempt(scribbled_aio, n, 20000);
        still_sane();
    }
    return finish();
}
