/*
 * Decodes calls by the argument kinds of syscalls.def: strings, small buffers, descriptors, named
 * flags where a set is known, numbers otherwise.
 */
#include "sentry/strace/strace.h"

#define FLAGS(set) ARGKIND(AK_FLAGS, FS_##set, 0)
#define ENUM(set) ARGKIND(AK_ENUM, FS_##set, 0)
#include "sentry/strace/sets.h"
#include "sentry/argkinds.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/macros.h"
#include "base/strbuf.h"
#include "sentry/kernel/task.h"
#include "sentry/kernel/uaccess.h"

#define NR 470
#define SHOW_BYTES 32
#define SHOW_PATH 256

bool strace_enabled;
static int out_fd = 2;
static bool wanted[NR];

static const struct {
    const char *name;
    uint32_t args[6];
} rows[NR] = {
#define SYS(nr, name, handler, flags, ...) [nr] = {#name, {__VA_ARGS__}},
#include "sentry/syscalls.def"
#undef SYS
};

int strace_init(const char *filter, int fd)
{
    char *list = filter && *filter ? strdup(filter) : NULL, *save, *name;

    out_fd = fd;
    strace_enabled = true;
    if (!list) {
        memset(wanted, 1, sizeof(wanted));
        return 0;
    }
    for (name = strtok_r(list, ",", &save); name; name = strtok_r(NULL, ",", &save)) {
        bool found = false;
        for (int i = 0; i < NR; i++)
            if (rows[i].name && !strcmp(rows[i].name, name))
                found = wanted[i] = true;
        if (!found) {
            free(list);
            return -EINVAL;
        }
    }
    free(list);
    return 0;
}

static void show_bytes(struct strbuf *b, const unsigned char *p, size_t n, bool more)
{
    strbuf_putc(b, '"');
    for (size_t i = 0; i < n; i++) {
        if (p[i] == '"' || p[i] == '\\')
            strbuf_printf(b, "\\%c", p[i]);
        else if (p[i] == '\n')
            strbuf_puts(b, "\\n");
        else if (p[i] < 32 || p[i] > 126)
            strbuf_printf(b, "\\%o", p[i]);
        else
            strbuf_putc(b, (char)p[i]);
    }
    strbuf_puts(b, more ? "\"..." : "\"");
}

static void show_str(struct task *t, struct strbuf *b, uint64_t addr)
{
    char buf[SHOW_PATH];
    ssize_t n = addr ? copy_in_str(t, buf, addr, sizeof(buf)) : -EFAULT;

    if (!addr)
        strbuf_puts(b, "NULL");
    else if (n == -ENAMETOOLONG)
        show_bytes(b, (unsigned char *)buf, sizeof(buf), true);
    else if (n < 0)
        strbuf_printf(b, "0x%lx", (unsigned long)addr);
    else
        show_bytes(b, (unsigned char *)buf, (size_t)n, false);
}

static void show_buf(struct task *t, struct strbuf *b, uint64_t addr, uint64_t len)
{
    unsigned char buf[SHOW_BYTES];
    size_t n = MIN(len, sizeof(buf));

    const void *written = t->in_syscall && t->thr ? platform->written(t->thr, addr, n) : NULL;

    if (written)
        memcpy(buf, written, n);
    else if (!t->mm || mm_read(t->mm, buf, addr, n) != (ssize_t)n) {
        strbuf_printf(b, "0x%lx", (unsigned long)addr);
        return;
    }
    show_bytes(b, buf, n, len > n);
}

static void show_flags(struct strbuf *b, int set, uint64_t v)
{
    const struct flag_name *f = flag_sets[set].names;
    uint64_t rest = v;
    bool any = false;

    for (; f && f->name; f++) {
        bool match =
            flag_sets[set].is_enum ? f->value == v : f->value && (rest & f->value) == f->value;
        if (!match)
            continue;
        strbuf_printf(b, "%s%s", any ? "|" : "", f->name);
        any = true;
        if (flag_sets[set].is_enum)
            return;
        rest &= ~f->value;
    }
    if (!any && !v && !flag_sets[set].is_enum)
        strbuf_puts(b, "0");
    else if (rest && (!flag_sets[set].is_enum || !any))
        strbuf_printf(b, "%s0x%lx", any ? "|" : "", (unsigned long)rest);
}

