/*
 * The guest's vDSO. Each function stands at an offset of its own, which vdso.ld fixes for good:
 * programs in images have their addresses.
 */
#include <asm/unistd.h>

#include "platform/vdso/vdso.h"

#define PARAMS ((const volatile struct vdso_params *)VDSO_PARAMS)
#define AT_OFFSET(name) __attribute__((visibility("default"), section(".text." #name), used))

struct ts {
    int64_t sec, nsec;
};

static inline long call(long nr, long a, long b, long c)
{
    long ret;

    __asm__ volatile("syscall"
                     : "=a"(ret)
                     : "a"(nr), "D"(a), "S"(b), "d"(c)
                     : "rcx", "r11", "memory");
    return ret;
}

int __vdso_clock_gettime(uint32_t clock, struct ts *ts);
int __vdso_gettimeofday(void *tv, void *tz);
int64_t __vdso_time(int64_t *t);
long __vdso_getcpu(unsigned int *cpu, unsigned int *node, void *unused);
int __vdso_clock_getres(uint32_t clock, struct ts *res);

/* Not inlined: most calls need no frame. */
__attribute__((noinline, section(".text.offset"))) static int
add_offset(int (*fn)(uint32_t, struct ts *), uint32_t clock, struct ts *ts)
{
    const volatile struct vdso_params *p = PARAMS;
    int err = fn(clock, ts);

    if (err)
        return err;
    int64_t s = ts->sec + p->offset_s, ns = ts->nsec + (int64_t)p->offset_ns;
    if (ns >= 1000000000) {
        ns -= 1000000000;
        s++;
    }
    ts->sec = s;
    ts->nsec = ns;
    return 0;
}

AT_OFFSET(clock_gettime) int __vdso_clock_gettime(uint32_t clock, struct ts *ts)
{
    const volatile struct vdso_params *p = PARAMS;
    int (*fn)(uint32_t, struct ts *) = (void *)p->clock_gettime;

    if (__builtin_expect(!fn, 0))
        return (int)call(__NR_clock_gettime, clock, (long)ts, 0);
    if (!(p->offset_s | (int64_t)p->offset_ns) || !vdso_is_monotonic(clock))
        return fn(clock, ts);
    return add_offset(fn, clock, ts);
}

AT_OFFSET(gettimeofday) int __vdso_gettimeofday(void *tv, void *tz)
{
    int (*fn)(void *, void *) = (void *)PARAMS->gettimeofday;

    return fn ? fn(tv, tz) : (int)call(__NR_gettimeofday, (long)tv, (long)tz, 0);
}

AT_OFFSET(time) int64_t __vdso_time(int64_t *t)
{
    int64_t (*fn)(int64_t *) = (void *)PARAMS->time;

    return fn ? fn(t) : call(__NR_time, (long)t, 0, 0);
}

AT_OFFSET(getcpu) long __vdso_getcpu(unsigned int *cpu, unsigned int *node, void *unused)
{
    long (*fn)(unsigned int *, unsigned int *, void *) = (void *)PARAMS->getcpu;

    return fn ? fn(cpu, node, unused) : call(__NR_getcpu, (long)cpu, (long)node, 0);
}

AT_OFFSET(clock_getres) int __vdso_clock_getres(uint32_t clock, struct ts *res)
{
    int (*fn)(uint32_t, struct ts *) = (void *)PARAMS->clock_getres;

    return fn ? fn(clock, res) : (int)call(__NR_clock_getres, clock, (long)res, 0);
}

#define ALIAS(name)                                                                                \
    /* NOLINTNEXTLINE(bugprone-macro-parentheses): a name */                                       \
    extern __typeof__(__vdso_##name) name                                                          \
        __attribute__((weak, alias("__vdso_" #name), visibility("default")))
ALIAS(clock_gettime);
ALIAS(gettimeofday);
ALIAS(time);
ALIAS(getcpu);
ALIAS(clock_getres);
