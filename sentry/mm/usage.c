/* See usage.h. A number is asked for when a file of /proc shows it, and at most so often. */
#include "sentry/mm/usage.h"

#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/macros.h"
#include "platform/platform.h"
#include "sentry/ckpt/pagemap.h"
#include "sentry/ctl.h"
#include "sentry/fs/tmpfs/tmpfs.h"
#include "sentry/kernel/task.h"
#include "sentry/mm/mm.h"
#include "sentry/sandbox.h"

#define ALL_MAX 1024
#define ALL_FRESH_NS 1000000000UL

void mm_usage_ask(struct mm *mm, uint64_t max_age_ns)
{
    char text[128];
    unsigned long size, resident, shared;

    bool is_fresh = mm->usage.asked_ns && now_ns() - mm->usage.asked_ns < max_age_ns &&
                    mm->total_vm <= mm->usage.asked_vm;

    if (!mm->as || is_fresh)
        return;
    cleanup_close int fd = stub_file_open(platform->aspace_pid(mm->as), STUB_STATM);
    ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
    mm->usage.asked_ns = now_ns();
    mm->usage.asked_vm = mm->total_vm;
    if (n > 0) {
        text[n] = 0;
        if (sscanf(text, "%lu %lu %lu", &size, &resident, &shared) == 3) {
            mm->usage.resident = MIN(resident, UINT64_MAX >> 20) * NV_PAGE_SIZE;
            mm->usage.shared = MIN(shared, resident) * NV_PAGE_SIZE;
        }
    } else if (!mm->usage.resident) {
        mm->usage.resident = MIN(mm->data_vm, mm->total_vm);
    }
    mm->usage.peak = MAX(mm->usage.peak, mm->usage.resident);
}

void memory_usage_ask(void)
{
    struct mm *all[ALL_MAX];
    struct thread_group *tg;
    int n = 0;

    list_for_each(tg, &all_thread_groups, all_node)
        if (n < ALL_MAX && tg->leader && tg->leader->mm)
            all[n++] = mm_get(tg->leader->mm);
    for (int i = 0; i < n; i++) {
        mm_usage_ask(all[i], ALL_FRESH_NS);
        mm_put(all[i]);
    }
}

struct memory_usage memory_usage(void)
{
    struct memory_usage u = {.total = sandbox->memory_bytes};
    struct thread_group *tg;

    list_for_each(tg, &all_thread_groups, all_node) {
        struct mm *mm = tg->leader ? tg->leader->mm : NULL;
        if (!mm)
            continue;
        u.anonymous += mm->usage.resident - mm->usage.shared;
        u.cached = MAX(u.cached, mm->usage.shared); /* most of it is what all share */
    }
    u.shmem = tmpfs_used_pages() * NV_PAGE_SIZE;
    u.cached += u.shmem;
    uint64_t used = u.anonymous + u.cached;
    u.free = u.total > used ? u.total - used : u.total / 64;
    return u;
}

void mm_tell_oom_score(const struct mm *mm, int value)
{
    if (!sandbox->memory_limited || !mm || !mm->as)
        return;
    cleanup_close int fd = (int)syscall(SYS_pidfd_open, platform->aspace_pid(mm->as), 0);
    if (fd >= 0)
        ctl_send_more(CTL_OOM_SCORE, value, NULL, 0, fd);
}
