/* The guest's vDSO, embedded. */
    .section .rodata
    .globl vdso_image, vdso_image_size
    .balign 16
vdso_image:
    .incbin VDSO_ELF
1:
    .balign 8
vdso_image_size:
    .quad 1b - vdso_image
    .section .note.GNU-stack,"",@progbits
