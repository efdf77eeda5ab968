/* sim_phone.c: phones that register.
 *
 * RFC 7904 3. SPDX-License-Identifier: BSD-2-Clause */
#include "tools/sim/sim_phone.h"

#include "tools/sim/sim_internal.h"
#include "tools/sim/sim_oddity.h"
#include "usages/certificate_store.h"
#include "usages/turn_service.h"

#include <inttypes.h>
#include <stdlib.h>

#define BEAT_NS SIM_SECONDS(1)
#define RETRY_NS SIM_SECONDS(30) /* a phone's own, beside the usage's */
#define LATE_NS SIM_SECONDS(1)   /* that nobody minds */
#define PHONE_PURPOSE 0x9407e

void
sim_phones_plug(struct sim_options *options)
{
    assert(options->usage_count == 0);
    options->usages[SIM_USAGE_SIP] = &reload_sip_usage;
    options->usages[SIM_USAGE_CERTIFICATE_STORE] = &reload_certificate_store_usage;
    options->usages[SIM_USAGE_TURN] = &reload_turn_service_usage;
    options->usage_count = SIM_USAGES;
}

struct reload_sip *
sim_phone_sip(const struct sim_phone *phone)
{
    return reload_node_usage(sim_node(phone->phones->sim, phone->host), SIM_USAGE_SIP);
}

bool
sim_phone_is_usable(const struct sim_phones *phones, uint32_t phone)
{
    uint32_t host = phones->phones[phone]->host;
    return sim_is_alive(phones->sim, host) && sim_node(phones->sim, host) &&
           sim_is_joined(phones->sim, host) && !sim_is_paused(phones->sim, host);
}

/* ---- errands ---- */

void
sim_errand_begin(struct sim_errand *errand, struct sim_phone *phone, const char *name,
                 uint64_t limit_ns)
{
    *errand = (struct sim_errand){.phone = phone,
                                  .name = name,
                                  .running = true,
                                  .begun_ns = sim_now(phone->phones->sim),
                                  .limit_ns = limit_ns};
}

void
sim_errand_look(struct sim_errand *errand)
{
    struct sim *sim = errand->phone ? errand->phone->phones->sim : NULL;
    if (!errand->running || errand->late)
        return;
    uint64_t elapsed = sim_now(sim) - errand->begun_ns;
    if (elapsed <= errand->limit_ns + LATE_NS + sim_lateness(sim) ||
        sim_was_paused(sim, errand->phone->host, elapsed))
        return;
    errand->late = true;
    sim_finding(&errand->phone->phones->finder, "V6", "a %s of phone %" PRIu32 " takes %.1f s",
                errand->name, errand->phone->number, (double)elapsed / 1e9);
}

void
sim_errand_end(struct sim_errand *errand)
{
    sim_errand_look(errand);
    if (!errand->running)
        sim_finding(&errand->phone->phones->finder, "V6", "a %s of phone %" PRIu32 " ended twice",
                    errand->name, errand->phone->number);
    errand->running = false;
}

/* ---- registering ---- */

static void
tell(const struct sim_phone *phone, const char *how, int error)
{
    static const char *const wishes[] = {"not to be found", "to be called", "to be called there"};
    FILE *log = sim_log(phone->phones->sim);
    if (log)
        fprintf(log,
                "%10.3f phone %" PRIu32 " at %" PRIu32 " wants %s, contact %" PRIu32 ": %s%s%s\n",
                (double)(sim_now(phone->phones->sim) - SIM_TIME_BEGIN) / 1e9, phone->number,
                phone->host, wishes[phone->wish], phone->asked, how, error ? ": " : "",
                error ? reload_error_text(error) : "");
}

/* Between 40 and 90 % of a registration's time: before the usage does it by itself, or after. */
static uint64_t
renewal(struct sim_phone *phone)
{
    uint64_t lifetime_ns = SIM_SECONDS(phone->lifetime_s);
    return sim_now(phone->phones->sim) +
           sim_random_between(&phone->phones->random, lifetime_ns * 4 / 10, lifetime_ns * 9 / 10);
}

static void
stored(void *argument, int error, reload_time now)
{
    struct sim_phone *phone = argument;
    (void)now;
    sim_errand_end(&phone->storing);
    phone->error = error;
    tell(phone, "ended", error);
    if (error == 0) {
        phone->phones->figures.registrations++;
        phone->acknowledged = phone->asked;
        phone->acknowledged_wish = phone->asked_wish;
        phone->acknowledged_ns = phone->storing.begun_ns;
    }
    if (phone->contact != phone->asked)
        phone->renew_at = 0; /* the user wants something else meanwhile */
    else if (error)
        phone->renew_at = sim_now(phone->phones->sim) + RETRY_NS;
    else
        phone->renew_at = phone->wish == SIM_WISH_OFF ? UINT64_MAX : renewal(phone);
}

