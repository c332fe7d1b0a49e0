/*
 * Address spaces in images: what is saved of a process, and that a record with wrong bytes is
 * refused or harmless; the working set's file; packed vector registers.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/macros.h"
#include "platform/xstate.h"
#include "sentry/ckpt/pages.h"
#include "sentry/ckpt/types.h"
#include "sentry/ctl.h"
#include "sentry/kernel/fiber.h"
#include "sentry/kernel/loop.h"
#include "sentry/mm/describe.h"
#include "sentry/mm/mm_internal.h"
#include "sentry/mm/wset.h"
#include "sentry/sandbox.h"
#include "tests/unit/unit.h"

#define BASE 0x20000000UL
#define PAGES 400UL
#define AT(page) (BASE + (uint64_t)(page)*NV_PAGE_SIZE)

/* --- a platform whose one address space is a child of ours --- */
static pid_t child;

static int no_events(void)
{
    return 0;
}
static bool may_sleep(void)
{
    return true;
}
static void woken(void)
{
}
static int64_t no_spin(void)
{
    return 0;
}
static pid_t child_pid(struct aspace *as)
{
    return child;
}
static ssize_t read_child(struct aspace *as, void *dst, uint64_t addr, size_t len)
{
    struct iovec l = {dst, len}, r = {(void *)addr, len};

    return process_vm_readv(child, &l, 1, &r, 1, 0);
}
static const struct platform fake = {.name = "fake",
                                     .poll = no_events,
                                     .idle_enter = may_sleep,
                                     .idle_leave = woken,
                                     .spin_ns = no_spin,
                                     .aspace_pid = child_pid,
                                     .read_mem = read_child};

/* --- the CLI's side --- */
static int ctl[2];

static void *answer(void *arg)
{
    char path[64];
    struct ctl_msg m;

    while (recv(ctl[0], &m, sizeof(m), 0) == sizeof(m)) {
        union {
            struct cmsghdr align;
            char buf[CMSG_SPACE(sizeof(int))];
        } c = {0};
        struct iovec iov = {&m, sizeof(m)};
        struct msghdr h = {.msg_iov = &iov,
                           .msg_iovlen = 1,
                           .msg_control = c.buf,
                           .msg_controllen = sizeof(c.buf)};
        snprintf(path, sizeof(path), "/proc/%d/pagemap", child);
        int fd = open(path, O_RDONLY);
        c.align = (struct cmsghdr){CMSG_LEN(sizeof(fd)), SOL_SOCKET, SCM_RIGHTS};
        memcpy(CMSG_DATA(&c.align), &fd, sizeof(fd));
        sendmsg(ctl[0], &h, 0);
        close(fd);
    }
    return NULL;
}

/* Which pages hold something: single ones, runs, short and long gaps. */
static bool has_data(uint64_t page)
{
    return page % 7 == 3 || (page > 100 && page < 180) || page == PAGES - 1;
}

/* In the second area: of pages with contents, of some without, and side by side. */
static bool is_guard(uint64_t page)
{
    return page == 310 || page == 311 || page == 313 || (page >= 350 && page < 352);
}

static void fill(uint64_t page, char *to)
{
    for (size_t i = 0; i < NV_PAGE_SIZE; i++)
        to[i] = (char)(has_data(page) ? page + i : 0);
}

static void start_child(void)
{
    int ready[2];
    char c;

    ck_assert_int_eq(pipe(ready), 0);
    child = fork();
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        char *p = mmap((void *)BASE, PAGES * NV_PAGE_SIZE, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
        for (uint64_t i = 0; i < PAGES; i++)
            if (has_data(i) || i % 5 == 0) /* some are there, and zero */
                fill(i, p + i * NV_PAGE_SIZE);
        for (uint64_t i = 0; i < PAGES; i++)
            if (is_guard(i) && madvise(p + i * NV_PAGE_SIZE, NV_PAGE_SIZE, MADV_GUARD_INSTALL_K))
                _exit(1);
        if (write(ready[1], "r", 1) != 1)
            _exit(1);
        pause();
        _exit(0);
    }
    ck_assert_int_eq(read(ready[0], &c, 1), 1);
    close(ready[0]);
    close(ready[1]);
}

