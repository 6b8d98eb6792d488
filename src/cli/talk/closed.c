/* A standard stream that is closed when we come shall fail when it is used, as it does for cat. Rust's start opens /dev/null for
   reading and writing in its place, so that what is written there is lost without a word; this runs before it, and opens
   /dev/null the wrong way round. */

#include <fcntl.h>

__attribute__((constructor)) static void closed_streams_fail(void) {
    for (int stream = 0; stream <= 2; stream++) {
        if (fcntl(stream, F_GETFD) < 0) {
            open("/dev/null", stream == 0 ? O_WRONLY : O_RDONLY); /* takes the lowest number that is free: this one */
        }
    }
}
