/*
 * /proc/PID/smaps: areas are the sentry's, their pages the host's, which tells about its own areas.
 * Those are not the same set: what one of the host's has is given to ours that lie in it, in order.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/macros.h"
#include "platform/platform.h"
#include "sentry/ckpt/pagemap.h"
#include "sentry/fs/proc/proc.h"
#include "sentry/kernel/task.h"
#include "sentry/mm/mm.h"
#include "sentry/sandbox.h"

#define TEXT_MAX (32UL << 20)

static const char *const fields[] = {"Rss",
                                     "Pss",
                                     "Pss_Dirty",
                                     "Shared_Clean",
                                     "Shared_Dirty",
                                     "Private_Clean",
                                     "Private_Dirty",
                                     "Referenced",
                                     "Anonymous",
                                     "KSM",
                                     "LazyFree",
                                     "AnonHugePages",
                                     "ShmemPmdMapped",
                                     "FilePmdMapped",
                                     "Shared_Hugetlb",
                                     "Private_Hugetlb",
                                     "Swap",
                                     "SwapPss",
                                     "Locked"};
#define NFIELDS ARRAY_SIZE(fields)

struct area {
    uint64_t start, end;
    unsigned long kb[NFIELDS];
};

/* A reader of the host's text, one area ahead. */
struct host_areas {
    const char *at;
    struct area area; /* end == 0: no more */
};

void proc_ask_smaps(struct mm *mm, struct strbuf *host)
{
    char buf[16384];

    if (!mm || !mm->as)
        return;
    cleanup_close int fd = stub_file_open(platform->aspace_pid(mm->as), STUB_SMAPS);
    for (ssize_t n; fd >= 0 && host->len < TEXT_MAX && (n = read(fd, buf, sizeof(buf))) > 0;)
        strbuf_add(host, buf, (size_t)n);
}

/* "START-END ..." of an area; false: another line. */
static bool area_line(const char *line, struct area *a)
{
    char *dash, *end;

    a->start = strtoul(line, &dash, 16);
    if (dash == line || *dash != '-')
        return false;
    a->end = strtoul(dash + 1, &end, 16);
    return end > dash + 1 && *end == ' ';
}

/* "Name:   N kB"; next: where it is in fields, if they come in their order. */
static void field_line(const char *line, struct area *a, size_t *next)
{
    size_t len = strcspn(line, ":\n");

    for (size_t k = 0; k < NFIELDS; k++) {
        size_t i = (*next + k) % NFIELDS;
        if (strncmp(fields[i], line, len) != 0 || fields[i][len] || line[len] != ':')
            continue;
        a->kb[i] = strtoul(line + len + 1, NULL, 10);
        *next = i + 1;
        return;
    }
}

/* The text may be megabytes: nothing here may look further than its line. */
static void next_area(struct host_areas *h)
{
    struct area a = {0}, other;
    size_t next = 0;

    while (h->at && *h->at) {
        if (area_line(h->at, &other)) {
            if (a.end)
                break;
            a.start = other.start;
            a.end = other.end;
        } else {
            field_line(h->at, &a, &next);
        }
        const char *nl = strchr(h->at, '\n');
        h->at = nl ? nl + 1 : NULL;
    }
    h->area = a;
}

static void take(struct host_areas *h, const struct vma *v, unsigned long kb[NFIELDS])
{
    memset(kb, 0, NFIELDS * sizeof(*kb));
    while (h->area.end && h->area.start < v->end) {
        uint64_t from = MAX(h->area.start, v->start), to = MIN(h->area.end, v->end);
        for (size_t i = 0; from < to && i < NFIELDS; i++) {
            unsigned long n = MIN(h->area.kb[i], (to - from) / 1024);
            kb[i] += n;
            h->area.kb[i] -= n;
        }
        if (h->area.end > v->end)
            return;
        next_area(h);
    }
}

static void put_fields(const unsigned long kb[NFIELDS], struct strbuf *out)
{
    for (size_t i = 0; i < NFIELDS; i++)
        strbuf_printf(out, "%s:%*lu kB\n", fields[i], 23 - (int)strlen(fields[i]), kb[i]);
}

static void put_flags(const struct vma *v, struct strbuf *out)
{
    static const struct {
        uint32_t flag;
        const char *name;
    } names[] = {{VM_READ, "rd"},      {VM_WRITE, "wr"},     {VM_EXEC, "ex"},
                 {VM_SHARED, "sh"},    {VM_GROWSDOWN, "gd"}, {VM_LOCKED, "lo"},
                 {VM_DONTFORK, "dc"},  {VM_NORESERVE, "nr"}, {VM_DONTDUMP, "dd"},
                 {VM_WIPEONFORK, "wf"}};

    strbuf_puts(out, "VmFlags:");
    for (size_t i = 0; i < ARRAY_SIZE(names); i++)
        if (v->flags & names[i].flag)
            strbuf_printf(out, " %s", names[i].name);
    strbuf_puts(out, " \n");
}

int proc_fill_smaps(struct task *t, const char *host, struct strbuf *out)
{
    struct host_areas h = {.at = host};
    unsigned long kb[NFIELDS];

    next_area(&h);
    for (struct vma *v = t->mm ? vma_first(t->mm) : NULL; v; v = vma_next(t->mm, v)) {
        take(&h, v, kb);
        proc_map_line(t, v, out);
        strbuf_printf(out, "Size:%19lu kB\nKernelPageSize:%9d kB\nMMUPageSize:%12d kB\n",
                      (unsigned long)(v->end - v->start) / 1024, 4, 4);
        put_fields(kb, out);
        strbuf_puts(out, "THPeligible:           0\n");
        put_flags(v, out);
    }
    return 0;
}

int proc_fill_smaps_rollup(struct task *t, const char *host, struct strbuf *out)
{
    struct host_areas h = {.at = host};
    unsigned long kb[NFIELDS], sum[NFIELDS] = {0};
    struct vma *first = t->mm ? vma_first(t->mm) : NULL;
    uint64_t end = 0;

    next_area(&h);
    for (struct vma *v = first; v; v = vma_next(t->mm, v)) {
        take(&h, v, kb);
        for (size_t i = 0; i < NFIELDS; i++)
            sum[i] += kb[i];
        end = v->end;
    }
    if (!first)
        return 0;
    size_t at = out->len;
    strbuf_printf(out, "%08lx-%08lx ---p 00000000 00:00 0 ", (unsigned long)first->start,
                  (unsigned long)end);
    while (out->len - at < 73)
        strbuf_putc(out, ' ');
    strbuf_puts(out, "[rollup]\n");
    put_fields(sum, out);
    return 0;
}
