/* One thread makes system calls while another one overwrites its slot, in several ways. */
#include "guest.h"

#include <fcntl.h>
#include <pthread.h>
#include <stddef.h>
#include <sys/uio.h>

static volatile int stop;
static int style;

static void scribble_once(volatile unsigned char *slot)
{
#define AT(field) offsetof(struct slot, field)
    static const unsigned int words[] = {
        AT(post_seq),   AT(event),       AT(nr),           AT(dirs),        AT(args[0]),
        AT(args[1]),    AT(args[2]),     AT(segs[0]),      AT(segs[1]),     AT(ip),
        AT(frame),      AT(fs_base),     AT(result),       AT(signo),       AT(fast),
        AT(nsegs),      AT(kept),        AT(fault_addr),   AT(fault_code),  AT(trapno),
        AT(cmd_seq),    AT(cmd),         AT(ret),          AT(out_full),    AT(out_first_len),
        AT(out_len),    AT(set_fs_base), AT(hc_nr),        AT(hc_args[0]),  AT(hc_fd),
        AT(facts),      AT(clone_index), AT(resume_frame), AT(text_locked), AT(sigmask),
        AT(sigpending), AT(sleeping),    AT(in_futex),     AT(spin),        AT(traps),
    };
    uint64_t off;

    switch (style) {
    case 0: /* anywhere */
        off = rnd() % (SLOT_SIZE - 8);
        break;
    case 1: /* the header */
        off = rnd() % 1024;
        break;
    case 2: /* known words, small values */
        off = words[rnd() % (sizeof(words) / sizeof(words[0]))];
        *(volatile uint32_t *)(slot + off) = (uint32_t)(rnd() % 16);
        return;
    case 3: /* known words, large values */
        off = words[rnd() % (sizeof(words) / sizeof(words[0]))];
        *(volatile uint64_t *)(slot + off) = rnd() | 1ULL << 63;
        return;
    case 4: /* the window: strings and buffers change under the reader */
        off = SLOT_WINDOW + rnd() % SLOT_WINDOW_SIZE;
        slot[off] = (unsigned char)rnd();
        return;
    case 5: /* signal frames */
        off = SLOT_STACK + rnd() % (SLOT_STACK_SIZE - 8);
        break;
    case 6: /* lengths of buffers */
        off = offsetof(struct slot, segs[rnd() % (SLOT_SEGS / 2)].seg[rnd() % 2].len);
        *(volatile uint32_t *)(slot + off) = (uint32_t)rnd();
        return;
    case 7: /* the counter that says "an event is there" */
        *(volatile uint32_t *)slot = *(volatile uint32_t *)slot + 1;
        return;
    case 8: /* the frame's place */
        *(volatile uint64_t *)(slot + offsetof(struct slot, frame)) =
            SLOT_STACK + (rnd() % SLOT_STACK_SIZE & ~7UL);
        return;
    default: /* results of host calls and forks */
        *(volatile int64_t *)(slot + offsetof(struct slot, result)) = (int64_t)(rnd() % 300) - 20;
        return;
    }
    *(volatile uint64_t *)(slot + (off & ~7UL)) = rnd();
}

static void *scribbler(void *arg)
{
    while (!stop)
        for (int i = 0; i < 64; i++)
            scribble_once((volatile unsigned char *)(STUB_SLOTS + (rnd() % 4) * SLOT_SIZE));
    return NULL;
}

static void *busy(void *arg)
{
    char buf[512];
    int fd = open("/etc/passwd", O_RDONLY), p[2];

    for (int i = 0; !stop; i++) {
        pread(fd, buf, sizeof(buf), i % 100);
        getppid();
        close(open("/tmp/scribbled", O_RDWR | O_CREAT, 0600));
        void *m = mmap(NULL, 16384, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        munmap(m, 16384);
        if (pipe(p) == 0) {
            write(p[1], buf, 100);
            readv(p[0], (struct iovec[]){{buf, 50}, {buf + 100, 50}}, 2);
            close(p[0]);
            close(p[1]);
        }
        if (i % 8 == 0) {
            pid_t pid = fork();
            if (pid == 0)
                _exit(0);
            if (pid > 0)
                waitpid(pid, NULL, 0);
        }
        usleep(10);
    }
    return NULL;
}

static void attack(long how)
{
    pthread_t a, b;

    style = (int)(how % 10);
    seed((uint64_t)how + 100);
    pthread_create(&a, NULL, scribbler, NULL);
    pthread_create(&b, NULL, busy, NULL);
    busy(NULL);
}

int main(void)
{
    for (long how = 0; how < 20; how++) {
        attempt(attack, how, 150);
        still_sane();
        if (failures) {
            printf("after style %ld\n", how % 10);
            break;
        }
    }
    return finish();
}
