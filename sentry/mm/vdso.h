/* The guest's vDSO: clock reads without a system call. */
#ifndef NV_SENTRY_MM_VDSO_H
#define NV_SENTRY_MM_VDSO_H

struct gthread;
struct mm;
struct task;

/* Maps the image into a new address space and sets mm->vdso; leaves 0 when the platform keeps no
 * host vDSO to read the clock from. */
int vdso_map(struct mm *mm, struct gthread *thr, struct task *t);

#endif
