/* _exit(2): the value status & 0xFF is what the parent sees. */
#include "child.h"

int main(void)
{
    static const int codes[][2] = {{0, 0},   {1, 1},    {127, 127},    {255, 255},
                                   {256, 0}, {-1, 255}, {0x1234, 0x34}};

    for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
        int status;
        pid_t pid = fork();
        if (pid == 0)
            _exit(codes[i][0]);
        ok(waitpid(pid, &status, 0) == pid, "exit(%d): reaped", codes[i][0]);
        ok(status == codes[i][1] << 8, "exit(%d): status word", codes[i][0]);
    }
    done();
}
