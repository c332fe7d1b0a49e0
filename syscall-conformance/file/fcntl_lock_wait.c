/* fcntl(2): F_SETLKW waits until the lock is released, EINTR when a signal is caught, EDEADLK when
 * waiting would close a circle. */
#include "tmp.h"

static int fd, ready[2], go[2];

static int lock(int cmd, short type, off_t start)
{
    struct flock l = {.l_type = type, .l_whence = SEEK_SET, .l_start = start, .l_len = 1};

    return fcntl(fd, cmd, &l);
}

/* Holds byte 1, waits for byte 0 that the parent holds. */
static void waiter(void)
{
    if (lock(F_SETLK, F_WRLCK, 1) || write(ready[1], "r", 1) != 1)
        _exit(1);
    _exit(lock(F_SETLKW, F_WRLCK, 0) ? 2 : 0);
}

int main(void)
{
    int status;
    char c;

    tmp_enter();
    fd = file_with("f", "ab");
    must(pipe(ready));
    must(pipe(go));
    is_eq(lock(F_SETLK, F_WRLCK, 0), 0);
    pid_t pid = (pid_t)must(fork());
    if (!pid)
        waiter();
    must(read(ready[0], &c, 1));
    catch_signal(SIGALRM, 0);
    sleep_ms(100);
    is_errno(lock(F_SETLKW, F_WRLCK, 1), EDEADLK);
    is_eq(lock(F_SETLK, F_UNLCK, 0), 0);
    is_eq(waitpid(pid, &status, 0) == pid && status == 0, 1);
    is_eq(lock(F_SETLKW, F_WRLCK, 1), 0);

    pid = (pid_t)must(fork());
    if (!pid) {
        ualarm(100000, 0);
        _exit(errno_of(lock(F_SETLKW, F_WRLCK, 1)) == EINTR ? 0 : 1);
    }
    is_eq(waitpid(pid, &status, 0) == pid && status == 0, 1);
    done();
}
