/* Identities and capabilities for the programs about credentials. */
#ifndef CONFORMANCE_CRED_H
#define CONFORMANCE_CRED_H

#include "../process/child.h"
#include <linux/capability.h>
#include <linux/securebits.h>
#include <sys/fsuid.h>
#include <sys/prctl.h>

/* System calls themselves: the C library changes all threads. */
#define raw_setuid(u) syscall(SYS_setuid, u)

UNUSED_FN static bool uids_are(uid_t r, uid_t e, uid_t s)
{
    uid_t a, b, c;

    return getresuid(&a, &b, &c) == 0 && a == r && b == e && c == s;
}

UNUSED_FN static bool gids_are(gid_t r, gid_t e, gid_t s)
{
    gid_t a, b, c;

    return getresgid(&a, &b, &c) == 0 && a == r && b == e && c == s;
}

struct caps {
    uint64_t effective, permitted, inheritable;
};

UNUSED_FN static int caps_get(struct caps *c)
{
    struct __user_cap_header_struct h = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct d[2];

    if (syscall(SYS_capget, &h, d) < 0)
        return -1;
    c->effective = d[0].effective | (uint64_t)d[1].effective << 32;
    c->permitted = d[0].permitted | (uint64_t)d[1].permitted << 32;
    c->inheritable = d[0].inheritable | (uint64_t)d[1].inheritable << 32;
    return 0;
}

UNUSED_FN static int caps_set(const struct caps *c)
{
    struct __user_cap_header_struct h = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct d[2] = {
        {(uint32_t)c->effective, (uint32_t)c->permitted, (uint32_t)c->inheritable},
        {(uint32_t)(c->effective >> 32), (uint32_t)(c->permitted >> 32),
         (uint32_t)(c->inheritable >> 32)}};

    return (int)syscall(SYS_capset, &h, d);
}

UNUSED_FN static bool has_cap(int cap)
{
    struct caps c;

    return caps_get(&c) == 0 && (c.effective >> cap & 1);
}

/* Each check is a child that starts as root; one line per function. */
#define root_only(fn, text)                                                                        \
    do {                                                                                           \
        int root_status_ = geteuid() == 0 ? in_child(fn) : 0;                                      \
        if (geteuid() != 0)                                                                        \
            skip("needs root");                                                                    \
        else if (!ok(exited_with(root_status_, 0), text))                                          \
            printf("# wait status %#x\n", (unsigned int)root_status_);                             \
    } while (0)

#endif
