/* The table of features, for cpu.c and cpu_guest.c. */
#ifndef NV_CKPT_CPU_INTERNAL_H
#define NV_CKPT_CPU_INTERNAL_H

#include "ckpt/cpu.h"

enum cpu_reg { EAX, EBX, ECX, EDX };
enum cpu_leaf { L_1, L_7, L_7_1, L_D_1, L_X1, L_X8, NLEAVES };
extern const uint32_t cpu_leaves[NLEAVES][2]; /* leaf and subleaf */

#define CPU_X87_SSE 3ULL

/* level 1: every x86-64; 2, 3, 4: x86-64-v2 and so on; 5: none of them. xsave: state it needs. */
struct cpu_feature {
    const char *name;
    enum cpu_leaf leaf;
    enum cpu_reg reg;
    uint8_t bit, level;
    uint64_t xsave;
};
extern const struct cpu_feature *const cpu_table;
extern const size_t cpu_table_len;

static inline bool cpu_get(const struct cpu_features *f, size_t i)
{
    return f->bits[i / 64] >> (i % 64) & 1;
}

/* Of the save area, in the standard format, with these components. */
uint64_t cpu_xsave_size(uint64_t xsave);

#endif
