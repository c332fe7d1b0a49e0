/* Asks for its own checkpoint and says how it came back, and how long that seemed to take. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

int main(void)
{
    struct timespec a, b;
    static char heap[1 << 20];
    char text[64];

    memset(heap, 7, sizeof(heap));
    setvbuf(stdout, NULL, _IONBF, 0);
    int fd = open("/proc/nv/checkpoint", O_RDWR);
    clock_gettime(CLOCK_MONOTONIC, &a);
    if (fd < 0 || write(fd, "1", 1) != 1) {
        perror("checkpoint");
        return 1;
    }
    ssize_t n = read(fd, text, sizeof(text) - 1);
    text[n > 0 ? n : 0] = 0;
    clock_gettime(CLOCK_MONOTONIC, &b);
    double gap = (double)(b.tv_sec - a.tv_sec) + (double)(b.tv_nsec - a.tv_nsec) / 1e9;
    printf("%.*s heap %d, %s\n", (int)strcspn(text, "\n"), text, heap[4711],
           gap < 2 ? "soon" : "late");
    return 0;
}
