/* sim_phone_audit.c: whether phones find and reach each other when nothing is wrong any more.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "tools/sim/sim_phone_plan.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define CALLERS_MAX 2 /* of each phone */

/* Phones, by their numbers. */
struct crowd {
    bool in[SIM_PHONES_MAX];
};

/* ---- whom a call has to reach, and whom it may ---- */

/* What the overlay has of |phone| is known. */
static bool
is_certain(const struct sim_phones *phones, uint32_t number)
{
    const struct sim_phone *phone = phones->phones[number];
    return phone->acknowledged == phone->contact &&
           (phone->wish == SIM_WISH_OFF ||
            (sim_phone_is_usable(phones, number) && sim_phone_is_settled(phones, number)));
}

static void walk(const struct sim_phones *phones, uint32_t callee, bool certainly,
                 struct crowd *asked, struct crowd *devices);

/* What asking for |number|'s address leads to, as far as its own registration goes. */
static void
follow(const struct sim_phones *phones, uint32_t number, bool certainly, struct crowd *asked,
       struct crowd *devices)
{
    const struct sim_phone *phone = phones->phones[number];
    if (is_certain(phones, number)) {
        if (phone->wish == SIM_WISH_ON)
            devices->in[number] = true;
        if (phone->wish == SIM_WISH_FORWARD)
            walk(phones, phone->forward_to, certainly, asked, devices);
        return;
    }
    if (certainly || sim_now(phones->sim) > phone->told_until)
        return;
    devices->in[number] = devices->in[number] || phone->ever_on;
    for (uint32_t i = 0; i < 64 && i < phones->phone_count; i++)
        if (phone->forwards >> i & 1)
            walk(phones, i, certainly, asked, devices);
}

/* All devices of |callee|'s user. */
static void
walk(const struct sim_phones *phones, uint32_t callee, bool certainly, struct crowd *asked,
     struct crowd *devices)
{
    for (uint32_t i = 0; i < phones->phone_count; i++) {
        if (asked->in[i] ||
            !reload_aor_equal(&phones->phones[i]->aor, &phones->phones[callee]->aor))
            continue;
        asked->in[i] = true;
        follow(phones, i, certainly, asked, devices);
    }
}

static struct crowd
devices_of(const struct sim_phones *phones, uint32_t callee, bool certainly)
{
    struct crowd asked = {{0}}, devices = {{0}};
    walk(phones, callee, certainly, &asked, &devices);
    return devices;
}

static bool
was_found(const struct sim_phones *phones, const struct sim_call *call, uint32_t number)
{
    const struct reload_node_id *node_id = sim_node_id(phones->sim, phones->phones[number]->host);
    for (size_t i = 0; i < call->branch_count; i++)
        if (reload_node_id_equal(&call->branches[i].target.signer, node_id))
            return true;
    return false;
}

void
sim_phones_judge(struct sim_phones *phones, const struct sim_call *call)
{
    struct crowd must = devices_of(phones, call->to, true);
    struct crowd may = devices_of(phones, call->to, false);
    bool reachable = false;
    for (uint32_t i = 0; i < phones->phone_count; i++) {
        bool is_found = was_found(phones, call, i);
        if (is_found && !may.in[i])
            sim_finding(&phones->finder, "V4",
                        "phone %" PRIu32 " asks for phone %" PRIu32 " and finds phone %" PRIu32
                        ", which is not registered any more",
                        call->from, call->to, i);
        if (!is_found && must.in[i])
            sim_finding(&phones->finder, "V3",
                        "phone %" PRIu32 " asks for phone %" PRIu32
                        " and does not find phone %" PRIu32 ": %s",
                        call->from, call->to, i, reload_error_text(call->error));
        reachable = reachable || (is_found && must.in[i] && i != call->from);
    }
    if (reachable && !call->answered)
        sim_finding(&phones->finder, "V3",
                    "phone %" PRIu32 " finds phone %" PRIu32 " and does not reach it: %s",
                    call->from, call->to, reload_error_text(call->error));
}

/* ---- contacts ---- */

void
sim_phones_judge_contact(struct sim_phones *phones, uint32_t number, uint32_t reader)
{
    const struct sim_phone *phone = phones->phones[number];
    struct sim *sim = phones->sim;
    uint32_t from = phones->phones[reader]->host, contact = phone->contact;
    uint8_t resource[20];
    size_t size = 0;
    struct reload_fetch_specifier specifier = {.kind = RELOAD_KIND_SIP_REGISTRATION};
    if (phone->wish != SIM_WISH_ON ||
        reload_node_resource(sim_node(sim, from), reload_aor_bytes(&phone->aor), resource, &size))
        return;
    specifier.key = reload_node_id_bytes(sim_node_id(sim, phone->host), 16);
    struct sim_outcome outcome =
        sim_fetch_value(sim, from, (struct reload_bytes){resource, size}, &specifier);
    uint32_t stored = UINT32_MAX; /* none */
    for (size_t i = 0; i + 14 < outcome.value_size && outcome.exists; i++)
        if (memcmp(outcome.value + i, "(description=<", 14) == 0) {
            char text[16] = "";
            size_t left = outcome.value_size - i - 14;
            memcpy(text, outcome.value + i + 14, left < 15 ? left : 15);
            stored = (uint32_t)strtoul(text, NULL, 10);
        }
    if (phone->contact != contact || stored == contact)
        return;
    if (stored == UINT32_MAX)
        sim_finding(&phones->finder, "V3", "the contact of phone %" PRIu32 " is not found: %s",
                    number, reload_error_text(outcome.error));
    else
        sim_finding(&phones->finder, "V4",
                    "phone %" PRIu32 " has contact %" PRIu32 ", and %" PRIu32 " is found", number,
                    contact, stored);
}

/* ---- the end ---- */

static void
judge_registration(const struct sim_phones *phones, uint32_t number)
{
    const struct sim_phone *phone = phones->phones[number];
    if (!sim_phone_is_usable(phones, number) || phone->contact == 0)
        return;
    /* With nothing left but marks of what it stored in an earlier life, it cannot learn how far its
     * clock was set back. */
    if (phone->set_back && phone->error == RELOAD_E_REFUSED)
        return;
    if (!is_certain(phones, number) && !phone->storing.running)
        sim_finding(&phones->finder, "V3",
                    "phone %" PRIu32 " at node %" PRIu32 " could not register contact %" PRIu32
                    ": %s",
                    number, phone->host, phone->contact, reload_error_text(phone->error));
}

void
sim_phones_audit(struct sim_phones *phones, uint64_t calm_ns, bool nothing_lost)
{
    struct sim *sim = phones->sim;
    if (sim_now(sim) < calm_ns + SIM_PHONES_BACK_NS)
        sim_run_for(sim, calm_ns + SIM_PHONES_BACK_NS - sim_now(sim));
    for (uint32_t callee = 0; callee < phones->phone_count; callee++) {
        judge_registration(phones, callee);
        for (uint32_t i = 1, callers = 0; i < phones->phone_count && callers < CALLERS_MAX; i++) {
            uint32_t caller = (callee + i) % phones->phone_count;
            const struct sim_call *call = sim_phone_call_now(phones, caller, callee);
            if (!call)
                continue;
            sim_phones_judge(phones, call);
            if (callers++ > 0)
                continue;
            sim_phones_judge_relay(phones, callee, caller, nothing_lost);
            if (is_certain(phones, callee))
                sim_phones_judge_contact(phones, callee, caller);
        }
    }
}
