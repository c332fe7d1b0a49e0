/* What is typed at a terminal and written to it, under any settings: the line discipline's buffers
 * hold. */
#include "sentry/fs/tty/tty.h"
#include "tests/fuzz/fuzz.h"

static void check(const struct tty *t)
{
    REQUIRE(t->done <= t->len && t->len <= TTY_BUF);
    REQUIRE(t->out_len <= TTY_BUF);
    REQUIRE(tty_input_ready(t) <= TTY_BUF);
    REQUIRE(!t->ntyped || t->typed);
}

static void change_settings(struct tty *t, struct input *in)
{
    bool canonical = TTY_FLAG(t, c_lflag, ICANON);

    t->termios.c_iflag = take_u32(in);
    t->termios.c_oflag = take_u32(in);
    t->termios.c_lflag = take_u32(in);
    take(in, t->termios.c_cc, take_u8(in) % (NCCS + 1));
    if (canonical != !!TTY_FLAG(t, c_lflag, ICANON))
        tty_input_mode_changed(t);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input in = {data, size};
    struct tty *t = tty_alloc();
    unsigned char buf[300];

    REQUIRE(t);
    t->host_fd = -1;
    t->index = 0;
    t->masters = t->slaves = 1;
    while (in.left) {
        size_t n = take_u8(&in);
        switch (take_u8(&in) % 8) {
        case 0:
            change_settings(t, &in);
            break;
        case 1:
            tty_flush_input(t);
            break;
        case 2:
            tty_flush_output(t);
            break;
        case 3:
            tty_stop(t, n & 1, n & 2);
            break;
        case 4:
            n = take(&in, buf, n);
            for (size_t i = 0; i < n && !tty_write_byte(t, buf[i]); i++)
                ;
            break;
        case 5:
            t->packet = n & 1;
            tty_packet_event(t, (unsigned char)n, take_u8(&in));
            break;
        case 6: /* a reader takes the output */
            t->out_len = 0;
            tty_input_continue(t);
            break;
        default:
            n = take(&in, buf, n);
            REQUIRE(tty_type(t, buf, n) <= 0);
        }
        check(t);
    }
    tty_flush_input(t);
    check(t);
    tty_put(t);
    return 0;
}