static struct mm *make_mm(void)
{
    struct mm *mm = mm_new(NULL);
    struct vma v[] = {
        {.start = AT(0), .end = AT(300), .flags = VM_READ | VM_WRITE},
        {.start = AT(300),
         .end = AT(PAGES),
         .flags = VM_READ | VM_WRITE | VM_WIPEONFORK | VM_GUARDS},
        {.start = AT(1000), .end = AT(1016), .flags = VM_READ, .name = "[thunks]"},
        {.start = AT(2000), .end = AT(2010), .flags = VM_READ | VM_GROWSDOWN, .name = "[stack]"}};

    ck_assert_int_eq(vma_reserve(mm->vmas, 8), 0);
    for (size_t i = 0; i < ARRAY_SIZE(v); i++)
        vma_insert(mm->vmas, &v[i]);
    mm->mmap_base = AT(5000);
    mm->brk_start = mm->brk = AT(10);
    return mm;
}

/* --- the image --- */
static char *record;
static size_t record_len;
static int pages_fd;

static void save(void *arg)
{
    struct ckpt_pages p = {.fd = pages_fd};
    struct ckpt_writer *w = ckpt_writer_new(1000, ckpt_pages_sink, &p);
    const void *data;

    ckpt_save_root(w, &ckpt_mm, make_mm());
    int64_t n = ckpt_writer_finish(w, &data);
    ck_assert_int_gt(n, 0);
    ck_assert_int_eq(ckpt_pages_finish(&p), 0);
    record_len = (size_t)n;
    record = malloc(record_len);
    memcpy(record, data, record_len);
    ckpt_writer_free(w);
    loop_stop();
}

static void make_image(void)
{
    static struct sandbox_spec spec;
    char name[] = "/tmp/nv-pages-XXXXXX";
    pthread_t thread;

    if (record)
        return;
    start_child();
    platform = &fake;
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ctl), 0);
    spec.ctl_sock = ctl[1];
    sandbox = &spec;
    ck_assert_int_eq(pthread_create(&thread, NULL, answer, NULL), 0);
    ck_assert_int_eq(loop_init(), 0);
    ck_assert_int_eq(ctl_init(), 0);
    pages_fd = mkstemp(name);
    ck_assert_ptr_nonnull(fiber_start(save, NULL));
    loop_run();
    ck_assert_int_eq(ckpt_pages_use(pages_fd), -EINVAL); /* it could be written to */
    int fd = open(name, O_RDONLY);
    unlink(name);
    ck_assert_int_eq(ckpt_memory_use(pages_fd), -EINVAL);
    ck_assert_int_eq(ckpt_memory_use(fd), 0);
}

/* A failed restore ends the process: nothing of it is freed. */
/* NOLINTNEXTLINE(bugprone-reserved-identifier): the sanitizer's name */
const char *__asan_default_options(void);
/* NOLINTNEXTLINE(bugprone-reserved-identifier) */
const char *__asan_default_options(void)
{
    return "detect_leaks=0";
}

static struct mm *load(const void *data, size_t len, char *error, size_t size)
{
    struct ckpt_reader *r = ckpt_reader_new(data, len, 0);
    struct mm *mm = ckpt_load_root(r, &ckpt_mm);

    if (error)
        snprintf(error, size, "%s", mm ? "" : ckpt_reader_error(r));
    ckpt_reader_free(r);
    return mm;
}

static void unload(struct mm *mm)
{
    mm->refs++;
    mm_put(mm);
}

