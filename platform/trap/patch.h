/* Shared by the files about patched call sites: code.c, patch.c, text.c. */
#ifndef NV_PLATFORM_TRAP_PATCH_H
#define NV_PLATFORM_TRAP_PATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "platform/trap/trap.h"

#define JUMP_LEN 5

struct patched {
    uint64_t start; /* the jump */
    uint64_t ip;    /* after the syscall instruction */
    uint64_t thunk;
    int prot;                /* of the mapping */
    uint8_t cont, displaced; /* back: offset in the thunk of what follows, its length; front: 0 */
    bool removed;            /* the jump is gone, its thunk may still have someone inside */
    uint8_t original[JUMP_LEN];
};

/* A copy of guest code, until the next one is made: nobody parks while it is looked at. */
struct code {
    uint64_t addr; /* of bytes[0] */
    size_t len;
    uint8_t *bytes;
};

/* code.c: questions that need decoding. */
/* How many bytes of whole instructions after ip have to move. 0: they cannot, *why tells. */
int code_displaced(const struct code *c, uint64_t ip, const char **why);
/* Do most ways to decode what comes before addr have an instruction begin at want? */
bool code_begins_at(const struct code *c, uint64_t addr, uint64_t want);
/* Does a branch lead behind the first of the bytes that become a jump at start? */
bool code_branch_into(const struct code *c, uint64_t start);

/* text.c */
bool text_has(const struct aspace *as, uint64_t ip); /* a thunk for the call that ends at ip */
/* Adds p and writes its jump; stop: interrupts the threads that are in the way. */
int text_add(struct gthread *thr, const struct patched *p, bool stop);
int text_write(struct gthread *thr, uint64_t at, const void *bytes, size_t n);

#endif
