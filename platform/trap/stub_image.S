/* The stub's ELF file, embedded. */
    .section .rodata
    .globl stub_image, stub_image_size
    .balign 16
stub_image:
    .incbin STUB_ELF
1:
    .balign 8
stub_image_size:
    .quad 1b - stub_image
    .section .note.GNU-stack,"",@progbits
