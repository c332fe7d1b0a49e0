/* capget(2), capset(2): versions, one's own sets; permitted can only shrink and effective must be
 * within it; EINVAL, EPERM, ESRCH, EFAULT. */
#include "cred.h"

static void shrink(void)
{
    struct caps c, n;

    check(caps_get(&c) == 0, 1);
    check((c.effective & ~c.permitted) == 0 && (c.effective & 1 << CAP_CHOWN), 2);
    n = c;
    n.effective = 0;
    check(caps_set(&n) == 0, 3);
    check(!has_cap(CAP_CHOWN), 4);
    check(chown("f", 1, 1) == -1 && errno == EPERM, 5);
    check(caps_set(&c) == 0, 6); /* still permitted */
    check(chown("f", 1, 1) == 0, 7);
    n = c;
    n.permitted &= ~(1ULL << CAP_CHOWN);
    check(caps_set(&n) == -1 && errno == EPERM, 8); /* effective beyond permitted */
    n.effective = n.permitted;
    check(caps_set(&n) == 0, 9);
    check(caps_set(&c) == -1 && errno == EPERM, 10);
    n.inheritable = 1ULL << CAP_KILL;
    check(caps_set(&n) == 0, 11);
    check(caps_get(&c) == 0 && c.inheritable == 1ULL << CAP_KILL, 12);
}

int main(void)
{
    struct __user_cap_header_struct h = {0, 0};
    struct __user_cap_data_struct d[2];

    enter_scratch();
    put_file("f", "", 0, 0600);
    is_errno(syscall(SYS_capget, &h, d), EINVAL);
    is_eq(h.version, _LINUX_CAPABILITY_VERSION_3); /* the preferred one is written back */
    h.version = 0;
    is_eq(syscall(SYS_capget, &h, NULL), 0); /* asking for the version */
    is_eq(syscall(SYS_capget, &h, d), 0);
    h.version = _LINUX_CAPABILITY_VERSION_1;
    is_eq(syscall(SYS_capget, &h, d), 0);
    h.version = _LINUX_CAPABILITY_VERSION_3;
    h.pid = -1;
    is_errno(syscall(SYS_capget, &h, d), EINVAL);
    h.pid = 0x3fffffff;
    is_errno(syscall(SYS_capget, &h, d), ESRCH);
    h.pid = getpid();
    is_eq(syscall(SYS_capget, &h, d), 0);
    is_errno(syscall(SYS_capget, BAD_PTR, d), EFAULT);
    is_errno(syscall(SYS_capget, &h, BAD_PTR), EFAULT);
    h.pid = 1 << 20;
    is_errno(syscall(SYS_capset, &h, d), EPERM); /* only oneself */
    h.pid = 0;
    is_errno(syscall(SYS_capset, &h, BAD_PTR), EFAULT);
    h.version = 5;
    is_errno(syscall(SYS_capset, &h, d), EINVAL);
    root_only(shrink, "giving up and asking back");
    done();
}
