/* splice(2), tee(2), sendfile(2): which kinds of files data moves between, with offsets and
 * without, and what refuses it how. Nothing is asserted but that each pair answers as on the host.
 */
#include "kinds.h"
#include <sys/sendfile.h>

static void try(const struct kind *ik, const struct kind *ok, int how)
{
    loff_t ioff = 2, ooff = 3;
    int in = ik->make(0), out = ok->make(1);

    switch (how) {
    case 0:
        result("splice", splice(in, NULL, out, NULL, LEN, SPLICE_F_NONBLOCK), NULL);
        break;
    case 1:
        result("off-in", splice(in, &ioff, out, NULL, LEN, SPLICE_F_NONBLOCK), &ioff);
        break;
    case 2:
        result("off-out", splice(in, NULL, out, &ooff, LEN, SPLICE_F_NONBLOCK), &ooff);
        break;
    case 3:
        result("tee", tee(in, out, LEN, SPLICE_F_NONBLOCK), NULL);
        break;
    case 4:
        result("sendfile", sendfile(out, in, NULL, LEN), NULL);
        break;
    case 5:
        result("at", sendfile(out, in, &ioff, LEN), &ioff);
        break;
    }
    close(in);
    drop(out);
}

int main(void)
{
    signal(SIGPIPE, SIG_IGN);
    tmp_enter();
    for (int i = 0; i < KINDS; i++)
        for (int o = 0; o < KINDS; o++) {
            line[0] = 0;
            for (int how = 0; how < 6; how++)
                try(&kinds[i], &kinds[o], how);
            ok(1, "%s to %s:%s", kinds[i].name, kinds[o].name, line);
        }
    done();
}
