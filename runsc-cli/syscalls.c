/* nv syscalls: the support table, from syscalls.def. */
#include <stdio.h>
#include <string.h>

#include "runsc-cli/cli.h"
#include "sentry/kernel/syscall.h"

int verb_syscalls(int argc, char **argv)
{
    bool json = argc > 1 && !strcmp(argv[1], "--json"), first = true;
    int served = 0, total = 0;

    if (argc > 2 || (argc == 2 && !json))
        return usage_error("syscalls", "unexpected argument '%s'", argv[1]);
    if (json)
        printf("[");
    for (long nr = 0; nr < NV_NR_SYSCALLS; nr++) {
        const struct syscall_row *row = syscall_row(nr);
        if (!row)
            continue;
        total++;
        served += row->handler != NULL;
        if (json)
            printf("%s\n{\"nr\":%ld,\"name\":\"%s\",\"served\":%s}", first ? "" : ",", nr,
                   row->name, row->handler ? "true" : "false");
        else
            printf("%4ld  %-24s %s\n", nr, row->name, row->handler ? "served" : "ENOSYS");
        first = false;
    }
    if (json)
        printf("\n]\n");
    else
        printf("%d of %d system calls are served\n", served, total);
    return 0;
}
