/* nice_candidate_test.c: which candidates are offered, and which of the other side are tried.
 *
 * RFC 8445 5.1; RFC 6940 6.5.1.1. SPDX-License-Identifier: BSD-2-Clause */
#include "ice/nice_candidate.h"
#include "tests/suite.h"

#include <stdio.h>

static NiceCandidate *
make(NiceCandidateType type, const char *address, guint port, guint32 priority)
{
    NiceCandidate *candidate = nice_candidate_new(type);
    candidate->transport = NICE_CANDIDATE_TRANSPORT_UDP;
    candidate->priority = priority;
    ck_assert(nice_address_set_from_string(&candidate->addr, address));
    nice_address_set_port(&candidate->addr, port);
    candidate->base_addr = candidate->addr;
    snprintf(candidate->foundation, sizeof candidate->foundation, "%u", port);
    return candidate;
}

static const struct {
    NiceCandidateType type;
    const char *address;
    bool offered, offered_on_loopback;
} rows[] = {
    {NICE_CANDIDATE_TYPE_HOST, "192.0.2.1", true, true},
    {NICE_CANDIDATE_TYPE_HOST, "2001:db8::1", true, true},
    {NICE_CANDIDATE_TYPE_HOST, "127.0.0.1", false, true},
    {NICE_CANDIDATE_TYPE_HOST, "::1", false, true},
    {NICE_CANDIDATE_TYPE_HOST, "169.254.1.1", false, false},
    {NICE_CANDIDATE_TYPE_HOST, "fe80::1", false, false},
    {NICE_CANDIDATE_TYPE_SERVER_REFLEXIVE, "192.0.2.2", true, true},
    {NICE_CANDIDATE_TYPE_PEER_REFLEXIVE, "192.0.2.3", false, false},
    {NICE_CANDIDATE_TYPE_RELAYED, "192.0.2.4", true, true},
};

START_TEST(what_is_offered)
{
    static const uint8_t types[] = {[NICE_CANDIDATE_TYPE_HOST] = 1,
                                    [NICE_CANDIDATE_TYPE_SERVER_REFLEXIVE] = 2,
                                    [NICE_CANDIDATE_TYPE_RELAYED] = 4};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        NiceCandidate *nice = make(rows[i].type, rows[i].address, 6084, 100);
        struct reload_candidate candidate;
        ck_assert(nice_candidate_to(nice, true, 1, &candidate) == rows[i].offered_on_loopback);
        ck_assert(nice_candidate_to(nice, false, 1, &candidate) == rows[i].offered);
        if (rows[i].offered) {
            ck_assert_uint_eq(candidate.type, types[rows[i].type]);
            ck_assert_uint_eq(candidate.address.port, 6084);
            ck_assert_uint_eq(candidate.overlay_link, 1);
            ck_assert_str_eq(candidate.foundation, "6084");
            /* And it comes out again as it went in. */
            NiceCandidate *back = nice_candidate_from(&candidate, false, 7);
            ck_assert(nice_address_equal(&back->addr, &nice->addr));
            ck_assert_int_eq(back->type, nice->type);
            ck_assert_uint_eq(back->priority, nice->priority);
            nice_candidate_free(back);
        }
        nice->priority = 0;
        ck_assert(!nice_candidate_to(nice, true, 1, &candidate));
        nice->priority = 100;
        nice->transport = NICE_CANDIDATE_TRANSPORT_TCP_ACTIVE;
        ck_assert(!nice_candidate_to(nice, true, 1, &candidate));
        nice_candidate_free(nice);
    }
}
END_TEST

/* A host with 30 addresses behind a NAT: what the servers saw and gave is offered all the same. */
START_TEST(servers_candidates_have_room)
{
    struct reload_candidate candidates[RELOAD_CANDIDATES_MAX];
    GSList *list = NULL;
    for (guint i = 0; i < 30; i++) {
        char address[16];
        snprintf(address, sizeof address, "10.0.0.%u", i + 1);
        list = g_slist_append(list, make(NICE_CANDIDATE_TYPE_HOST, address, 1000 + i, 5000 + i));
    }
    for (guint i = 0; i < 3; i++)
        list = g_slist_append(
            list, make(NICE_CANDIDATE_TYPE_SERVER_REFLEXIVE, "192.0.2.1", 2000 + i, 300 + i));
    for (guint i = 0; i < 2; i++)
        list =
            g_slist_append(list, make(NICE_CANDIDATE_TYPE_RELAYED, "192.0.2.9", 3000 + i, 10 + i));
    ck_assert_uint_eq(nice_candidates_to(list, false, 1, candidates, RELOAD_CANDIDATES_MAX),
                      RELOAD_CANDIDATES_MAX);
    unsigned of_type[5] = {0};
    for (size_t i = 0; i < RELOAD_CANDIDATES_MAX; i++) {
        of_type[candidates[i].type]++;
        ck_assert(i == 0 || candidates[i].priority <= candidates[i - 1].priority);
    }
    ck_assert_uint_eq(of_type[1], RELOAD_CANDIDATES_MAX - 5);
    ck_assert_uint_eq(of_type[2], 3);
    ck_assert_uint_eq(of_type[4], 2);
    ck_assert_uint_eq(nice_candidates_to(list, false, 1, candidates, 4), 4);
    ck_assert_uint_eq(nice_candidates_to(NULL, false, 1, candidates, 4), 0);
    g_slist_free_full(list, (GDestroyNotify)nice_candidate_free);
}
END_TEST

/* L9, RFC6940-6.5.1.1: what the other side may not say. */
START_TEST(what_is_not_tried)
{
    struct reload_candidate good = {.address = {.family = 4, .octets = {192, 0, 2, 1}, .port = 1},
                                    .priority = 1,
                                    .type = 1,
                                    .foundation = "1"};
    NiceCandidate *nice = nice_candidate_from(&good, false, 1);
    ck_assert_ptr_nonnull(nice);
    nice_candidate_free(nice);
    for (unsigned type = 0; type < 256; type++) {
        struct reload_candidate other = good;
        other.type = (uint8_t)type;
        other.related = good.address;
        nice = nice_candidate_from(&other, false, 1);
        ck_assert((nice != NULL) == (type == 1 || type == 2 || type == 4));
        if (nice)
            nice_candidate_free(nice);
    }
    struct reload_candidate loopback = good, nowhere = good, unrelated = good;
    loopback.address.octets[0] = 127;
    ck_assert_ptr_null(nice_candidate_from(&loopback, false, 1));
    nowhere.address.family = 5;
    ck_assert_ptr_null(nice_candidate_from(&nowhere, false, 1));
    unrelated.type = 2;
    ck_assert_ptr_null(nice_candidate_from(&unrelated, false, 1));
}
END_TEST

int
main(void)
{
    return RUN_SUITE("nice_candidate", what_is_offered, servers_candidates_have_room,
                     what_is_not_tried);
}
