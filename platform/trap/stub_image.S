/* The stub's ELF file, embedded. */
    .section .rodata
    .globl stub_image, stub_image_end
    .balign 16
stub_image:
    .incbin STUB_ELF
stub_image_end:
    .section .note.GNU-stack,"",@progbits
