/* Entry points and guarded code of the stub. */
#include "platform/trap/layout.h"

/* What the sentry must know of addresses: struct stub_table. */
    .section .table, "a"
    .quad stub_fast_entry

    .text
    .globl stub_start
stub_start:
    mov %rsp, %rdi
    call stub_main
    hlt

#define FLAG_AC 0x40000

/*
 * Host signals arrive here. The kernel leaves the guest's alignment check on, under which our own
 * accesses would fault again and again.
 */
    .globl stub_signal
stub_signal:
    pushfq
    andl $~FLAG_AC, (%rsp)
    popfq
    jmp stub_handler

/* void stub_on_stack(void *sp, void (*fn)(void *), void *arg): never returns. */
    .globl stub_on_stack
stub_on_stack:
    mov %rdi, %rsp
    mov %rdx, %rdi
    xor %ebp, %ebp
    call *%rsi
    hlt

/* The restorer: runs when a nested handler returns. */
    .globl stub_restorer
stub_restorer:
    mov $15, %eax
    syscall
    hlt

/*
 * void stub_resume(ucontext, uint32_t *interrupted): loads the frame, or returns when an interrupt
 * arrived. An interrupt between the test and sigreturn is sent to stub_resume_abort by the handler.
 */
    .globl stub_resume, stub_resume_begin, stub_resume_end, stub_resume_abort
stub_resume:
    mov %rsp, %r11
stub_resume_begin:
    cmpl $0, (%rsi)
    jne stub_resume_abort
    mov %rdi, %rsp
    mov $15, %eax
    syscall
stub_resume_end:
    hlt
stub_resume_abort:
    mov %r11, %rsp
    ret

/*
 * long stub_futex(uaddr, op, val, timeout, uaddr2, val3, uint32_t *interrupted): -EINTR when
 * interrupted, also when that happened just before the call.
 */
    .globl stub_futex, stub_futex_begin, stub_futex_end, stub_futex_abort
stub_futex:
    mov %rcx, %r10
    mov 8(%rsp), %rcx
    mov $202, %eax
stub_futex_begin:
    cmpl $0, (%rcx)
    jne stub_futex_abort
    syscall
stub_futex_end:
    ret
stub_futex_abort:
    mov $-4, %rax
    ret

/* uint64_t stub_copy(dst, src, n): bytes NOT copied; faults end it early. */
    .globl stub_copy, stub_copy_begin, stub_copy_end, stub_copy_fault
stub_copy:
    mov %rdx, %rcx
stub_copy_begin:
    rep movsb
stub_copy_end:
stub_copy_fault:
    mov %rcx, %rax
    ret

/* int64_t stub_copy8(dst, src): eight bytes; not 0 at a fault. */
    .globl stub_copy8, stub_copy8_begin, stub_copy8_end, stub_copy8_fault
stub_copy8:
    xor %eax, %eax
stub_copy8_begin:
    mov (%rsi), %rcx
    mov %rcx, (%rdi)
stub_copy8_end:
    ret
stub_copy8_fault:
    or $-1, %rax
    ret

/* uint64_t stub_zero(dst, n): bytes NOT zeroed. */
    .globl stub_zero, stub_zero_begin, stub_zero_end, stub_zero_fault
stub_zero:
    mov %rsi, %rcx
    xor %eax, %eax
stub_zero_begin:
    rep stosb
stub_zero_end:
stub_zero_fault:
    mov %rcx, %rax
    ret

/*
 * int64_t stub_strcopy(dst, src, n): length with NUL, or the bytes copied without one, negative, at
 * a fault or the limit.
 */
    .globl stub_strcopy, stub_strcopy_begin, stub_strcopy_end, stub_strcopy_fault
stub_strcopy:
    xor %eax, %eax
1:  cmp %rdx, %rax
    jae stub_strcopy_fault
stub_strcopy_begin:
    movzbl (%rsi,%rax), %ecx
stub_strcopy_end:
    mov %cl, (%rdi,%rax)
    inc %rax
    test %cl, %cl
    jnz 1b
    ret
stub_strcopy_fault:
    neg %rax
    ret

