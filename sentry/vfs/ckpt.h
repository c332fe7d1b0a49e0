/* Checkpoints: what other folders' records need of the virtual file system. */
#ifndef NV_SENTRY_VFS_CKPT_H
#define NV_SENTRY_VFS_CKPT_H

#include "sentry/ckpt/types.h"
#include "sentry/vfs/file.h"

/* A struct path in an object: also those without a mount, and of the anonymous one. */
void ckpt_put_path(struct ckpt_writer *w, const struct path *p);
void ckpt_get_path(struct ckpt_reader *r, struct path *p);
/* In link(): does it lead to something that lives as long as it does? Else ckpt_bad(). */
bool ckpt_path_ok(struct ckpt_reader *r, const struct path *p);

/* "pid 3 fd 5 (/dev/kvm)" of a file; of any that is open on an inode. For ckpt_refuse(). */
#define CKPT_SUBJECT_MAX 4200
const char *ckpt_file_subject(const struct file *f, char buf[CKPT_SUBJECT_MAX]);
const char *ckpt_inode_subject(const struct inode *i, char buf[CKPT_SUBJECT_MAX]);

#endif
