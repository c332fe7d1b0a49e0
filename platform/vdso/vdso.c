/* See vdso.h. */
#include "platform/vdso/vdso.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/macros.h"
#include "platform/host_vdso.h"
#include "platform/trap/layout.h"

extern const char vdso_image[];
extern const size_t vdso_image_size;

static struct vdso_params *params;

static void fill(uint64_t at)
{
    *params = (struct vdso_params){
        .clock_gettime = host_vdso_symbol("__vdso_clock_gettime", at),
        .gettimeofday = host_vdso_symbol("__vdso_gettimeofday", at),
        .time = host_vdso_symbol("__vdso_time", at),
        .getcpu = host_vdso_symbol("__vdso_getcpu", at),
        .clock_getres = host_vdso_symbol("__vdso_clock_getres", at),
    };
}

int vdso_file(uint64_t host_vdso)
{
    int fd = memfd_create("nv-vdso", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    int err = fd < 0 ? -errno : 0;

    if (!err && (vdso_image_size > VDSO_IMAGE_SIZE || ftruncate(fd, VDSO_FILE_SIZE) ||
                 pwrite(fd, vdso_image, vdso_image_size, NV_PAGE_SIZE) != (ssize_t)vdso_image_size))
        err = -EIO;
    params = MAP_FAILED;
    if (!err)
        params = mmap(NULL, NV_PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    /* From here on nobody can map it for writing. */
    if (!err && (params == MAP_FAILED ||
                 fcntl(fd, F_ADD_SEALS, F_SEAL_FUTURE_WRITE | F_SEAL_SHRINK | F_SEAL_GROW)))
        err = -errno;
    if (err) {
        if (fd >= 0)
            close(fd);
        return err;
    }
    fill(host_vdso);
    return fd;
}

void vdso_set_offset(int64_t ns)
{
    int64_t s = ns / NSEC_PER_SEC, rest = ns % NSEC_PER_SEC;

    if (!params)
        return;
    params->offset_s = s - (rest < 0);
    params->offset_ns = (uint64_t)(rest < 0 ? rest + NSEC_PER_SEC : rest);
}

bool vdso_is_hosts(uint64_t ip)
{
    return ip >= STUB_VDSO && ip < STUB_SCRATCH;
}

bool vdso_contains(uint64_t ip)
{
    return (ip >= VDSO_IMAGE && ip < VDSO_IMAGE + VDSO_IMAGE_SIZE) || vdso_is_hosts(ip);
}
