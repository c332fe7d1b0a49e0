/* Namespaces of tasks: namespaces(7). Those of mounts are in vfs/mount.h, of IPC in ipc/sysv. */
#ifndef NV_SENTRY_NS_NS_H
#define NV_SENTRY_NS_NS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/list.h"

struct ckpt_reader;
struct ckpt_writer;
struct cred;
struct file;
struct dentry;
struct inode;
struct path;
struct strbuf;
struct superblock;
struct task;
struct thread_group;
struct uts_ns;

#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x80
#endif
#define CLONE_NEW_ALL                                                                              \
    (CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID |  \
     CLONE_NEWNET)

#define OVERFLOW_ID 65534u
#define NO_KID UINT32_MAX
#define NS_LEVELS_MAX 32
#define NAMESPACES_MAX 1024 /* of all kinds together */
#define ID_EXTENTS_MAX 340

/* What all kinds have; it comes first in each. */
struct ns_base {
    unsigned int refs;
    uint64_t id;           /* the number in /proc/PID/ns/KIND */
    struct user_ns *owner; /* NULL: the first */
};

/* --- users: user_namespaces(7) --- */
struct id_extent {
    uint32_t first, lower, count;
};
struct id_map {
    unsigned int n;
    struct id_extent *v;
};
/* The first is NULL everywhere. Ids of objects are always the first namespace's. */
struct user_ns {
    struct ns_base base; /* owner: the parent */
    unsigned int level;
    uid_t uid; /* of its creator */
    gid_t gid;
    struct id_map uids, gids;
    bool setgroups_denied, parent_could_setfcap;
};
/* Whose root is not the root of his mounts gets none. */
int user_ns_new(const struct cred *c, bool chrooted, struct user_ns **out);
struct user_ns *user_ns_get(struct user_ns *ns); /* NULL: nothing, as in put */
void user_ns_put(struct user_ns *ns);
/* NO_KID: it has none there. */
uint32_t make_kuid(const struct user_ns *ns, uint32_t id);
uint32_t make_kgid(const struct user_ns *ns, uint32_t id);
uint32_t from_kuid(const struct user_ns *ns, uint32_t kid);
uint32_t from_kgid(const struct user_ns *ns, uint32_t kid);
/* Is ns at or beneath over? */
bool user_ns_is_in(const struct user_ns *ns, const struct user_ns *over);
/* Is this id root of ns, or of one above it? */
bool user_ns_is_of_root(const struct user_ns *ns, uint32_t kuid);
/* Can what belongs to c's file system ids be told there? */
bool user_ns_maps(const struct user_ns *ns, const struct cred *c);
/* As calls tell it: the overflow id instead of none. */
uint32_t kuid_seen(const struct task *t, uint32_t kid);
uint32_t kgid_seen(const struct task *t, uint32_t kid);
bool ns_capable(const struct cred *c, const struct user_ns *ns, int cap);
/* Over an inode: its owners must have ids in the namespace of c. */
bool inode_capable(const struct cred *c, const struct inode *i, int cap);
/* Lines of uid_map and gid_map of ns as viewer sees them. */
void id_map_print(const struct user_ns *ns, bool gids, const struct user_ns *viewer,
                  struct strbuf *out);
int id_map_write(struct task *writer, const struct cred *opener, struct task *target, bool gids,
                 const char *text, size_t len);
int setgroups_write(struct task *writer, struct task *target, const char *text, size_t len);
bool may_setgroups(const struct cred *c);
/* False: it is no extent, or overlaps with one of the map's, which has room for one more. */
bool id_map_add(struct id_map *m, const struct id_extent *e);
void cred_enter_user_ns(struct cred *c, struct user_ns *ns); /* takes over the reference */

/* --- processes: pid_namespaces(7) --- */
#define PID_IDS 32768
/*
 * Tasks have numbers of the first namespace (struct task.tid); a nested one has tables of what
 * those are there. A number stays while a task or process group has it.
 */
