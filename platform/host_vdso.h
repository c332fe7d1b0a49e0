/* The host's vDSO as the kernel maps it into every process: its ELF image and its data pages. */
#ifndef NV_PLATFORM_HOST_VDSO_H
#define NV_PLATFORM_HOST_VDSO_H

#include <stdint.h>

#define HOST_VDSO_PIECES 6

struct vdso_piece { /* a mapping: its distance from the ELF base, and its length */
    int64_t delta;
    uint64_t len;
};

/*
 * Learns the pieces from our own memory map. Called early: later there is no /proc. Returns how
 * many there are, 0 without a vDSO.
 */
int host_vdso_find(void);
extern struct vdso_piece host_vdso_pieces[HOST_VDSO_PIECES];
/* Where the ELF base is when the lowest piece is moved to at; 0 without a vDSO. */
uint64_t host_vdso_base(uint64_t at);

/* The address of one of its functions in a process where it was moved like that; 0: not there. */
uint64_t host_vdso_symbol(const char *name, uint64_t at);

#endif
