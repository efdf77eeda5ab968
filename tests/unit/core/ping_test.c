/* ping_test.c: MessageExtensions on Ping, and what answers them. RFC 6940 6.3.3, 6.5.3.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "reload/core/message.h"
#include "tests/unit/core/world.h"

#include "tests/suite.h"

#define OURS 0xf001
#define FOREIGN 0xf0ff

/* What the answering usage was asked, and how it answers. */
struct echo {
    unsigned asked;
    struct reload_node_id signer;
    size_t content_size;
    size_t answer_size; /* octets of 'x' */
    int error;
};

static struct world *world;
static struct world_host *a, *b;
static struct echo echo;

static struct reload_result result;
static unsigned results;
static size_t extension_size;
static bool has_extension;
static uint8_t last_octet;

struct echo_state {
    struct echo *echo;
};

static int
echo_init(void *state, struct reload_node *node, void *argument, reload_time now)
{
    (void)node, (void)now;
    ((struct echo_state *)state)->echo = argument;
    return 0;
}

static int
echo_ping(void *state, const struct reload_identity *signer, const struct reload_node_id *signer_id,
          struct reload_bytes content, struct reload_writer *answer, reload_time now)
{
    struct echo *e = ((struct echo_state *)state)->echo;
    (void)now;
    ck_assert_ptr_nonnull(signer);
    e->asked++;
    e->signer = *signer_id;
    e->content_size = content.size;
    for (size_t i = 0; i < e->answer_size; i++)
        reload_writer_u8(answer, 'x');
    return e->error;
}

static const struct reload_usage_ops echo_usage = {.name = "echo",
                                                   .size = sizeof(struct echo_state),
                                                   .init = echo_init,
                                                   .ping_extension = OURS,
                                                   .ping = echo_ping};

static void
done(void *argument, const struct reload_result *told, reload_time now)
{
    (void)argument, (void)now;
    struct reload_bytes content = {0};
    results++;
    result = *told;
    has_extension = !told->error && reload_message_extension(told->message, OURS, &content);
    extension_size = content.size;
    last_octet = content.size ? content.data[content.size - 1] : 0;
}

/* |b| has joined through |a|, which answers our extension. */
static void
begin(void)
{
    world = world_new(&world_single);
    world->framing = RELOAD_FRAMING_NONE;
    a = world_add(world, 1);
    b = world_add(world, 1);
    echo = (struct echo){0};
    struct reload_node_options options = {
        .usages = {&echo_usage}, .usage_arguments = {&echo}, .usage_count = 1};
    options.topology = &world_single;
    options.first_node = true;
    ck_assert_int_eq(world_boot_with(a, &options), 0);
    ck_assert_int_eq(world_boot(b, &world_single), 0);
    struct reload_candidate candidate = world_candidate(a);
    ck_assert_int_eq(reload_node_start(a->node, NULL, 0, world->now), 0);
    ck_assert_int_eq(reload_node_start(b->node, &candidate, 1, world->now), 0);
    world_turn(a);
    world_turn(b);
    world_advance(world, world->now + RELOAD_SECOND);
    ck_assert_uint_ne(reload_node_link_to(b->node, &a->id), 0);
    results = 0;
}

static void
ping(struct world_host *from, struct world_host *to, uint16_t extension,
     struct reload_bytes content)
{
    struct reload_route route = reload_route_to_node(&to->id);
    results = 0;
    ck_assert_int_eq(
        reload_node_ping(from->node, &route, extension, content, done, NULL, world->now), 0);
    world_turn(from);
    world_advance(world, world->now + RELOAD_SECOND);
    ck_assert_uint_eq(results, 1);
}

START_TEST(an_extension_is_answered)
{
    begin();
    echo.answer_size = 3;
    ping(b, a, OURS, reload_bytes_of_string("who am I"));
    ck_assert_int_eq(result.error, 0);
    ck_assert_uint_eq(echo.asked, 1);
    ck_assert_uint_eq(echo.content_size, 8);
    ck_assert(reload_node_id_equal(&echo.signer, &b->id));
    ck_assert(has_extension);
    ck_assert_uint_eq(extension_size, 3);
    world_free(world);
}
END_TEST

/* RFC6940-6.3.3-02: what is not critical and not understood does not matter. */
START_TEST(others_are_not)
{
    begin();
    ping(b, a, 0, (struct reload_bytes){0});
    ck_assert_int_eq(result.error, 0);
    ck_assert(!has_extension);
    ping(b, a, FOREIGN, reload_bytes_of_string("x"));
    ck_assert_int_eq(result.error, 0);
    ck_assert(!has_extension);
    ck_assert_uint_eq(echo.asked, 0);
    ping(a, b, OURS, reload_bytes_of_string("x")); /* b has no such usage */
    ck_assert_int_eq(result.error, 0);
    ck_assert(!has_extension);
    world_free(world);
}
END_TEST

START_TEST(a_refused_extension_leaves_a_ping)
{
    begin();
    echo.error = RELOAD_E_FORBIDDEN;
    echo.answer_size = 3;
    ping(b, a, OURS, (struct reload_bytes){0});
    ck_assert_uint_eq(echo.asked, 1);
    ck_assert_int_eq(result.error, 0);
    ck_assert(!has_extension);
    world_free(world);
}
END_TEST

