/* futex(2): without FUTEX_PRIVATE_FLAG the key is the memory itself: processes meet over a shared
 * mapping, also at different addresses and over a file. */
#include "futex.h"

static void meet(uint32_t *mine, uint32_t *theirs)
{
    pid_t pid = fork();

    *mine = 0;
    if (pid == 0) {
        long r;
        while ((r = futex(theirs, FUTEX_WAIT, 0, NULL, NULL, 0)) == -1 && errno == EINTR)
            ;
        _exit(r == 0 ? 0 : errno);
    }
    await_state(pid, 'S');
    is_eq(futex(mine, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0), 0); /* another key */
    is_eq(futex(mine, FUTEX_WAKE, 1, NULL, NULL, 0), 1);
    int status;
    waitpid(pid, &status, 0);
    is_eq(status, 0);
}

int main(void)
{
    uint32_t *anon = shared_page();

    meet(anon, anon);
    meet(anon + 1023, anon + 1023);
    enter_scratch();
    int fd = open("f", O_RDWR | O_CREAT, 0600);
    if (ftruncate(fd, 8192) < 0)
        return 1;
    uint32_t *a = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    uint32_t *b = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 4096);
    meet(a + 1024, b);
    int mem = memfd_create("m", 0);
    if (ftruncate(mem, 4096) < 0)
        return 1;
    uint32_t *c = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, mem, 0);
    uint32_t *d = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, mem, 0);
    meet(c + 5, d + 5);

    /* Private memory is another object after fork. */
    static uint32_t word;
    pid_t pid = fork();
    if (pid == 0) {
        struct timespec ts = {0, 100000000};
        _exit(futex(&word, FUTEX_WAIT, 0, &ts, NULL, 0) == -1 ? errno : 0);
    }
    await_state(pid, 'S');
    is_eq(futex(&word, FUTEX_WAKE, 1, NULL, NULL, 0), 0);
    int status;
    waitpid(pid, &status, 0);
    ok(exited_with(status, ETIMEDOUT), "the child times out");
    done();
}
