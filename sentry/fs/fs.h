/* Constructors of the file systems. All return 0 with one superblock reference, or negative errno.
 */
#ifndef NV_SENTRY_FS_FS_H
#define NV_SENTRY_FS_FS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "ckpt/record.h"

struct file;
struct fs_type;
struct inode;
struct superblock;
struct task;

/* size_bytes/inodes 0: no limit of its own. mode of the root directory. */
int tmpfs_new(uint64_t size_bytes, uint64_t inodes, mode_t root_mode, struct superblock **out);
struct tmpfs_params {
    uint64_t size, inodes; /* 0: no limit of its own */
    mode_t mode;
    uid_t uid;
    gid_t gid;
    bool is_ramfs;
};
int tmpfs_new_with(const struct tmpfs_params *p, struct superblock **out);
uint64_t tmpfs_total_max(void); /* pages of all together */
/* New limits, NULL: as they are. -EINVAL: more is there already. */
int tmpfs_resize(struct superblock *sb, const uint64_t *size, const uint64_t *inodes);
/* Client of the gofer; sock and exports were agreed with gofer_main (gofer/client.h). */
int goferfs_connect(int sock); /* once per sandbox, at boot */
int goferfs_new(unsigned int export_index, bool readonly, struct superblock **out); /* in a fiber */
/*
 * After all links of a restore, in its fiber: waits for what the gofer says about the files that
 * the image refers to. NULL, or why one of them cannot be used.
 */
const char *goferfs_resumed(void);
/* upper is a tmpfs; both references are taken over. */
int overlayfs_new(struct superblock *lower, struct superblock *upper, struct superblock **out);
extern const struct fs_type overlay_type; /* what guests mount */
int procfs_new(struct superblock **out);
struct pid_ns;
int procfs_new_for(struct pid_ns *ns, struct superblock **out); /* NULL: the first */
/* The process whose directory /proc/PID this is; 0: it is none. */
pid_t procfs_dir_pid(const struct inode *i);
int sysfs_new(struct superblock **out);
int devtmpfs_new(struct superblock **out);
struct erofs_params {
    int fd;                    /* the image, which stays the caller's; -1: */
    struct file *file;         /* this one */
    unsigned int export_index; /* of fd: struct sandbox_mount; 0: the root */
};
/* On failure why (EROFS_WHY_MAX bytes) says what is wrong with the image. */
int erofs_new(const struct erofs_params *p, struct superblock **out, char *why);
int erofs_new_from_cli(int fd, unsigned int export_index, struct superblock **out);
struct fs_type;
extern const struct fs_type erofs_type;
struct devpts_params {
    mode_t mode, ptmxmode; /* 0: 0620, 0666 */
    uid_t uid;
    gid_t gid;
    bool has_uid, has_gid;
    uint32_t max;
};
int devpts_new(struct superblock **out);
extern const struct ckpt_field devpts_params_fields[7]; /* as checkpoints keep them */
int devpts_new_with(const struct devpts_params *p, struct superblock **out);
int cgroupfs_new(struct superblock **out);

/* A regular tmpfs-backed file without a name (memfd_create, O_TMPFILE, SysV shm, MAP_SHARED|ANON).
 */
struct file *tmpfs_anon_file(const char *name, int flags, uint64_t size);
/* The host FD of a tmpfs inode, made on first use: -errno. Borrowed. */
int tmpfs_host_fd(struct file *f);
bool tmpfs_is_file(const struct file *f); /* a regular one */

/* A host descriptor of the CLI (stdin, stdout...) as a guest file; takes over fd. */
struct file *hostfd_file(int host_fd, int flags);
/* The sandbox's console: a tty with our line discipline over a host terminal in raw mode. */
int console_attach(int host_fd); /* again: nothing. 0 or negative errno */
/* A restored stream without anything in it becomes the console, or /dev/null. */
int console_take_file(struct file *f, int host_fd);
void memdev_become_null(struct file *f);

/* Device registration, called once at boot. */
int memdev_init(void);          /* null zero full random urandom */
void tty_console_resized(void); /* the host terminal has another size */
int tty_init(void);             /* tty ptmx console pts */
/* The number of the session's terminal, 0: it has none. */
struct session;
dev_t session_tty_device(const struct session *s);

#endif
