/* fuzz_stun.c: fuzzes what anybody may send to our STUN port: requests that we answer, answers to
 * our own requests.
 *
 * RFC 8489. SPDX-License-Identifier: BSD-2-Clause */
#include <stdlib.h>

#include "ice/stun_server.h"
#include "reload/run/stun_message.h"
#include "tests/fuzz/structure.h"

#define ANSWER_MAX 256

static void
look_at_answer(struct reload_bytes message)
{
    uint8_t transaction[RELOAD_STUN_TRANSACTION_SIZE];
    struct reload_address seen;
    bool is_read = reload_stun_answer(message, transaction, &seen) == 0;
    if (is_read && (!reload_stun_is_answer(message) || seen.port == 0 ||
                    (seen.family != 4 && seen.family != 6)))
        abort();
}

/* What we answer says the asker's address, and is little larger than the smallest request. */
static void
look_at_request(struct reload_bytes message)
{
    uint8_t answer[ANSWER_MAX], transaction[RELOAD_STUN_TRANSACTION_SIZE];
    struct reload_address from = {.family = 4, .octets = {192, 0, 2, 1}, .port = 6084}, seen;
    bool other_port;
    size_t size = reload_stun_server_answer(&from, message, answer, sizeof answer, &other_port);
    if (size > sizeof answer)
        abort();
    if (size == 0)
        return;
    struct reload_bytes answered = {answer, size};
    if (!reload_stun_is_answer(answered) || reload_stun_is_answer(message))
        abort();
    if (reload_stun_answer(answered, transaction, &seen) == 0 &&
        (seen.port != from.port || memcmp(seen.octets, from.octets, sizeof seen.octets) != 0))
        abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    look_at_answer((struct reload_bytes){data, size});
    look_at_request((struct reload_bytes){data, size});
    return 0;
}
