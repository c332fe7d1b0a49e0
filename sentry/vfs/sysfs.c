/* sysfs(2): names and numbers of the file systems that may be mounted. */
#include <errno.h>
#include <string.h>

#include "sentry/fs/fs.h"
#include "sentry/kernel/syscall.h"
#include "sentry/kernel/uaccess.h"
#include "sentry/vfs/fs_setup.h"

static int count_types(void)
{
    int n = 0;

    while (fs_types[n])
        n++;
    return n;
}

static long number_of(struct task *t, uint64_t addr)
{
    char name[NV_PAGE_SIZE];
    ssize_t len = copy_in_str(t, name, addr, sizeof(name));

    if (len < 0)
        return len;
    for (int i = 0; fs_types[i]; i++)
        if (!strcmp(fs_types[i]->name, name))
            return i;
    return -EINVAL;
}

long sys_sysfs(struct task *t, const struct sysargs *a)
{
    uint64_t i = arg_u64(a, 1);

    switch (arg_i32(a, 0)) {
    case 1:
        return number_of(t, i);
    case 2:
        if ((unsigned int)i >= (unsigned int)count_types())
            return -EINVAL;
        return copy_out(t, arg_u64(a, 2), fs_types[(unsigned int)i]->name,
                        strlen(fs_types[(unsigned int)i]->name) + 1);
    case 3:
        return count_types();
    default:
        return -EINVAL;
    }
}
