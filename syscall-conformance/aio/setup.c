/* io_setup(2), io_destroy(2): contexts and their limits. */
#include "aio.h"

int main(void)
{
    aio_context_t ctx = 0, bad = 1, huge = 0;

    is_errno(io_setup(8, BAD_PTR), EFAULT);
    is_errno(io_setup(8, &bad), EINVAL);
    is_errno(io_setup(0, &ctx), EINVAL);
    is_errno(io_setup(0x7fffffff, &huge), EINVAL);
    is_errno(io_setup(0x800000, &huge), EINVAL);
    is_errno(io_setup(0x200000, &huge), EAGAIN);
    is_eq(io_setup(8, &ctx), 0);
    ok(ctx != 0, "it has an id");
    is_errno(io_destroy(ctx + 4096), EINVAL);
    is_errno(io_destroy(0), EINVAL);
    is_eq(io_destroy(ctx), 0);
    is_errno(io_destroy(ctx), EINVAL);
    is_errno(io_submit(ctx, 0, NULL), EINVAL);
    is_errno(io_getevents(ctx, 0, 1, NULL, NULL), EINVAL);
    done();
}
