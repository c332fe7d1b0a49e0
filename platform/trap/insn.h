/* Lengths of x86-64 instructions and the little more that moving them takes. */
#ifndef NV_PLATFORM_TRAP_INSN_H
#define NV_PLATFORM_TRAP_INSN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct insn {
    unsigned int len;
    bool control;      /* goes elsewhere, or may: jumps, calls, returns, system calls, traps */
    bool privileged;   /* faults in guests; some that do not are counted, too */
    bool rip_relative; /* an operand's address depends on where the instruction is */
    bool has_target;   /* a direct jump or call, */
    int32_t rel;       /* so far from its end */
};

/* The instruction at p, of which n bytes are there. False: there is none, or it is longer. */
bool insn_decode(const uint8_t *p, size_t n, struct insn *in);

#endif
