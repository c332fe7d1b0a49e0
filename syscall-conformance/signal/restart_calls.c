/* signal(7): with SA_RESTART read, write, wait, accept, flock and futex go on after the handler. */
#include "sig.h"
#include <linux/futex.h>
#include <sys/file.h>
#include <sys/socket.h>

static int pipefd[2], sock[2], word[1];

/* Interrupts the parent in its call, then lets that call succeed. */
static pid_t start_helper(int which, volatile int *shared)
{
    pid_t parent = getpid(), pid = fork();

    if (pid)
        return pid;
    nap_ms(10);
    await_state(parent, 'S');
    kill(parent, SIGUSR1);
    nap_ms(20);
    await_state(parent, 'S');
    if (which == 0)
        check(write(pipefd[1], "x", 1) == 1, 1);
    if (which == 1)
        check(write(sock[1], "x", 1) == 1, 1);
    if (which == 3) {
        *shared = 0;
        syscall(SYS_futex, shared, FUTEX_WAKE, 1, NULL, NULL, 0);
    }
    _exit(0);
}

int main(void)
{
    volatile int *shared = shared_page();
    char c;
    int status;

    (void)word;
    if (pipe(pipefd) < 0 || socketpair(AF_UNIX, SOCK_STREAM, 0, sock) < 0)
        return 1;
    install(SIGUSR1, record, SA_RESTART);
    pid_t pid = start_helper(0, shared);
    is_eq(read(pipefd[0], &c, 1), 1);
    is_eq(waitpid(pid, &status, 0) == pid, 1);
    is_eq(hits, 1);
    pid = start_helper(1, shared);
    is_eq(recv(sock[0], &c, 1, 0), 1);
    is_eq(hits, 2);
    waitpid(pid, &status, 0);
    pid = start_helper(2, shared);
    is_eq(waitpid(pid, &status, 0) == pid, 1);
    is_eq(hits, 3);
    *shared = 1;
    pid = start_helper(3, shared);
    is_eq(syscall(SYS_futex, shared, FUTEX_WAIT, 1, NULL, NULL, 0), 0);
    is_eq(hits, 4);
    waitpid(pid, &status, 0);
    done();
}
