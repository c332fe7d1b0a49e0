/*
 * The types of records in an image's `kernel` part. Numbers are part of the format: never change
 * one, never use one again.
 */
#ifndef NV_SENTRY_CKPT_TYPES_H
#define NV_SENTRY_CKPT_TYPES_H

#include "ckpt/record.h"

enum ckpt_type_id {
    /* sentry/kernel, sentry/signal */
    CT_SANDBOX = 1,
    CT_TASK,
    CT_THREAD_GROUP,
    CT_PROCESS_GROUP,
    CT_SESSION,
    CT_CRED,
    CT_SIGHAND,
    CT_UTS,
    CT_SECCOMP_FILTER = 12,
    CT_SECCOMP_LISTENER,
    /* sentry/ns */
    CT_USER_NS,
    CT_PID_NS,
    CT_PLAIN_NS,
    /* sentry/mm */
    CT_MM = 20,
    /* sentry/time */
    CT_POSIX_TIMERS = 30,
    CT_ITIMERS_CPU,
    CT_TIMERFD,
    /* sentry/vfs */
    CT_MOUNT_NS = 40,
    CT_MOUNT,
    CT_SUPERBLOCK,
    CT_DENTRY,
    CT_INODE,
    CT_FS_CONTEXT,
    CT_FDTABLE,
    CT_FILE,
    CT_PEER_GROUP,
    CT_FS_SETUP,
    /* sentry/fs: what superblocks, inodes and files have as priv */
    CT_TMPFS = 60,
    CT_GOFERFS = 62,
    CT_GOFER_FILE = 64,
    CT_OVERLAY,
    CT_OVERLAY_FILE = 67,
    CT_OVERLAY_MOVED,
    CT_PROC_FILE = 69,
    CT_HOSTFD = 72,
    CT_TTY,
    CT_GOFER_DIR = 80,
    CT_DEVPTS,
    CT_EROFS,
    /* sentry/ipc, sentry/socket */
    CT_PIPE = 90,
    CT_EVENTFD,
    CT_SIGNALFD,
    CT_EPOLL,
    CT_INOTIFY,
    CT_PIDFD,
    CT_SOCKET,
    CT_IPC_NS,
    CT_SHM,
    CT_SHM_ATTACH,
    CT_SEM_UNDO,
    CT_MQUEUE_FS,
    CT_AIO,
    CT_IO_URING,
    /* sentry/ckpt */
    CT_CHANNEL_CHECKPOINT = 120,
    CT_CHANNEL_GENERATION,
};

extern const struct ckpt_type ckpt_sandbox;
extern const struct ckpt_type ckpt_task, ckpt_thread_group, ckpt_process_group, ckpt_session;
extern const struct ckpt_type ckpt_cred, ckpt_sighand;
extern const struct ckpt_type ckpt_user_ns, ckpt_pid_ns, ckpt_plain_ns, ckpt_uts;
extern const struct ckpt_type ckpt_seccomp_filter, ckpt_seccomp_listener;
extern const struct ckpt_type ckpt_mm;
extern const struct ckpt_type ckpt_posix_timers, ckpt_itimers_cpu;
extern const struct ckpt_type ckpt_mount_ns, ckpt_mount, ckpt_superblock, ckpt_dentry, ckpt_inode;
extern const struct ckpt_type ckpt_fs_context, ckpt_fdtable, ckpt_file;
extern const struct ckpt_type ckpt_tty, ckpt_pipe, ckpt_socket;

#endif
