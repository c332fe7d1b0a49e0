/* Of io_uring's interface what is newer than some headers: include/uapi/linux/io_uring.h of 6.18.
 */
#ifndef NV_SENTRY_IPC_URING_ABI_H
#define NV_SENTRY_IPC_URING_ABI_H

#include <linux/io_uring.h>
#include <stdint.h>

enum uring_new_op {
    URING_OP_READ_MULTISHOT = 49,
    URING_OP_FIXED_FD_INSTALL = 54,
    URING_OP_FTRUNCATE = 55,
    URING_OP_BIND = 56,
    URING_OP_LISTEN = 57,
    URING_OP_LAST = 63,
};

enum uring_new_register {
    URING_REGISTER_PBUF_STATUS = 26,
    URING_REGISTER_LAST = 37,
};
#define URING_REGISTER_USE_REGISTERED_RING (1U << 31)

#define URING_SETUP_NO_SQARRAY (1U << 16)
#define URING_ENTER_ABS_TIMER (1U << 5)
#define URING_ENTER_NO_IOWAIT (1U << 7)
#define URING_FEAT_REG_REG_RING (1U << 13)
#define URING_OFF_PBUF_RING 0x80000000ULL
#define URING_OFF_PBUF_SHIFT 16
#define URING_PBUF_RING_MMAP 1U
#define URING_PBUF_RING_INC 2U
#define URING_CQE_F_BUF_MORE (1U << 4)
#define URING_ACCEPT_DONTWAIT (1U << 1)
#define URING_ACCEPT_POLL_FIRST (1U << 2)
#define URING_TIMEOUT_MULTISHOT (1U << 6)
#define URING_FIXED_FD_NO_CLOEXEC (1U << 0)
#define URING_MSG_RING_FLAGS_PASS (1U << 1)

struct uring_buf_reg {
    uint64_t ring_addr;
    uint32_t ring_entries;
    uint16_t bgid, flags;
    uint64_t resv[3];
};

struct uring_buf_status {
    uint32_t buf_group, head, resv[8];
};

#endif
