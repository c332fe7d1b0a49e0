/* Contexts of io_setup(2). An address space owns its own. */
#ifndef NV_SENTRY_IPC_AIO_H
#define NV_SENTRY_IPC_AIO_H

#include <stdint.h>

struct aio_table;
struct ckpt_type;

void aio_table_free(struct aio_table *at); /* NULL: nothing */
/* /proc/sys/fs/aio-nr and aio-max-nr */
uint64_t aio_nr(void);
#define AIO_MAX_NR 65536

extern const struct ckpt_type ckpt_aio;

#endif
