/* mq_send(3), mq_receive(3): waiting, absolute time limits, signals. */
#include "mq.h"

static struct timespec in_ms(long ms)
{
    struct timespec ts;

    clock_gettime(CLOCK_REALTIME, &ts);
    ts.tv_nsec += ms * 1000000;
    ts.tv_sec += ts.tv_nsec / 1000000000;
    ts.tv_nsec %= 1000000000;
    return ts;
}

int main(void)
{
    mqd_t q = mq_new(1, 8, 0);
    char buf[8];
    int status;

    struct timespec ts = in_ms(50);
    is_errno(mq_timedreceive(q, buf, 8, NULL, &ts), ETIMEDOUT);
    struct timespec after = in_ms(0);
    ok(after.tv_sec > ts.tv_sec || (after.tv_sec == ts.tv_sec && after.tv_nsec >= ts.tv_nsec),
       "no earlier");
    is_errno(mq_timedreceive(q, buf, 8, NULL, &(struct timespec){0, 0}), ETIMEDOUT);
    must(mq_send(q, "a", 2, 0));
    is_errno(mq_timedsend(q, "b", 2, 0, &(struct timespec){1, 0}), ETIMEDOUT);
    is_eq(mq_timedreceive(q, buf, 8, NULL, &(struct timespec){1, 0}), 2);
    pid_t pid = (pid_t)must(fork());
    if (!pid) {
        ssize_t first = mq_receive(q, buf, 8, NULL), second = mq_receive(q, buf, 8, NULL);
        _exit(first == 3 && second == 4 ? 0 : 1);
    }
    is_eq(mq_send(q, "ab", 3, 0), 0);
    is_eq(mq_send(q, "abc", 4, 0), 0);
    must(waitpid(pid, &status, 0));
    is_eq(status, 0);
    int ready[2];
    must(pipe(ready));
    pid = (pid_t)must(fork());
    if (!pid) {
        catch_signal(SIGUSR1, 0);
        must(write(ready[1], "x", 1));
        do
            status = errno_of(mq_receive(q, buf, 8, NULL));
        while (!caught);
        _exit(status);
    }
    must(read(ready[0], buf, 1));
    sleep_ms(20);
    must(kill(pid, SIGUSR1));
    must(waitpid(pid, &status, 0));
    is_eq(WEXITSTATUS(status), EINTR);
    done();
}