START_TEST(saves_own_pages)
{
    static char want[NV_PAGE_SIZE], got[NV_PAGE_SIZE];
    bool seen[PAGES] = {0};
    char error[256];

    make_image();
    struct mm *mm = load(record, record_len, error, sizeof(error));
    ck_assert_msg(mm != NULL, "%s", error);
    ck_assert_int_eq(mm->vmas->n, 3); /* no thunks */
    ck_assert_uint_eq(mm->total_vm, (PAGES + 10) * NV_PAGE_SIZE);
    ck_assert_uint_eq(mm->vmas->v[1].flags, VM_READ | VM_WRITE | VM_WIPEONFORK | VM_GUARDS);
    ck_assert_str_eq(mm->vmas->v[2].name, "[stack]");
    for (uint32_t i = 0; i < mm->image->n; i++) {
        const struct mm_segment *s = &mm->image->seg[i];
        for (uint64_t k = 0; k < s->npages; k++) {
            uint64_t page = (s->start - BASE) / NV_PAGE_SIZE + k;
            ck_assert_uint_lt(page, PAGES);
            fill(page, want);
            if (is_guard(page)) /* what was there has gone */
                memset(want, 0, sizeof(want));
            ck_assert_int_eq(
                pread(mm->image->fd, got, sizeof(got), (off_t)(s->offset + k * NV_PAGE_SIZE)),
                sizeof(got));
            ck_assert_msg(!memcmp(want, got, sizeof(got)), "page %lu", page);
            seen[page] = true;
        }
    }
    for (uint64_t i = 0; i < PAGES; i++)
        ck_assert_msg(seen[i] || !has_data(i) || is_guard(i), "page %lu is missing", i);
    for (uint64_t i = 0; i < PAGES; i++) {
        const struct mm_guard *g = guards_after(&mm->image->guards, AT(i));
        ck_assert_msg((g && g->start <= AT(i)) == is_guard(i), "page %lu", i);
    }
    ck_assert_uint_lt(mm->image->n, 4); /* short gaps are holes of the file */
    unload(mm);
}
END_TEST

static void check_harmless(const struct mm *mm)
{
    uint64_t floor = NV_TASK_MIN;

    for (int i = 0; i < mm->vmas->n; i++) {
        const struct vma *v = &mm->vmas->v[i];
        ck_assert(v->start >= floor && v->end > v->start && v->end <= NV_TASK_SIZE);
        ck_assert(!PAGE_OFF(v->start | v->end));
        floor = v->end;
    }
    for (uint32_t i = 0; i < mm->image->n; i++) {
        const struct mm_segment *s = &mm->image->seg[i];
        struct vma *v = vma_find((struct mm *)(uintptr_t)mm, s->start);
        ck_assert(v && v->start <= s->start);
        ck_assert(s->npages <= (v->end - s->start) / NV_PAGE_SIZE);
        ck_assert(s->offset / NV_PAGE_SIZE + s->npages <= ckpt_memory_count(0));
    }
    for (uint32_t i = 0; i < mm->image->guards.n; i++) {
        const struct mm_guard *g = &mm->image->guards.v[i];
        struct vma *v = vma_find((struct mm *)(uintptr_t)mm, g->start);
        ck_assert(v && v->start <= g->start && guard_end(g) > g->start && guard_end(g) <= v->end);
    }
}

static int described;

/* What it says need not be right, but is inside of the record. */
static void describe(struct ckpt_dump *d, const struct ckpt_type *type, unsigned int version,
                     const void *data, size_t len)
{
    struct mm_description m;

    if (type != &ckpt_mm || mm_describe(data, len, &m))
        return;
    described++;
    for (uint32_t i = 0; i < m.nareas; i++)
        ck_assert_uint_lt(m.areas[i].start, m.areas[i].end);
    for (uint32_t i = 1; i < m.npieces; i++)
        ck_assert_uint_ge(m.pieces[i].start, m.pieces[i - 1].start);
    mm_description_free(&m);
}

START_TEST(is_described)
{
    struct ckpt_dump d = {.rest = describe};

    make_image();
    ck_assert_int_eq(ckpt_dump(record, record_len, &d), 0);
    ck_assert_int_eq(described, 1);
    char *copy = malloc(record_len);
    for (size_t i = 0; i < record_len; i++) {
        memcpy(copy, record, record_len);
        copy[i] = (char)~copy[i];
        ckpt_dump(copy, record_len, &d);
    }
    for (size_t len = 0; len < record_len; len++)
        ckpt_dump(record, len, &d);
    ck_assert_int_gt(described, 100);
    free(copy);
}
END_TEST

START_TEST(wrong_bytes_are_refused)
{
    int refused = 0, taken = 0;

    make_image();
    char *copy = malloc(record_len);
    for (size_t i = 0; i < record_len; i++) {
        static const uint8_t flips[] = {0x01, 0x80, 0xff};
        for (size_t k = 0; k < ARRAY_SIZE(flips); k++) {
            memcpy(copy, record, record_len);
            copy[i] = (char)(copy[i] ^ flips[k]);
            struct mm *mm = load(copy, record_len, NULL, 0);
            if (mm) {
                check_harmless(mm);
                unload(mm);
                taken++;
            } else {
                refused++;
            }
        }
    }
    for (size_t len = 0; len < record_len; len++)
        ck_assert_ptr_null(load(record, len, NULL, 0));
    ck_assert_int_gt(refused, 200);
    ck_assert_int_gt(taken, 0); /* numbers that may be anything */
    free(copy);
}
END_TEST