/* after: the call has returned, so that what it wrote can be shown. */
static void show_arg(struct task *t, struct strbuf *b, uint32_t kind, const struct sysargs *a,
                     int i, long ret, bool after)
{
    uint64_t v = a->arg[i];

    switch (argkind_kind(kind)) {
    case AK_INT:
    case AK_FD:
    case AK_PID:
    case AK_SIG:
        strbuf_printf(b, "%d", (int)v);
        break;
    case AK_DIRFD:
        if ((int)v == AT_FDCWD)
            strbuf_puts(b, "AT_FDCWD");
        else
            strbuf_printf(b, "%d", (int)v);
        break;
    case AK_UINT:
    case AK_UID:
        strbuf_printf(b, "%u", (unsigned)v);
        break;
    case AK_LONG:
    case AK_OFF:
        strbuf_printf(b, "%ld", (long)v);
        break;
    case AK_SIZE:
        strbuf_printf(b, "%lu", (unsigned long)v);
        break;
    case AK_MODE:
        strbuf_printf(b, "0%o", (unsigned)v);
        break;
    case AK_FLAGS:
    case AK_ENUM:
        show_flags(b, (int)argkind_p1(kind), (uint32_t)v);
        break;
    case AK_IN_STR:
        show_str(t, b, v);
        break;
    case AK_IN_BUF:
        show_buf(t, b, v, a->arg[argkind_p1(kind)]);
        break;
    case AK_OUT_BUF:
        if (after && ret > 0 && t->in_syscall) {
            size_t n = (size_t)ret;
            show_buf(t, b, v, n);
            break;
        }
        /* fallthrough */
    default:
        if (v)
            strbuf_printf(b, "0x%lx", (unsigned long)v);
        else
            strbuf_puts(b, "NULL");
    }
}

void strace_enter(struct task *t, const struct sysargs *a)
{
    t->strace_start_ns = now_ns();
    /* These do not come back to strace_exit. */
    if (a->nr == 60 || a->nr == 231)
        strace_exit(t, a, 0);
}

static void show_result(struct strbuf *b, long ret)
{
    if (is_restart_code(ret))
        strbuf_puts(b, "? (to be restarted)");
    else if (ret < 0 && ret > -4096)
        strbuf_printf(b, "-1 %s (%s)", strerrorname_np((int)-ret), strerror((int)-ret));
    else if (ret > 0xfffff || ret < 0)
        strbuf_printf(b, "0x%lx", (unsigned long)ret);
    else
        strbuf_printf(b, "%ld", ret);
}

void strace_exit(struct task *t, const struct sysargs *a, long ret)
{
    struct strbuf b = STRBUF_INIT;

    if (a->nr >= 0 && a->nr < NR && !wanted[a->nr])
        return;
    strbuf_printf(&b, "[%5d] ", t->tid);
    if (a->nr < 0 || a->nr >= NR || !rows[a->nr].name) {
        strbuf_printf(&b, "syscall_%ld(", a->nr);
    } else {
        strbuf_printf(&b, "%s(", rows[a->nr].name);
        for (int i = 0; i < 6 && rows[a->nr].args[i]; i++) {
            if (i)
                strbuf_puts(&b, ", ");
            show_arg(t, &b, rows[a->nr].args[i], a, i, ret, true);
        }
    }
    strbuf_puts(&b, ") = ");
    show_result(&b, ret);
    strbuf_printf(&b, " <%.6f>\n", (double)(now_ns() - t->strace_start_ns) / 1e9);
    if (!b.failed && write(out_fd, b.data, b.len) < 0)
        strace_enabled = false; /* nobody reads it any more */
    strbuf_free(&b);
}
