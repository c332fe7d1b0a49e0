/* Small macros used everywhere. */
#ifndef NV_BASE_MACROS_H
#define NV_BASE_MACROS_H

#include <stddef.h>
#include <stdint.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define container_of(ptr, type, member) ((type *)((char *)(ptr)-offsetof(type, member)))
#define MIN(a, b)                                                                                  \
    ({                                                                                             \
        __auto_type min_a_ = (a);                                                                  \
        __auto_type min_b_ = (b);                                                                  \
        min_a_ < min_b_ ? min_a_ : min_b_;                                                         \
    })
#define MAX(a, b)                                                                                  \
    ({                                                                                             \
        __auto_type max_a_ = (a);                                                                  \
        __auto_type max_b_ = (b);                                                                  \
        max_a_ > max_b_ ? max_a_ : max_b_;                                                         \
    })
#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)

/* Guests always see 4 KiB pages: x86-64 has no other base page. */
#define NV_PAGE_SHIFT 12
#define NV_PAGE_SIZE 4096UL
#define NV_PAGE_MASK (~(NV_PAGE_SIZE - 1))
#define PAGE_DOWN(x) ((uint64_t)(x)&NV_PAGE_MASK)
#define PAGE_UP(x) (((uint64_t)(x) + NV_PAGE_SIZE - 1) & NV_PAGE_MASK)
#define PAGE_OFF(x) ((uint64_t)(x) & ~NV_PAGE_MASK)
#define ROUND_UP(x, a) (((x) + (a)-1) & ~((__typeof__(x))(a)-1))

#define NSEC_PER_SEC 1000000000LL
#define NSEC_PER_USEC 1000LL
#define NSEC_PER_MSEC 1000000LL

#endif
