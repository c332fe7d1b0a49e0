/*
 * The zygote: the stub, exec'ed once into a process of its own, from which empty address spaces are
 * forked. Forks are asked for asynchronously and one is kept ahead. The zygote never runs guest
 * code, so what it reports is trusted.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <linux/filter.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/filter.h"
#include "base/log.h"
#include "base/macros.h"
#include "platform/host_vdso.h"
#include "platform/trap/stub_image.h"
#include "platform/trap/trap.h"
#include "platform/vdso/vdso.h"
#include "stub_filter.h"

struct stub_shared *trap_shared;
int trap_doorbell = -1;

struct fork_request {
    struct list node;
    struct gthread *thr; /* thread 0 of the new address space */
    int ctl;             /* the stub's end of its control socket */
};

static struct aspace *zygote_as;
static struct gthread *zygote;
static struct list requests = LIST_INIT(requests);
static struct fork_request *in_flight;
static bool zygote_idle; /* waits for a command */
static struct gthread *ahead;

uint64_t trap_fast_entry(void)
{
    struct stub_table t;

    memcpy(&t, stub_image + STUB_TABLE, sizeof(t));
    return t.fast_entry;
}

struct stub_fds {
    int image, shared, vdso, ctl;
};

/*
 * In a child that shares the sentry's memory until it executes, as copying it would take longer
 * than all the rest: it changes nothing there. Nothing of the sentry may be left but the stub's
 * descriptors.
 */
static int exec_stub(void *arg)
{
    const struct stub_fds *fds = arg;
    const int want[] = {[STUB_FD_DOORBELL] = trap_doorbell,
                        [STUB_FD_CTL] = fds->ctl,
                        [STUB_FD_SHARED] = fds->shared,
                        [STUB_FD_SLOTS] = zygote_as->slots_fd,
                        [STUB_FD_VDSO] = fds->vdso};
    char *argv[] = {"nv-stub", NULL}, *envp[] = {NULL};
    int high[ARRAY_SIZE(want)];
    sigset_t none;

    int exec_fd = fcntl(fds->image, F_DUPFD_CLOEXEC, 100);
    for (size_t i = STUB_FD_DOORBELL; i < ARRAY_SIZE(want); i++)
        high[i] = fcntl(want[i], F_DUPFD_CLOEXEC, 100);
    for (size_t i = STUB_FD_DOORBELL; i < ARRAY_SIZE(want); i++)
        if (dup2(high[i], (int)i) < 0)
            _exit(110);
    for (int i = 0; i < STUB_FD_DOORBELL; i++)
        close(i);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    personality(ADDR_NO_RANDOMIZE);
    close_range(STUB_FD_VDSO + 1, (unsigned int)exec_fd - 1, 0);
    close_range((unsigned int)exec_fd + 1, ~0U, 0);
    syscall(SYS_execveat, exec_fd, "", argv, envp, AT_EMPTY_PATH);
    _exit(111);
}

