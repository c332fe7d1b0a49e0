/* What runs functions in Node, embedded: the runner's source, NUL-terminated, and its module. */
    .section .rodata
    .globl runner_source, reseed_module, reseed_module_size
runner_source:
    .incbin "runsc-cli/node/runner.js"
    .byte 0
reseed_module:
    .incbin RESEED_MODULE
reseed_module_end:
    .balign 8
reseed_module_size:
    .quad reseed_module_end - reseed_module
    .section .note.GNU-stack,"",@progbits
