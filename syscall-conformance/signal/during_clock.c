/* signal(7): a handler may interrupt a program anywhere, also while it asks for the time. */
#include "sig.h"
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

int main(void)
{
    struct itimerval it = {{0, 500}, {0, 500}};
    struct timespec ts;
    int bad = 0;

    install(SIGALRM, record, 0);
    is_eq(setitimer(ITIMER_REAL, &it, NULL), 0);
    while (hits < 1000)
        bad |= syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &ts) != 0;
    it = (struct itimerval){0};
    setitimer(ITIMER_REAL, &it, NULL);
    is_eq(bad, 0);
    done();
}
