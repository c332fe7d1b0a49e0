/* io_setup(2): a child has none of its parent's contexts; pgetevents takes a signal mask. */
#include "aio.h"

static aio_context_t ctx;

static int child(void)
{
    return errno_of(io_destroy(ctx)) == EINVAL ? 0 : 1;
}

int main(void)
{
    struct {
        sigset_t *mask;
        size_t size;
    } sig;
    struct timespec ts = {0, 1000000};
    struct io_event ev;
    sigset_t set;

    must(io_setup(8, &ctx));
    is_eq(in_child(child), 0);
    sigemptyset(&set);
    sig.mask = &set, sig.size = 8;
    is_eq(syscall(SYS_io_pgetevents, ctx, 1L, 1L, &ev, &ts, &sig), 0);
    sig.size = 7;
    is_errno(syscall(SYS_io_pgetevents, ctx, 1L, 1L, &ev, &ts, &sig), EINVAL);
    is_errno(syscall(SYS_io_pgetevents, ctx, 1L, 1L, &ev, &ts, BAD_PTR), EFAULT);
    catch_signal(SIGUSR1, 0);
    sigaddset(&set, SIGUSR1);
    must(sigprocmask(SIG_BLOCK, &set, NULL));
    must(raise(SIGUSR1));
    sigemptyset(&set);
    sig.size = 8;
    is_errno(syscall(SYS_io_pgetevents, ctx, 1L, 1L, &ev, NULL, &sig), EINTR);
    is_eq(caught, 1);
    is_eq(io_destroy(ctx), 0);
    done();
}