START_TEST(image_map_against_model)
{
    enum { N = 64 };
    bool model[N] = {0};
    struct mm *mm = mm_new(NULL);

    srandom(5);
    for (int round = 0; round < 4000; round++) {
        int start = (int)(random() % N), end = start + 1 + (int)(random() % (N - start));
        bool set = random() % 3 == 0;
        if (set)
            ck_assert_int_eq(image_map_add(mm, AT(start), AT(end)), 0);
        else
            image_map_cut(mm, AT(start), AT(end));
        memset(model + start, set, (size_t)(end - start));
        for (int i = 0; i < N; i++)
            if (image_map_meets(mm, AT(i), AT(i + 1)) != model[i])
                ck_abort_msg("round %d page %d", round, i);
    }
    image_map_cut(mm, AT(0), AT(N));
    image_map_add(mm, AT(3), AT(5));
    image_map_shift(mm, AT(2), 8 * NV_PAGE_SIZE, AT(32));
    ck_assert(image_map_meets(mm, AT(33), AT(34)) && !image_map_meets(mm, AT(35), AT(36)));
    ck_assert(!image_map_meets(mm, AT(0), AT(33)));
    mm_put(mm);
}
END_TEST

START_TEST(working_set_file)
{
    struct wset_range v[] = {{AT(0), 3, 0, WSET_WRITTEN}, {AT(9), 1, 2, WSET_WRITTEN}};
    struct wset ws = {.v = v, .n = 2}, back = {0};
    char buf[256];
    int fd = memfd_create("wset", 0);

    ck_assert_int_eq(wset_write(&ws, fd), 0);
    ssize_t n = pread(fd, buf, sizeof(buf), 0);
    ck_assert_int_eq(wset_parse(buf, (size_t)n, &back), 0);
    ck_assert_uint_eq(back.n, 2);
    ck_assert_mem_eq(back.v, v, sizeof(v));
    wset_free(&back);
    for (ssize_t i = 0; i < n; i++) {
        buf[i] ^= (char)0x81;
        if (!wset_parse(buf, (size_t)n, &back)) {
            for (uint32_t k = 0; k < back.n; k++)
                ck_assert(back.v[k].start + back.v[k].npages * NV_PAGE_SIZE <= NV_TASK_SIZE);
            wset_free(&back);
        }
        ck_assert_int_eq(wset_parse(buf, (size_t)i, &back), -EINVAL);
        buf[i] ^= (char)0x81;
    }
    close(fd);
}
END_TEST

START_TEST(vector_registers)
{
    size_t size = xstate_size();
    char *area = aligned_alloc(64, ROUND_UP(size, (size_t)64)),
         *back = aligned_alloc(64, ROUND_UP(size, (size_t)64));
    static char packed[XSTATE_PACKED_MAX];
    const char *missing;
    uint64_t used = 7 & xstate_features();

    memset(area, 0, size);
    area[160] = 42;                          /* xmm0 */
    memcpy(area + 512, &used, sizeof(used)); /* XSTATE_BV */
    memset(area + 24, 0xff, 4);              /* MXCSR with reserved bits */
    if (used & 4)
        area[576 + 5] = 17; /* ymm0, the upper half */
    size_t n = xstate_pack(area, packed);
    ck_assert_int_eq(xstate_unpack(packed, n, back, &missing), 0);
    ck_assert_int_eq(back[160], 42);
    ck_assert_int_eq(back[27], 0);
    if (used & 4)
        ck_assert_int_eq(back[576 + 5], 17);
    for (size_t len = 0; len < n; len++)
        ck_assert_int_ne(xstate_unpack(packed, len, back, &missing), 0);
    packed[7] = 0x40; /* component 62: nobody has it */
    ck_assert_int_eq(xstate_unpack(packed, n, back, &missing), -ENOTSUP);
    ck_assert_ptr_nonnull(missing);
    ck_assert_ptr_null(xstate_missing(xstate_features()));
    free(area);
    free(back);
}
END_TEST

UNIT_MAIN("ckpt_mm", NULL, NULL, saves_own_pages, is_described, wrong_bytes_are_refused,
          image_map_against_model, working_set_file, vector_registers)