/*
 * Thunks come here instead of making a system call: rcx holds the address after the call in guest
 * code, r11 where the thunk goes on. The registers are laid down as the kernel would in a signal
 * frame; vector registers stay where they are, since nothing here touches them.
 */
    .globl stub_fast_entry, stub_fast_begin, stub_fast_end, stub_fast_abort
stub_fast_entry:
    mov %rsp, %gs:FAST_SP
    mov %r11, %gs:FAST_CONT
    mov %gs:FAST_TOP, %rsp
    pushfq
    push %rcx
    push %gs:FAST_SP
    push %rcx
    push %rax
    push %rdx
    push %rbx
    push %rbp
    push %rsi
    push %rdi
    push %r15
    push %r14
    push %r13
    push %r12
    push %r11
    push %r10
    push %r9
    push %r8
    cld
    xor %ebp, %ebp
    lea -40(%rsp), %rdi
    testl $FLAG_AC, 136(%rsp)
    jnz 2f
4:
    sub $56, %rsp
    and $-16, %rsp
    call stub_fast_syscall
    mov %gs:FAST_TOP, %r11
stub_fast_begin:
    cmpl $0, %gs:FAST_INTERRUPTED
    jne stub_fast_abort
    testl $FLAG_AC, -8(%r11)
    jnz 3f
1:
    mov -144(%r11), %r8
    mov -136(%r11), %r9
    mov -128(%r11), %r10
    mov -80(%r11), %rdi
    mov -72(%r11), %rsi
    mov -64(%r11), %rbp
    /* As the kernel leaves them: rcx the address behind the call, r11 the flags, which are kept. */
    mov %r11, %rcx
    mov %rax, %rdx
    mov -8(%rcx), %eax
    xchg %al, %ah
    and $8, %al
    add $0x78, %al /* the overflow flag, from bit 11 */
    sahf           /* the others of arithmetic */
    mov %rdx, %rax
    mov -48(%rcx), %rdx
    mov -120(%rcx), %r11
    mov -32(%rcx), %rcx
    mov %gs:FAST_SP, %rsp
    jmp *%gs:FAST_CONT
3:  push -8(%r11)
    popfq
    jmp 1b
stub_fast_end:
stub_fast_abort:
    mov %gs:FAST_TOP, %rsp
    sub $256, %rsp
    and $-16, %rsp
    call stub_fast_interrupted
    hlt
2:  pushfq
    andl $~FLAG_AC, (%rsp)
    popfq
    jmp 4b

/*
 * void stub_leave(sigcontext): all registers, then guest code. An interrupt from the test on finds
 * the frame still whole and is told at stub_fast_abort.
 */
    .globl stub_leave, stub_leave_begin, stub_leave_end
stub_leave:
    mov 120(%rdi), %rax
    mov %rax, %gs:FAST_SP
    mov 128(%rdi), %rax
    mov %rax, %gs:FAST_CONT
stub_leave_begin:
    cmpl $0, %gs:FAST_INTERRUPTED
    jne stub_fast_abort
    push 136(%rdi)
    popfq
    mov 0(%rdi), %r8
    mov 8(%rdi), %r9
    mov 16(%rdi), %r10
    mov 24(%rdi), %r11
    mov 32(%rdi), %r12
    mov 40(%rdi), %r13
    mov 48(%rdi), %r14
    mov 56(%rdi), %r15
    mov 72(%rdi), %rsi
    mov 80(%rdi), %rbp
    mov 88(%rdi), %rbx
    mov 96(%rdi), %rdx
    mov 104(%rdi), %rax
    mov 112(%rdi), %rcx
    mov 64(%rdi), %rdi
    mov %gs:FAST_SP, %rsp
    jmp *%gs:FAST_CONT
stub_leave_end:

/* void stub_xrstor(const void *area, uint64_t features) */
    .globl stub_xrstor
stub_xrstor:
    mov %rsi, %rax
    mov %rsi, %rdx
    shr $32, %rdx
    xrstor64 (%rdi)
    ret

/* void stub_xsave(void *area, uint64_t features) */
    .globl stub_xsave
stub_xsave:
    mov %rsi, %rax
    mov %rsi, %rdx
    shr $32, %rdx
    xsave64 (%rdi)
    ret

    .section .note.GNU-stack,"",@progbits
