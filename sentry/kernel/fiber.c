/*
 * Fibers; see fiber.h. The loop and the fibers switch by swapping stack pointers; callee-saved
 * registers live on the stack of whoever is not running. Stacks have a guard page below.
 */
#include "sentry/kernel/fiber.h"

#include <stdlib.h>
#include <sys/mman.h>

#include "base/leaks.h"
#include "base/list.h"
#include "base/log.h"
#include "base/sanitize.h"

#if NV_ASAN
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#define FIBER_STACK_SIZE (512 * 1024UL)
#else
#define FIBER_STACK_SIZE (128 * 1024UL)
#endif
#define FIBER_GUARD NV_PAGE_SIZE
#define FIBER_STACK_CACHE 64

struct fiber {
    struct list node; /* in ready */
    void *sp;
    char *stack; /* lowest usable byte */
    void (*fn)(void *arg);
    void *arg;
    bool queued, done, wake_pending;
#if NV_ASAN
    void *fake_stack;
    struct list of_all;
#endif
};

static struct list ready = LIST_INIT(ready);
static struct fiber *current;
static void *loop_sp;
static char *stack_cache[FIBER_STACK_CACHE];
static int stack_cached;
#if NV_ASAN
static void *loop_fake_stack;
static const void *loop_stack_bottom;
static size_t loop_stack_size;
static struct list all = LIST_INIT(all);

/* Parked fibers hold what they work on by their stacks alone. Unused stacks hold nothing. */
static void each_stack(leaks_root_fn fn)
{
    struct fiber *f;

    list_for_each(f, &all, of_all)
        fn(f->sp, f->stack + FIBER_STACK_SIZE);
}
#endif

void fiber_switch(void **save_sp, void *to_sp);
__asm__(".text\n"
        ".globl fiber_switch\n"
        ".hidden fiber_switch\n"
        ".type fiber_switch,@function\n"
        "fiber_switch:\n"
        "    push %rbp\n    push %rbx\n    push %r12\n    push %r13\n    push %r14\n    push %r15\n"
        "    mov %rsp, (%rdi)\n"
        "    mov %rsi, %rsp\n"
        "    pop %r15\n    pop %r14\n    pop %r13\n    pop %r12\n    pop %rbx\n    pop %rbp\n"
        "    ret\n"
        ".size fiber_switch,.-fiber_switch\n");

static void switch_to_loop(struct fiber *f, bool dying)
{
#if NV_ASAN
    __sanitizer_start_switch_fiber(dying ? NULL : &f->fake_stack, loop_stack_bottom,
                                   loop_stack_size);
#else
    (void)dying;
#endif
    current = NULL;
    fiber_switch(&f->sp, loop_sp);
#if NV_ASAN
    __sanitizer_finish_switch_fiber(f->fake_stack, &loop_stack_bottom, &loop_stack_size);
#endif
}

static __attribute__((noreturn)) void fiber_entry(void)
{
    struct fiber *f = current;

#if NV_ASAN
    __sanitizer_finish_switch_fiber(NULL, &loop_stack_bottom, &loop_stack_size);
#endif
    f->fn(f->arg);
    fiber_exit();
}

void fiber_exit(void)
{
    struct fiber *f = current;

    f->done = true;
    switch_to_loop(f, true);
    abort(); /* the loop frees a done fiber and never returns to it */
}

void *fiber_arg(void)
{
    return current->arg;
}

static void switch_to_fiber(struct fiber *f)
{
    current = f;
#if NV_ASAN
    __sanitizer_start_switch_fiber(&loop_fake_stack, f->stack, FIBER_STACK_SIZE);
#endif
    fiber_switch(&loop_sp, f->sp);
#if NV_ASAN
    __sanitizer_finish_switch_fiber(loop_fake_stack, NULL, NULL);
#endif
}

static char *stack_alloc(void)
{
    if (stack_cached > 0)
        return stack_cache[--stack_cached];
    char *p = mmap(NULL, FIBER_STACK_SIZE + FIBER_GUARD, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (p == MAP_FAILED)
        return NULL;
    if (mprotect(p, FIBER_GUARD, PROT_NONE)) {
        munmap(p, FIBER_STACK_SIZE + FIBER_GUARD);
        return NULL;
    }
    return p + FIBER_GUARD;
}

static void stack_release(char *stack)
{
#if NV_ASAN
    __asan_unpoison_memory_region(stack, FIBER_STACK_SIZE);
#endif
    if (stack_cached < FIBER_STACK_CACHE) {
        stack_cache[stack_cached++] = stack;
        return;
    }
    munmap(stack - FIBER_GUARD, FIBER_STACK_SIZE + FIBER_GUARD);
}

struct fiber *fiber_start(void (*fn)(void *arg), void *arg)
{
    struct fiber *f = calloc(1, sizeof(*f));

    if (!f)
        return NULL;
    f->stack = stack_alloc();
    if (!f->stack) {
        free(f);
        return NULL;
    }
    f->fn = fn;
    f->arg = arg;
    /* Six callee-saved registers, then fiber_entry's "return address" at a call-aligned depth. */
    void **sp = (void **)(f->stack + FIBER_STACK_SIZE) - 8;
    for (int i = 0; i < 6; i++)
        sp[i] = NULL;
    sp[6] = (void *)fiber_entry;
    sp[7] = NULL;
    f->sp = sp;
    f->queued = true;
    list_add_tail(&ready, &f->node);
#if NV_ASAN
    list_add_tail(&all, &f->of_all);
    leaks_roots(each_stack);
#endif
    return f;
}

struct fiber *fiber_current(void)
{
    return current;
}

void fiber_park(void)
{
    struct fiber *f = current;

    if (f->wake_pending) {
        f->wake_pending = false;
        return;
    }
    switch_to_loop(f, false);
}

void fiber_wake(struct fiber *f)
{
    if (f->queued)
        return;
    if (f == current) {
        f->wake_pending = true;
        return;
    }
    f->queued = true;
    list_add_tail(&ready, &f->node);
}

void fiber_yield(void)
{
    struct fiber *f = current;

    f->wake_pending = false;
    f->queued = true;
    list_add_tail(&ready, &f->node);
    switch_to_loop(f, false);
}

bool fiber_any_ready(void)
{
    return !list_empty(&ready);
}

bool fiber_run_ready(int budget)
{
    bool ran = false;

    while (!list_empty(&ready) && budget-- > 0) {
        struct fiber *f = list_first(&ready, struct fiber, node);
        list_del(&f->node);
        f->queued = false;
        ran = true;
        switch_to_fiber(f);
        if (f->done) {
#if NV_ASAN
            list_del(&f->of_all);
#endif
            stack_release(f->stack);
            free(f);
        }
    }
    return ran;
}
