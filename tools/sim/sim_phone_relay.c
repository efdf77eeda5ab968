/* sim_phone_relay.c: hosts with phones that lend a relay to others: whether its announcements are
 * where others look for them, as long as it is lent.
 *
 * RFC 6940 9. SPDX-License-Identifier: BSD-2-Clause */
#include "tools/sim/sim_phone_plan.h"

#include "usages/turn_service.h"

#include <inttypes.h>

static void *
turn_of(const struct sim_phone *phone)
{
    return reload_node_usage(sim_node(phone->phones->sim, phone->host), SIM_USAGE_TURN);
}

void
sim_phone_lend(struct sim_phone *phone)
{
    uint64_t now = sim_now(phone->phones->sim);
    struct reload_turn_offer offer = {
        .address = {.family = 4, .octets = {203, 0, 113, (uint8_t)phone->host}, .port = 3478},
        .secret = reload_bytes_of_string("a secret"),
        .lifetime_s = 3600};
    /* What was announced in an earlier life ends by itself, within an hour. */
    if (phone->wish == SIM_WISH_OFF)
        reload_turn_service_end(turn_of(phone), now);
    else if (reload_turn_service_begin(turn_of(phone), &offer, now) == 0)
        phone->lending_life = phone->life; /* else no memory: with its next registration */
}

static bool
is_announced(struct sim_phones *phones, const struct sim_phone *phone, uint32_t reader,
             uint8_t copy)
{
    uint8_t resource[16];
    struct reload_fetch_specifier specifier = {.kind = RELOAD_KIND_TURN_SERVICE};
    sim_slot_resource(phones->sim, phone->host, copy, resource);
    struct sim_outcome outcome =
        sim_fetch_value(phones->sim, phones->phones[reader]->host,
                        (struct reload_bytes){resource, sizeof resource}, &specifier);
    return outcome.error == 0 && outcome.exists;
}

void
sim_phones_judge_relay(struct sim_phones *phones, uint32_t number, uint32_t reader,
                       bool nothing_lost)
{
    const struct sim_phone *phone = phones->phones[number];
    if (!phone->lends || !sim_phone_is_usable(phones, number) || phone->set_back ||
        phone->lending_life != sim_life(phones->sim, phone->host))
        return;
    struct reload_turn_counters counters = reload_turn_service_counters(turn_of(phone));
    bool wanted = phone->wish != SIM_WISH_OFF;
    if (counters.announced != (wanted ? counters.copies : 0))
        sim_finding(&phones->finder, "V3",
                    "of %zu announcements of the relay of phone %" PRIu32 " %zu are there",
                    counters.copies, number, counters.announced);
    for (uint8_t i = 1; i <= counters.copies; i++) {
        bool there = is_announced(phones, phone, reader, i);
        if (wanted && !there && nothing_lost)
            sim_finding(&phones->finder, "V3", "the relay of phone %" PRIu32 " is not found",
                        number);
        if (!wanted && there)
            sim_finding(&phones->finder, "V4",
                        "the relay of phone %" PRIu32 ", which was taken away, is found", number);
    }
}