static int
store(struct sim_phone *phone)
{
    struct sim *sim = phone->phones->sim;
    struct reload_sip *sip = sim_phone_sip(phone);
    char prefs[32];
    if (phone->wish == SIM_WISH_OFF)
        return reload_sip_unregister(sip, stored, phone, sim_now(sim));
    if (phone->wish == SIM_WISH_FORWARD)
        return reload_sip_register_forward(sip, phone->lifetime_s,
                                           &phone->phones->phones[phone->forward_to]->aor, stored,
                                           phone, sim_now(sim));
    snprintf(prefs, sizeof prefs, "(description=<%" PRIu32 ">)", phone->contact);
    return reload_sip_register(sip, phone->lifetime_s, prefs, stored, phone, sim_now(sim));
}

static void
register_now(struct sim_phone *phone)
{
    struct sim *sim = phone->phones->sim;
    uint64_t end = sim_now(sim) + SIM_SECONDS(phone->lifetime_s) + SIM_STRAGGLER_NS;
    phone->asked = phone->contact;
    phone->asked_wish = phone->wish;
    sim_errand_begin(&phone->storing, phone, "registration", SIM_REGISTER_NS);
    int error = store(phone);
    tell(phone, "begins", error);
    if (error) {
        phone->storing.running = false;
        phone->error = error;
        phone->renew_at = sim_now(sim) + RETRY_NS;
    } else if (phone->wish != SIM_WISH_OFF && end > phone->told_until) {
        phone->told_until = end;
    }
    phone->ever_on = phone->ever_on || phone->wish == SIM_WISH_ON;
    if (phone->lends)
        sim_phone_lend(phone);
    if (phone->wish == SIM_WISH_FORWARD)
        phone->forwards |= UINT64_C(1) << phone->forward_to;
    sim_turn(sim, phone->host);
}

/* The host was started anew, and the phone with it. */
static void
switch_on(struct sim_phone *phone)
{
    struct reload_sip_handler handler = {phone, sim_phone_receive, sim_phone_lost};
    phone->life = sim_life(phone->phones->sim, phone->host);
    phone->storing.running = phone->intrudes = false;
    phone->contact += phone->wish != SIM_WISH_OFF;
    phone->renew_at = phone->acknowledged == phone->contact ? UINT64_MAX : 0;
    reload_sip_set_handler(sim_phone_sip(phone), &handler);
}

/* A phone looks each second what there is to do, as real ones look for their registrar. */
static void
beat(struct sim *sim, void *argument)
{
    struct sim_phone *phone = argument;
    int64_t skew_ms = sim_host_of(sim, phone->host)->options.skew_ms;
    sim_call(sim, sim_now(sim) + BEAT_NS, beat, phone);
    phone->set_back = phone->set_back || skew_ms < phone->skew_ms;
    phone->skew_ms = skew_ms;
    if (!sim_is_alive(sim, phone->host)) {
        phone->life = 0;
        phone->storing.running = false;
        return;
    }
    if (!sim_node(sim, phone->host) || sim_is_paused(sim, phone->host))
        return;
    if (phone->life != sim_life(sim, phone->host))
        switch_on(phone);
    sim_errand_look(&phone->storing);
    if (!phone->storing.running && sim_now(sim) >= phone->renew_at &&
        sim_is_joined(sim, phone->host))
        register_now(phone);
}

/* ---- phones ---- */

struct sim_phones *
sim_phones_new(struct sim *sim, uint64_t seed, struct sim_finder finder)
{
    struct sim_phones *phones = calloc(1, sizeof *phones);
    if (!phones)
        abort();
    phones->sim = sim;
    phones->finder = finder;
    phones->random = sim_random_fork(seed, PHONE_PURPOSE);
    return phones;
}

void
sim_phones_free(struct sim_phones *phones)
{
    if (!phones)
        return;
    for (uint32_t i = 0; i < phones->phone_count; i++)
        free(phones->phones[i]);
    for (uint32_t i = 0; i < phones->call_count; i++)
        free(phones->calls[i]);
    free(phones->plan);
    free(phones);
}

