/*
 * Worker pool for host calls that may block. A job belongs to the fiber that waits for it; workers
 * hand finished jobs back through an eventfd that the loop watches. Threads are made on demand.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/list.h"
#include "sentry/kernel/fiber.h"
#include "sentry/kernel/loop.h"

#define WORKERS_MAX 8
#define WORKER_STACK (128 * 1024)

struct job {
    struct list node;
    long (*fn)(void *arg);
    void *arg;
    long result;
    bool done;
    struct fiber *fiber;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t more = PTHREAD_COND_INITIALIZER;
static struct list queued = LIST_INIT(queued), finished = LIST_INIT(finished);
static int workers, idle, waiting;
static struct loop_fd done_fd = {.fd = -1};

static void *worker_main(void *arg)
{
    pthread_mutex_lock(&lock);
    for (;;) {
        while (list_empty(&queued)) {
            idle++;
            pthread_cond_wait(&more, &lock);
            idle--;
        }
        struct job *j = list_first(&queued, struct job, node);
        list_del(&j->node);
        waiting--;
        pthread_mutex_unlock(&lock);
        j->result = j->fn(j->arg);
        pthread_mutex_lock(&lock);
        list_add_tail(&finished, &j->node);
        uint64_t one = 1;
        if (write(done_fd.fd, &one, sizeof(one)) < 0)
            continue; /* EAGAIN: the counter is full, the loop is awake anyway */
    }
    return NULL;
}

static void jobs_done(struct loop_fd *w, uint32_t revents)
{
    struct list batch = LIST_INIT(batch);
    struct job *j, *tmp;
    uint64_t n;

    if (read(w->fd, &n, sizeof(n)) < 0)
        return;
    pthread_mutex_lock(&lock);
    list_splice_tail(&batch, &finished);
    pthread_mutex_unlock(&lock);
    list_for_each_safe(j, tmp, &batch, node) {
        list_del(&j->node);
        j->done = true;
        fiber_wake(j->fiber);
    }
}

/* All signals stay with the loop's thread. */
static void spawn_worker(void)
{
    pthread_attr_t attr;
    pthread_t th;
    sigset_t all, old;

    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, WORKER_STACK);
    pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    if (pthread_create(&th, &attr, worker_main, NULL) == 0)
        workers++;
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    pthread_attr_destroy(&attr);
}

static int worker_setup(void)
{
    if (done_fd.fd >= 0)
        return 0;
    int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (fd < 0)
        return -errno;
    done_fd = (struct loop_fd){.fd = fd, .events = EPOLLIN, .cb = jobs_done};
    return loop_fd_add(&done_fd);
}

long worker_call(long (*fn)(void *arg), void *arg)
{
    struct job j = {.fn = fn, .arg = arg, .fiber = fiber_current()};
    int err = worker_setup();

    if (err)
        return err;
    pthread_mutex_lock(&lock);
    list_add_tail(&queued, &j.node);
    waiting++;
    if (waiting > idle && workers < WORKERS_MAX)
        spawn_worker();
    bool have_worker = workers > 0;
    if (!have_worker) {
        list_del(&j.node);
        waiting--;
    }
    pthread_cond_signal(&more);
    pthread_mutex_unlock(&lock);
    if (!have_worker) /* no thread to be had: blocking is better than failing */
        return fn(arg);
    while (!j.done)
        fiber_park();
    return j.result;
}
