/* A ring of io_uring is not saved. A checkpoint that is refused for it changes nothing: a call that
 * waits goes on waiting, what it has submitted is not submitted again, time limits are what they
 * were. Reads a line for each of its waits. */
#include <errno.h>
#include <linux/io_uring.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static struct io_uring_params p;
static int ring;
static char *mem;
static struct io_uring_sqe *sqes;

#define AT(field) ((volatile unsigned *)(void *)(mem + p.field))

static struct io_uring_sqe *add(int op, int fd, const void *addr, unsigned len)
{
    unsigned tail = *AT(sq_off.tail), i = tail & (p.sq_entries - 1);

    memset(&sqes[i], 0, sizeof(*sqes));
    sqes[i].opcode = (uint8_t)op;
    sqes[i].fd = fd;
    sqes[i].addr = (uint64_t)(uintptr_t)addr;
    sqes[i].len = len;
    AT(sq_off.array)[i] = i;
    __atomic_store_n(AT(sq_off.tail), tail + 1, __ATOMIC_RELEASE);
    return &sqes[i];
}

static unsigned completed(void)
{
    unsigned n = *AT(cq_off.tail) - *AT(cq_off.head);

    *AT(cq_off.head) += n;
    return n;
}

/* Makes n entries, and waits for n completions. */
static void wait_for(unsigned n, const char *what)
{
    puts("waits");
    fflush(stdout);
    long got = syscall(SYS_io_uring_enter, ring, n, n, IORING_ENTER_GETEVENTS, NULL, 0);
    printf("%s: %ld submitted, %u done\n", what, got, completed());
}

int main(void)
{
    struct __kernel_timespec soon = {0, 10000000}, later = {1, 500000000};
    struct io_uring_getevents_arg arg = {.ts = (uint64_t)(uintptr_t)&later};
    struct timespec from, to;
    char line[80];

    ring = (int)syscall(SYS_io_uring_setup, 8, &p);
    size_t len = p.cq_off.cqes + p.cq_entries * 16 + p.sq_entries * 4;
    mem = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED, ring, IORING_OFF_SQ_RING);
    sqes = mmap(NULL, 8 * sizeof(*sqes), PROT_READ | PROT_WRITE, MAP_SHARED, ring, IORING_OFF_SQES);
    if (ring < 0 || mem == MAP_FAILED || (void *)sqes == MAP_FAILED)
        return 1;
    add(IORING_OP_NOP, -1, NULL, 0);
    add(IORING_OP_READ, 0, line, sizeof(line))->off = (uint64_t)-1;
    wait_for(2, "a read");
    /* The timeout begins in the call that is made again, which has no time limit. */
    struct io_uring_sqe *s = add(IORING_OP_READ, 0, line, 1);
    s->off = (uint64_t)-1;
    s->flags = IOSQE_IO_HARDLINK;
    add(IORING_OP_TIMEOUT, -1, &soon, 1);
    wait_for(2, "a timeout behind a read");
    /* The ring is not lost to sight when its task has but a number of it. */
    struct io_uring_rsrc_update number = {.offset = (unsigned)-1, .data = (uint64_t)ring};
    if (syscall(SYS_io_uring_register, ring, IORING_REGISTER_RING_FDS, &number, 1) != 1 ||
        close(ring) || munmap(mem, len) || munmap(sqes, 8 * sizeof(*sqes)))
        return 1;
    clock_gettime(CLOCK_MONOTONIC, &from);
    puts("waits");
    fflush(stdout);
    long got = syscall(SYS_io_uring_enter, number.offset, 0, 1,
                       IORING_ENTER_REGISTERED_RING | IORING_ENTER_GETEVENTS | IORING_ENTER_EXT_ARG,
                       &arg, sizeof(arg));
    clock_gettime(CLOCK_MONOTONIC, &to);
    long ms = (to.tv_sec - from.tv_sec) * 1000 + (to.tv_nsec - from.tv_nsec) / 1000000;
    printf("a time limit: %s, %s\n", got < 0 && errno == ETIME ? "ETIME" : "no error",
           ms >= 1499 ? "not early" : "early");
    return 0;
}