/* What does not fit is left out; what fits the buffers but no message is refused as such. */
START_TEST(answers_are_limited)
{
    begin();
    size_t max = world->config->max_message_size;
    echo.answer_size = max - 2000;
    ping(b, a, OURS, (struct reload_bytes){0});
    ck_assert_int_eq(result.error, 0);
    ck_assert_uint_eq(extension_size, max - 2000);
    ck_assert_uint_eq(last_octet, 'x');
    echo.answer_size = max - 20;
    ping(b, a, OURS, (struct reload_bytes){0});
    ck_assert_int_eq(result.error, RELOAD_E_REFUSED);
    ck_assert_uint_eq(result.error_code, RELOAD_ERROR_RESPONSE_TOO_LARGE);
    echo.answer_size = max + 1;
    ping(b, a, OURS, (struct reload_bytes){0});
    ck_assert_int_eq(result.error, 0);
    ck_assert(!has_extension);
    world_free(world);
}
END_TEST

START_TEST(too_large_a_question)
{
    begin();
    static uint8_t content[1 << 20];
    struct reload_route route = reload_route_to_node(&a->id);
    struct reload_bytes bytes = {content, world->config->max_message_size};
    ck_assert_int_eq(reload_node_ping(b->node, &route, OURS, bytes, done, NULL, world->now),
                     RELOAD_E_TOO_LARGE);
    bytes.size = sizeof content;
    ck_assert_int_eq(reload_node_ping(b->node, &route, OURS, bytes, done, NULL, world->now),
                     RELOAD_E_TOO_LARGE);
    ck_assert_uint_eq(results, 0);
    world_free(world);
}
END_TEST

/* Sends a Ping with the extensions |types|, all critical. */
static void
ping_critically(const uint16_t *types, size_t count)
{
    uint8_t data[256];
    const uint8_t body[2] = {0};
    struct reload_writer writer = reload_writer_of(data, sizeof data);
    for (size_t i = 0; i < count; i++) {
        struct reload_message_extension extension = {.type = types[i], .critical = true};
        reload_message_extension_encode(&writer, &b->node->wire, &extension);
    }
    struct reload_request request = {.code = RELOAD_MESSAGE_PING_REQ,
                                     .body = {body, 2},
                                     .extensions = reload_writer_written(&writer)};
    struct reload_route route = reload_route_to_node(&a->id);
    results = 0;
    ck_assert_int_eq(
        reload_transaction_start(b->node, &route, &request, done, NULL, world->now, NULL), 0);
    world_turn(b);
    world_advance(world, world->now + RELOAD_SECOND);
    ck_assert_uint_eq(results, 1);
}

/* RFC6940-6.3.3-01; each is asked once, however often it is there. */
START_TEST(critical_ones_must_be_understood)
{
    begin();
    ping_critically((const uint16_t[]){OURS, OURS}, 2);
    ck_assert_int_eq(result.error, 0);
    ck_assert(has_extension);
    ck_assert_uint_eq(echo.asked, 1);
    ping_critically((const uint16_t[]){OURS, FOREIGN}, 2);
    ck_assert_int_eq(result.error, RELOAD_E_REFUSED);
    ck_assert_uint_eq(result.error_code, RELOAD_ERROR_UNKNOWN_EXTENSION);
    ck_assert_uint_eq(echo.asked, 1);
    world_free(world);
}
END_TEST

/* A usage is never asked on behalf of somebody who did not sign. */
START_TEST(only_for_verified_signers)
{
    begin();
    uint8_t data[64], list[32];
    const uint8_t body[2] = {0};
    struct reload_writer extensions = reload_writer_of(data, sizeof data);
    struct reload_message_extension extension = {.type = OURS};
    reload_message_extension_encode(&extensions, &b->node->wire, &extension);
    struct reload_route route = reload_route_to_node(&a->id);
    struct reload_writer destination = reload_writer_of(list, sizeof list);
    reload_destination_encode(&destination, &b->node->wire, &route.entries[0]);
    struct reload_draft draft = {.transaction_id = 77,
                                 .destination_list = reload_writer_written(&destination),
                                 .code = RELOAD_MESSAGE_PING_REQ,
                                 .body = {body, 2},
                                 .extensions = reload_writer_written(&extensions)};
    struct reload_buffer *buffer;
    ck_assert_int_eq(reload_message_build(b->node, &draft, &buffer), 0);
    uint32_t link = reload_node_link_to(a->node, &b->id);
    struct reload_bytes message = {buffer->data + RELOAD_FRAME_HEADER_SIZE,
                                   buffer->size - RELOAD_FRAME_HEADER_SIZE};
    buffer->data[buffer->size - 1] ^= 1;
    ck_assert_int_eq(reload_node_recv(a->node, link, message, world->now), 0);
    ck_assert_uint_eq(echo.asked, 0);
    buffer->data[buffer->size - 1] ^= 1;
    ck_assert_int_eq(reload_node_recv(a->node, link, message, world->now), 0);
    ck_assert_uint_eq(echo.asked, 1);
    reload_buffer_drop(&b->node->buffers, buffer);
    world_free(world);
}
END_TEST

int
main(void)
{
    return RUN_SUITE("ping", an_extension_is_answered, others_are_not,
                     a_refused_extension_leaves_a_ping, answers_are_limited, too_large_a_question,
                     critical_ones_must_be_understood, only_for_verified_signers);
}
