/*
 * The guest's vDSO: an ELF image of ours at a fixed address, the same on every host and platform,
 * so that pointers into it that programs hold stay right in an image. Its functions call the
 * host's, which lie elsewhere, and add the offset of the guest's monotonic clocks.
 *
 *   VDSO_PARAMS  a page the sentry writes and the guest reads
 *   VDSO_IMAGE   the ELF image, AT_SYSINFO_EHDR
 */
#ifndef NV_PLATFORM_VDSO_VDSO_H
#define NV_PLATFORM_VDSO_VDSO_H

#define VDSO_PARAMS 0x7fff00180000UL
#define VDSO_IMAGE 0x7fff00181000UL
#define VDSO_IMAGE_SIZE 0x2000UL
#define VDSO_FILE_SIZE (0x1000UL + VDSO_IMAGE_SIZE)

#include <stdbool.h>
#include <stdint.h>

struct vdso_params {
    /* The host's functions where they are in a guest's address space; 0: make a system call. */
    uint64_t clock_gettime, gettimeofday, time, getcpu, clock_getres;
    /* What guests' monotonic clocks are ahead of the host's: seconds (down), and 0 to 999999999. */
    int64_t offset_s;
    uint64_t offset_ns;
};

/* Of clocks that count from the host's boot. */
static inline bool vdso_is_monotonic(uint32_t clock)
{
    return clock <= 7 && (1U << clock & 0xd2); /* MONOTONIC, RAW, COARSE, BOOTTIME */
}

/*
 * In the sentry. The file to be mapped into guests: the page of parameters and the image. The
 * functions' addresses are for a host vDSO that was moved to host_vdso. A descriptor, the caller's,
 * or a negative errno. Called once, when host_vdso_find() has been.
 */
int vdso_file(uint64_t host_vdso);
void vdso_set_offset(int64_t ns);
/*
 * Is that guest address inside functions of a vDSO, ours or the host's? Code there is different on
 * another host.
 */
bool vdso_contains(uint64_t ip);
/*
 * Is it the host's? A system call from there is the host's function that could not do without:
 * its caller adds the offset, so the call must not.
 */
bool vdso_is_hosts(uint64_t ip);

#endif
