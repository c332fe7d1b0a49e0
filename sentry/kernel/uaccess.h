/*
 * Guest memory. All functions return 0 (or a length) or -EFAULT; none trusts an address. Each byte
 * is copied once. The fast way is the window the stub marshalled, the slow one process_vm_*.
 */
#ifndef NV_SENTRY_KERNEL_UACCESS_H
#define NV_SENTRY_KERNEL_UACCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

struct task;
struct mm;

/* Linux's access_ok(): no part of it is above the guest's addresses. */
bool user_range_ok(uint64_t addr, size_t len);
int copy_in(struct task *t, void *dst, uint64_t addr, size_t len);
int copy_out(struct task *t, uint64_t addr, const void *src, size_t len);
/* Length without NUL, -EFAULT, or -ENAMETOOLONG when no NUL within size bytes. */
ssize_t copy_in_str(struct task *t, char *dst, uint64_t addr, size_t size);
/* A malloc'ed string of at most max bytes incl. NUL; -E2BIG style errno given by too_long. */
int copy_in_str_dup(struct task *t, char **out, uint64_t addr, size_t max, int too_long);
int zero_out(struct task *t, uint64_t addr, size_t len);
/* A structure that grew: what the guest has not is zero, what only it has must be (-E2BIG). */
int copy_in_struct(struct task *t, void *dst, size_t size, uint64_t addr, size_t user_size);
/* Bypasses the window: the value in memory now (futex words). */
int fetch_u32(struct task *t, uint64_t addr, uint32_t *val);
int store_u32(struct task *t, uint64_t addr, uint32_t val);
/* For another process's memory (process_vm_*, /proc/pid/mem, exec). Short counts at bad pages. */
ssize_t mm_read(struct mm *mm, void *dst, uint64_t addr, size_t len);
/* The same for other processes that look: code as its program has it, without patches. */
ssize_t mm_peek(struct mm *mm, void *dst, uint64_t addr, size_t len);
ssize_t mm_write(struct mm *mm, uint64_t addr, const void *src, size_t len);

#define get_user(t, dst, addr) copy_in(t, dst, addr, sizeof(*(dst)))
#define put_user(t, src, addr) copy_out(t, addr, src, sizeof(*(src)))

/*
 * A scatter list of guest (or sentry) memory that file operations consume front to back.
 * dir says what the operation does with it.
 */
enum uio_dir { UIO_SOURCE /* write(2): guest -> file */, UIO_DEST /* read(2): file -> guest */ };

struct uio {
    struct task *t; /* NULL: kernel memory, iov_base are sentry pointers */
    enum uio_dir dir;
    struct iovec *iov; /* remaining segments; iov_base is a guest address as a number */
    int iovcnt;
    size_t resid; /* bytes left */
    struct iovec inline_iov[8];
    struct iovec *heap_iov; /* freed by uio_done */
};

void uio_init_user(struct uio *u, struct task *t, enum uio_dir dir, uint64_t addr, size_t len);
void uio_init_kernel(struct uio *u, enum uio_dir dir, void *buf, size_t len);
/* From a guest iovec array: 0, -EINVAL (count > 1024, negative or overflowing length), -EFAULT. */
int uio_init_iovec(struct uio *u, struct task *t, enum uio_dir dir, uint64_t iov_addr,
                   unsigned long n);
void uio_done(struct uio *u);
/* Copies up to len bytes from/to the scatter list, advancing it. Bytes moved, or -EFAULT if none.
 */
ssize_t uio_read(struct uio *u, void *dst, size_t len);        /* dir UIO_SOURCE */
ssize_t uio_write(struct uio *u, const void *src, size_t len); /* dir UIO_DEST */
ssize_t uio_zero(struct uio *u, size_t len);                   /* dir UIO_DEST */
/* A host file, and what of it a transfer is about. */
struct uio_fd {
    int fd;       /* must not block: a regular file, or known to be ready */
    off_t offset; /* -1: the descriptor's own position */
    int rwf;      /* RWF_* flags of preadv2 and pwritev2 */
    /*
     * The guest may use the descriptor as it is open. Large transfers may then be made by its own
     * thread, and park. *id names the open file, 0 at first; uio_file_closed() when it is closed.
     */
    uint64_t *id;
    bool shared; /* and map it shared and writable; it is in memory and has no holes there */
    bool direct; /* out: the guest's thread has done it */
};
/*
 * Move up to len bytes between the list and a host file. Bytes moved or negative errno; with an id
 * they may be fewer than there are.
 */
ssize_t uio_from_fd(struct uio *u, struct uio_fd *f, size_t len);
ssize_t uio_to_fd(struct uio *u, struct uio_fd *f, size_t len);
#define UIO_DIRECT_MIN 16384UL /* what is not longer is never worth it */
void uio_file_closed(uint64_t id);
/* Skips bytes already dealt with. */
void uio_advance(struct uio *u, size_t n);

#endif
