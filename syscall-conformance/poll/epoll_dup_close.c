/* epoll(7): what is registered is the pair of number and open file; closing the number only ends it
 * when no duplicate is left. */
#include "../process/child.h"
#include <sys/epoll.h>

int main(void)
{
    int p[2], ep = epoll_create1(0);
    struct epoll_event ev = {.events = EPOLLIN, .data.u32 = 1}, out[4];

    if (pipe(p) < 0)
        return 1;
    int copy = dup(p[0]);
    is_eq(epoll_ctl(ep, EPOLL_CTL_ADD, p[0], &ev), 0);
    ev.data.u32 = 2;
    is_eq(epoll_ctl(ep, EPOLL_CTL_ADD, copy, &ev), 0);
    is_eq(write(p[1], "x", 1), 1);
    is_eq(epoll_wait(ep, out, 4, 0), 2);
    is_eq(out[0].data.u32 + out[1].data.u32, 3);
    close(copy);
    is_eq(epoll_wait(ep, out, 4, 0), 2);
    is_errno(epoll_ctl(ep, EPOLL_CTL_DEL, copy, NULL), EBADF);
    is_eq(dup2(p[0], copy), copy);
    is_eq(epoll_ctl(ep, EPOLL_CTL_DEL, copy, NULL), 0);
    is_eq(epoll_wait(ep, out, 4, 0), 1);
    close(copy);
    int number = p[0];
    close(p[0]);
    is_eq(epoll_wait(ep, out, 4, 0), 0);
    close(p[1]);

    /* The number again, another file: free for a new registration. */
    if (pipe(p) < 0)
        return 1;
    is_eq(p[0], number);
    is_eq(epoll_ctl(ep, EPOLL_CTL_ADD, p[0], &ev), 0);
    is_eq(write(p[1], "x", 1), 1);
    is_eq(epoll_wait(ep, out, 4, 0), 1);

    /* A child's copy keeps the file, and so the registration, alive. */
    int go[2];
    char c;
    if (pipe(go) < 0)
        return 1;
    pid_t pid = fork();
    if (pid == 0) {
        close(go[1]);
        _exit(read(go[0], &c, 1) != 0);
    }
    close(p[0]);
    is_eq(epoll_wait(ep, out, 4, 0), 1);
    close(go[1]);
    waitpid(pid, NULL, 0);
    is_eq(epoll_wait(ep, out, 4, 0), 0);
    done();
}