uint32_t
sim_phone_add(struct sim_phones *phones, uint32_t host)
{
    struct sim_phone *phone = calloc(1, sizeof *phone);
    if (!phone)
        abort();
    assert(phones->phone_count < SIM_PHONES_MAX);
    phone->phones = phones;
    phone->number = phones->phone_count;
    phone->host = host;
    phone->renew_at = UINT64_MAX;
    int error =
        reload_aor_parse(reload_bytes_of_string(sim_user_name(phones->sim, host)), &phone->aor);
    assert(error == 0);
    (void)error;
    phones->phones[phones->phone_count++] = phone;
    if (sim_node(phones->sim, host) && !sim_is_paused(phones->sim, host))
        switch_on(phone);
    sim_call(phones->sim,
             sim_now(phones->sim) +
                 sim_random_below(&phones->random, BEAT_NS / RELOAD_MS) * RELOAD_MS,
             beat, phone);
    return phone->number;
}

void
sim_phone_wish(struct sim_phones *phones, uint32_t number, enum sim_wish wish, uint32_t forward_to,
               uint32_t lifetime_s)
{
    struct sim_phone *phone = phones->phones[number];
    assert(wish != SIM_WISH_FORWARD || (forward_to < 64 && forward_to < phones->phone_count));
    phone->wish = wish;
    phone->forward_to = forward_to;
    phone->lifetime_s = lifetime_s;
    phone->contact++;
    phone->renew_at = 0;
}

bool
sim_phone_is_settled(const struct sim_phones *phones, uint32_t number)
{
    const struct sim_phone *phone = phones->phones[number];
    uint64_t until = phone->acknowledged_ns + SIM_SECONDS(phone->lifetime_s);
    return phone->acknowledged == phone->contact &&
           phone->life == sim_life(phones->sim, phone->host) &&
           (phone->wish == SIM_WISH_OFF || sim_now(phones->sim) < until);
}

void
sim_phones_sum(struct sim_phone_figures *sum, const struct sim_phone_figures *figures)
{
    sum->registrations += figures->registrations;
    sum->intrusions += figures->intrusions;
    sum->refused += figures->refused;
    sum->calls += figures->calls;
    sum->answered += figures->answered;
    sum->found += figures->found;
    sum->setup_ns_sum += figures->setup_ns_sum;
    if (figures->setup_ns_max > sum->setup_ns_max)
        sum->setup_ns_max = figures->setup_ns_max;
}

/* ---- intruders ---- */

static void
on_intruded(void *argument, const struct reload_result *result, reload_time now)
{
    struct sim_phone *phone = argument;
    struct sim_phones *phones = phone->phones;
    (void)now;
    phone->intrudes = false;
    phones->figures.refused += result->error == RELOAD_E_REFUSED;
    if (result->error == 0)
        sim_finding(&phones->finder, "V5", "phone %" PRIu32 " registered at the address of another",
                    phone->number);
}

void
sim_phone_intrude(struct sim_phones *phones, uint32_t from, uint32_t to, bool as_other)
{
    struct sim_phone *phone = phones->phones[from];
    struct reload_node *node = sim_node(phones->sim, phone->host);
    const struct sim_phone *other = phones->phones[to];
    uint8_t resource[20], octets[RELOAD_SIP_REGISTRATION_MAX];
    size_t size = 0;
    struct reload_writer writer = reload_writer_of(octets, sizeof octets);
    if (!sim_phone_is_usable(phones, from) || phone->intrudes ||
        reload_aor_equal(&phone->aor, &other->aor))
        return;
    const struct reload_wire *wire = reload_node_wire(node);
    struct reload_sip_destination self =
        reload_sip_destination_of_node(wire, sim_node_id(phones->sim, phone->host));
    reload_sip_registration_write_route(&writer, wire, &self, "");
    struct reload_store_value value = {
        .kind = RELOAD_KIND_SIP_REGISTRATION,
        .key = reload_node_id_bytes(sim_node_id(phones->sim, as_other ? other->host : phone->host),
                                    16),
        .value = reload_writer_written(&writer),
        .exists = true,
        .lifetime_s = 600};
    if (reload_node_resource(node, reload_aor_bytes(&other->aor), resource, &size) ||
        reload_node_store(node, (struct reload_bytes){resource, size}, &value, 1, on_intruded,
                          phone, sim_now(phones->sim)))
        return;
    phone->intrudes = true;
    phones->figures.intrusions++;
    sim_turn(phones->sim, phone->host);
}