static int shared_page(void)
{
    int fd = memfd_create("nv-shared", MFD_CLOEXEC | MFD_ALLOW_SEALING);

    if (fd < 0)
        return -errno;
    trap_shared = MAP_FAILED;
    if (!ftruncate(fd, NV_PAGE_SIZE))
        trap_shared = mmap(NULL, NV_PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    /* From here on nobody can map it for writing. */
    if (trap_shared == MAP_FAILED ||
        fcntl(fd, F_ADD_SEALS, F_SEAL_FUTURE_WRITE | F_SEAL_SHRINK | F_SEAL_GROW)) {
        close(fd);
        return -errno;
    }
    return fd;
}

static int image_memfd(void)
{
    int fd = memfd_create("nv-stub", MFD_CLOEXEC);
    size_t len = stub_image_size;

    if (fd >= 0 && write(fd, stub_image, len) != (ssize_t)len) {
        close(fd);
        return -EIO;
    }
    return fd < 0 ? -errno : fd;
}

/* --- forking --- */
static void next_request(void)
{
    if (!zygote_idle || list_empty(&requests))
        return;
    struct fork_request *r = list_first(&requests, struct fork_request, node);
    list_del(&r->node);
    int fds[2] = {r->thr->as->slots_fd, r->ctl};
    int err = send_fds(zygote_as->ctl_fd, fds, 2);
    close(r->ctl);
    if (err) {
        log_warn("stub zygote does not answer (%d)", err);
        aspace_died(r->thr->as, SIGKILL);
        free(r);
        return;
    }
    in_flight = r;
    zygote_idle = false;
    trap_send(zygote, CMD_FORK);
}

static void forked(struct gthread *child, pid_t pid)
{
    if (!child) { /* nobody waits for it any more */
        if (pid > 0)
            kill(pid, SIGKILL);
        return;
    }
    if (pid <= 0) {
        aspace_died(child->as, SIGKILL);
        return;
    }
    aspace_set_pid(child->as, pid);
    if (child->waiter)
        trap_host->wake(child->waiter);
}

/* The zygote is ready, or has forked. */
static void zygote_event(struct gthread *thr)
{
    zygote_idle = true;
    if (in_flight) {
        forked(in_flight->thr, (pid_t)thr->slot->result);
        free(in_flight);
        in_flight = NULL;
    }
    next_request();
}

/* The child may speak up before the zygote has said who it is: both must have come. */
static int wait_forked(struct gthread *child)
{
    child->waiter = trap_host->current();
    while ((!child->posted || child->as->pid <= 0) && !child->as->dead)
        trap_host->park();
    child->waiter = NULL;
    return child->as->dead ? -ESRCH : 0;
}

static void request_forget(struct gthread *child)
{
    struct fork_request *r, *tmp;

    if (in_flight && in_flight->thr == child)
        in_flight->thr = NULL;
    list_for_each_safe(r, tmp, &requests, node) {
        if (r->thr == child) {
            list_del(&r->node);
            close(r->ctl);
            free(r);
        }
    }
}

static struct gthread *request_fork(int *err)
{
    struct aspace *as;
    struct fork_request *r = calloc(1, sizeof(*r));

    *err = r ? aspace_alloc(&as, &r->ctl) : -ENOMEM;
    if (*err) {
        free(r);
        return NULL;
    }
    r->thr = gthread_new(as, 0);
    if (!r->thr) {
        close(r->ctl);
        aspace_free(as);
        free(r);
        *err = -ENOMEM;
        return NULL;
    }
    trap_expect(r->thr);
    list_add_tail(&requests, &r->node);
    next_request();
    return r->thr;
}

int zygote_fork(struct aspace **as, struct gthread **thr)
{
    int err = 0;
    struct gthread *t = ahead ? ahead : request_fork(&err);

    ahead = NULL;
    if (!t)
        return err;
    err = wait_forked(t);
    if (err) {
        struct aspace *dead = t->as;
        request_forget(t);
        gthread_destroy(t);
        aspace_free(dead);
        return -EAGAIN;
    }
    frame_init(t);
    *as = t->as;
    *thr = t;
    if (!ahead)                     /* another may have waited at the same time */
        ahead = request_fork(&err); /* failing to prepare is no failure now */
    return 0;
}

int zygote_start(bool hide_cpuid, struct error *e)
{
    static char stack[16384] __attribute__((aligned(16)));
    static struct stub_fds fds; /* the child looks at it while we go on */
    int ctl = -1, shared = shared_page(), image = image_memfd();

    host_vdso_find();
    int vdso = vdso_file(STUB_VDSO);
    trap_doorbell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    int err = shared < 0          ? shared
              : image < 0         ? image
              : vdso < 0          ? vdso
              : trap_doorbell < 0 ? -errno
                                  : aspace_alloc(&zygote_as, &ctl);
    if (err)
        return error_set(e, err, "setting up the stub");
    zygote = gthread_new(zygote_as, 0);
    if (!zygote)
        return error_set(e, -ENOMEM, "setting up the stub");
    struct zygote_params *p = (void *)((char *)zygote->slot + SLOT_WINDOW);
    p->nmaps = (uint32_t)host_vdso_find();
    p->vdso_base = host_vdso_base(STUB_VDSO);
    memcpy(p->maps, host_vdso_pieces, sizeof(p->maps));
    p->hide_cpuid = hide_cpuid;
    int len = filter_copy((void *)p->filter, ARRAY_SIZE(p->filter), stub_filter,
                          ARRAY_SIZE(stub_filter), "stub");
    if (len < 0)
        return error_set(e, len, "the stub's filter");
    p->filter_len = (uint32_t)len;
    fds = (struct stub_fds){image, shared, vdso, ctl};
    pid_t pid = clone(exec_stub, stack + sizeof(stack), CLONE_VM | SIGCHLD, &fds);
    close(ctl);
    close(image);
    close(shared);
    close(vdso);
    if (pid < 0)
        return error_set(e, -errno, "starting the stub process");
    zygote_as->pid = pid;
    zygote->on_event = zygote_event;
    trap_expect(zygote);
    ahead = request_fork(&err);
    return ahead ? 0 : error_set(e, err, "preparing an address space");
}

void zygote_stop(void)
{
    /* All at once, on all processors; the host would end them one by one with their first process.
     */
    for (struct aspace *as = aspace_next(NULL); as; as = aspace_next(as))
        if (as->pid > 0 && !as->dead)
            kill(as->pid, SIGKILL);
}
