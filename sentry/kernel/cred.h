/* Credentials: immutable once shared; change by copying (cred_dup), then task_set_cred(). */
#ifndef NV_SENTRY_KERNEL_CRED_H
#define NV_SENTRY_KERNEL_CRED_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define NV_NGROUPS_MAX 65536
#define NV_CAP_LAST 40

struct user_ns;

struct cred {
    unsigned int refs;
    uid_t uid, euid, suid, fsuid;
    gid_t gid, egid, sgid, fsgid;
    uint64_t cap_permitted, cap_effective, cap_inheritable, cap_bounding, cap_ambient;
    uint32_t securebits;
    struct user_ns *user_ns; /* NULL: the first */
    int ngroups;
    gid_t *groups;
};

struct cred *cred_new(uid_t uid, gid_t gid); /* full capabilities for uid 0 */
struct cred *cred_dup(const struct cred *c);
struct cred *cred_get(struct cred *c);
void cred_put(struct cred *c);
bool cred_capable(const struct cred *c, int cap);     /* over all: CAP_* of linux/capability.h */
bool cred_capable_own(const struct cred *c, int cap); /* over what is its user namespace's */
bool cred_in_group(const struct cred *c, gid_t gid);  /* fsgid or supplementary */

struct task;
/* May viewer look into target's memory and descriptors? Access mode checks of ptrace(2). */
bool task_may_access(const struct task *viewer, const struct task *target);
/* The same for a viewer with these ids and capabilities. */
bool task_may_access_as(const struct task *viewer, const struct task *target, uid_t uid, gid_t gid,
                        uint64_t caps);

#endif
