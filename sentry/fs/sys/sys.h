/* Internals of sysfs: sysfs.c has the tables, cpu.c those of CPUs and their node. */
#ifndef NV_SENTRY_FS_SYS_SYS_H
#define NV_SENTRY_FS_SYS_SYS_H

#include "sentry/fs/proc/proc.h"

#define SYS_FILE(n, f)                                                                             \
    {                                                                                              \
        .name = (n), .kind = PROC_FILE, .mode = 0444, .fill = (f)                                  \
    }
/* A file of number k of its kind. */
#define SYS_FILE_OF(n, f, k)                                                                       \
    {                                                                                              \
        .name = (n), .kind = PROC_FILE, .mode = 0444, .fill_of = (f), .number = (k)                \
    }
#define SYS_DIR(n, c)                                                                              \
    {                                                                                              \
        .name = (n), .kind = PROC_DIR, .mode = 0755, .children = (c)                               \
    }

/* Directories with an entry for each CPU, made once and kept; without memory only what is fixed. */
const struct proc_entry *sys_cpu_entries(void);
const struct proc_entry *sys_node_entries(void);

#endif
