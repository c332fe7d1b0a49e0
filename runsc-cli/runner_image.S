/* The function runner's source, embedded; NUL-terminated. */
    .section .rodata
    .globl runner_source
runner_source:
    .incbin "runsc-cli/runner.js"
    .byte 0
    .section .note.GNU-stack,"",@progbits
