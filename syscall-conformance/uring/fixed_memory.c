/* io_uring_register(2): IORING_REGISTER_BUFFERS. Memory that is registered is checked then, and
 * again for each entry: READ_FIXED and WRITE_FIXED stay within one buffer. The file is like any
 * other: what ftruncate(2) has taken from it is not read. */
#include "abi.h"

#define N 32
#define LEN 8192
static char *mem;
static int fd;

static int fixed(int op, const char *at, unsigned len, uint64_t off, unsigned buffer)
{
    sqe_get(op, fd, at, len, off, 1)->buf_index = (__u16)buffer;
    return ring_result();
}

#define READ(at, len, off, buffer) fixed(IORING_OP_READ_FIXED, at, len, off, buffer)
#define WRITE(at, len, off, buffer) fixed(IORING_OP_WRITE_FIXED, at, len, off, buffer)

static long registering(const void *base, size_t len)
{
    struct iovec v[2] = {{mem, LEN}, {(void *)(uintptr_t)base, len}};

    return ring_register(IORING_REGISTER_BUFFERS, v, 2);
}

static void wrong(void)
{
    char *gone = mmap(NULL, LEN, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    is_errno(registering(gone, LEN), EFAULT); /* it could not be read to */
    must(munmap(gone, LEN));
    is_errno(registering(gone, LEN), EFAULT);
    is_errno(registering(NULL, 1), EFAULT);
    is_errno(registering(mem, 0), EFAULT);
    is_errno(registering(mem, (1UL << 30) + 1), EFAULT);
    is_errno(registering(mem, SIZE_MAX), EINVAL);
    is_errno(ring_register(IORING_REGISTER_BUFFERS, NULL, 1), EFAULT);
    is_errno(ring_register(IORING_REGISTER_BUFFERS, BAD_PTR, 1), EFAULT);
    is_errno(ring_register(IORING_REGISTER_BUFFERS, mem, 0), EINVAL);
    is_errno(ring_register(IORING_UNREGISTER_BUFFERS, NULL, 0), ENXIO);
}

static void bounds(void)
{
    is_eq(registering(NULL, 0), 0); /* a place that is free */
    is_eq(WRITE(mem, 4, 0, 1), -EFAULT);
    is_eq(WRITE(mem, 4, 0, 2), -EFAULT);
    is_eq(WRITE(mem - 1, 4, 0, 0), -EFAULT);
    is_eq(WRITE(mem + LEN - 3, 4, 0, 0), -EFAULT);
    is_eq(WRITE(mem + LEN, 0, 0, 0), 0);
    is_eq(WRITE(NULL, 4, 0, 0), -EFAULT);
    memset(mem + LEN - 4, 'w', 4);
    is_eq(WRITE(mem + LEN - 4, 4, 2, 0), 4);
    ok(content_is("f", "01wwww6789"), "from its last bytes");
}

static void truncated(void)
{
    must(ftruncate(fd, 5));
    memset(mem, '-', LEN);
    is_eq(READ(mem, 100, 0, 0), 5);
    ok(!memcmp(mem, "01www-", 6), "what is left of the file");
    is_eq(READ(mem, 100, 5, 0), 0);
    is_eq(WRITE(mem + 5, 2, 7, 0), 2);
    is_eq(READ(mem, 100, 0, 0), 9);
    ok(!memcmp(mem, "01www\0\0--", 9), "and the hole behind it");
}

/* Memory that is gone can be told to be so; what is there in its place is new. */
static void unmapped(void)
{
    char *again = mmap(NULL, LEN, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    is_eq(ring_register(IORING_UNREGISTER_BUFFERS, NULL, 0), 0);
    is_eq(registering(again, LEN), 0);
    must(munmap(again, LEN));
    is_eq(ring_register(IORING_UNREGISTER_BUFFERS, NULL, 0), 0);
    is_errno(registering(again, LEN), EFAULT);
    char *anew =
        mmap(again, LEN, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    is_eq(registering(anew, LEN), 0);
    is_eq(READ(anew, 3, 0, 1), 3);
    ok(!memcmp(anew, "01w", 3), "memory that was mapped anew");
}

int main(void)
{
    tmp_enter();
    fd = file_with("f", "0123456789");
    mem = mmap(NULL, LEN, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    ring_make(4, N);
    wrong();
    bounds();
    truncated();
    unmapped();
    done();
}
