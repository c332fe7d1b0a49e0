/* Scope-bound release: cleanup_free char *p; cleanup_close int fd = -1; */
#ifndef NV_BASE_CLEANUP_H
#define NV_BASE_CLEANUP_H

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define cleanup_with(fn) __attribute__((cleanup(fn)))

static inline void cleanup_freep(void *p)
{
    free(*(void **)p);
}

static inline void cleanup_closep(const int *fd)
{
    if (*fd >= 0)
        close(*fd);
}

static inline void cleanup_fclosep(FILE **f)
{
    if (*f)
        fclose(*f);
}

#define cleanup_free cleanup_with(cleanup_freep)
#define cleanup_close cleanup_with(cleanup_closep)
#define cleanup_file_stream cleanup_with(cleanup_fclosep)

/* Moves ownership out of a cleanup variable. */
#define steal_fd(fdp)                                                                              \
    ({                                                                                             \
        int steal_fd_ = *(fdp);                                                                    \
        *(fdp) = -1;                                                                               \
        steal_fd_;                                                                                 \
    })
#define steal_ptr(pp)                                                                              \
    ({                                                                                             \
        __auto_type steal_ptr_ = *(pp);                                                            \
        *(pp) = NULL;                                                                              \
        steal_ptr_;                                                                                \
    })

#endif