struct pid_ns {
    struct ns_base base;
    struct pid_ns *parent; /* NULL: the first */
    unsigned int level;
    struct thread_group *reaper; /* its init; NULL: not yet there, or gone */
    bool dead;
    uint16_t last;
    uint16_t *to_id, *to_nr; /* number -> task's, and back; 0: none */
    struct list node;
};
int pid_ns_new(struct task *t, struct pid_ns **out);
int pid_ns_init(struct pid_ns *ns); /* one that is all zeros: its tables */
struct pid_ns *pid_ns_get(struct pid_ns *ns);
void pid_ns_put(struct pid_ns *ns);
/* Numbers in ns and all above it for a new task. -EAGAIN, -ENOMEM: its init has ended. */
int pid_ns_number(struct pid_ns *ns, pid_t id);
void pid_ns_forget(pid_t id);                    /* the number may be given to another */
pid_t pid_nr(const struct pid_ns *ns, pid_t id); /* 0: it is not seen there */
pid_t pid_id(const struct pid_ns *ns, pid_t nr); /* 0: nobody */
bool pid_ns_is_in(const struct pid_ns *ns, const struct pid_ns *top); /* or is it */
void pid_ns_zap(struct pid_ns *ns);                                   /* its init ended */

/* As the running task sees it. */
pid_t task_nr(const struct task *t);
pid_t tg_nr(const struct thread_group *tg);
pid_t id_nr(pid_t id);
struct ucred;
/* Of a socket's other end, as t sees it. */
struct ucred ucred_seen(const struct task *t, const struct ucred *u);

/* --- net, cgroup: nothing but who shares one --- */
#define NET_ADDRS_MAX 16
struct net_addr {
    uint32_t v4; /* in network order */
    uint8_t prefix;
};
struct net_state { /* of the loopback link, all there is: socket/netlink/route.c */
    bool lo_up;
    unsigned int naddrs;
    struct net_addr addrs[NET_ADDRS_MAX];
};
struct plain_ns {
    struct ns_base base;
    struct net_state state;
};
struct net_state *net_state_first(void);
unsigned int loopback_flags(const struct task *t); /* IFF_* */
struct plain_ns *plain_ns_get(struct plain_ns *ns);
void plain_ns_put(struct plain_ns *ns);

/* --- all --- */
uint64_t ns_next_id(void);
void ns_id_taken(uint64_t id); /* by one that was restored */
bool ns_count_add(void);       /* false: there are too many */
void ns_count_sub(void);
/* clone(2) and unshare(2): flags that make namespaces. cred is the one that will own them. */
int ns_clone(struct task *t, struct task *c, uint64_t flags);
int ns_unshare(struct task *t, uint64_t flags);
void ns_exit(struct task *t);
/* Checkpoints. Does t, which is being restored, have a number wherever it is seen? */
bool task_pid_ns_ok(const struct task *t);
void ckpt_put_uts(struct ckpt_writer *w, const struct uts_ns *ns); /* NULL is read for the first */
void net_state_save(struct ckpt_writer *w, const struct net_state *s);
void net_state_load(struct ckpt_reader *r, struct net_state *s);

/* --- files: nsfs.c --- */
enum ns_kind { NS_MNT, NS_UTS, NS_IPC, NS_USER, NS_PID, NS_PID_CHILDREN, NS_NET, NS_CGROUP };
/* A descriptor of a namespace of o; -ENOENT: it has ended. */
long ns_install(struct task *t, struct task *o, enum ns_kind kind);
int ns_link_text(struct task *t, enum ns_kind kind, struct strbuf *out);
int ns_link_follow(struct task *t, enum ns_kind kind, struct path *out);
/* Is f a user namespace? *ns is borrowed, NULL for the first. */
bool ns_file_is_user(const struct file *f, const struct user_ns **ns);

#endif
