/* check_overlay.c: what the overlay does for us: new links, our own record found again.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "tools/doctor/checkup.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ICE_PLACES 8
#define ICE_MS 25000
#define RECORD_MS 15000

static json_t *
ask(struct checkup *checkup, json_t *request, char *reason)
{
    return checkup_ask(checkup, request, reason, SETTINGS_REASON_SIZE);
}

static const char *
text_of(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));
    return text ? text : "";
}

/* ---- a new link ----------------------------------------------------------------------------- */

static void
tell_link(struct checkup *checkup, const json_t *link)
{
    const char *path = text_of(link, "path");
    double elapsed_ms = json_number_value(json_object_get(link, "elapsed_ms"));
    checkup_find(checkup, "ice", FINDING_GOOD, NULL, "a new link to %.8s..., %s, in %.0f ms",
                 text_of(link, "node_id"), *path ? path : "made", elapsed_ms);
    checkup_text(checkup, "path", path);
    checkup_number(checkup, "ms", elapsed_ms);
}

/* Whoever is responsible for some place in the ring; NULL when it is this node, or nobody answers.
 * To be freed by json_decref. */
static json_t *
find_peer(struct checkup *checkup, unsigned place, char *reason)
{
    char resource[33], problem[SETTINGS_REASON_SIZE];
    (void)snprintf(resource, sizeof resource, "%02x%030x", (32u * place + 13) & 0xff, place);
    json_t *pong =
        ask(checkup, json_pack("{s:s, s:s}", "command", "ping", "resource", resource), problem);
    if (!pong && !*reason) /* what an Attach says is worth more */
        (void)snprintf(reason, SETTINGS_REASON_SIZE, "%s", problem);
    json_t *peer = json_incref(json_object_get(pong, "responder"));
    json_decref(pong);
    if (peer && json_equal(peer, json_object_get(checkup->status, "node_id"))) {
        json_decref(peer);
        return NULL;
    }
    return peer;
}

/* Tries places until a link stands. |*found|: there is a peer to be linked with. */
static bool
try_places(struct checkup *checkup, char *reason, bool *found)
{
    for (unsigned place = 0; place < ICE_PLACES; place++) {
        json_t *peer = find_peer(checkup, place, reason);
        if (!peer)
            continue;
        *found = true;
        json_t *link =
            ask(checkup, json_pack("{s:s, s:o}", "command", "attach", "node", peer), reason);
        if (link)
            tell_link(checkup, link);
        json_decref(link);
        if (link)
            return true;
    }
    return false;
}

/* A node that was linked a moment ago says that this is still going on, one that has much to do
 * says to come later (D46). */
static bool
is_passing(const char *reason)
{
    return strcmp(reason, reload_error_text(RELOAD_E_IN_PROGRESS)) == 0 ||
           strcmp(reason, reload_error_text(RELOAD_E_REFUSED)) == 0;
}

void
check_ice(struct checkup *checkup)
{
    char reason[SETTINGS_REASON_SIZE] = "";
    if (!checkup->joined ||
        json_integer_value(json_object_get(checkup->status, "overlay_links")) == 0) {
        checkup_find(checkup, "ice", FINDING_SKIPPED, NULL, "there is no other node to link to");
        return;
    }
    bool found = false;
    double until_ms = checkup_now_ms() + ICE_MS;
    for (;;) {
        if (try_places(checkup, reason, &found))
            return;
        if (!is_passing(reason) || checkup_now_ms() > until_ms)
            break;
        checkup_pause(1000);
    }
    if (!found && !*reason)
        checkup_find(checkup, "ice", FINDING_SKIPPED, NULL,
                     "this node is responsible for all places that were asked for");
    else
        checkup_find(checkup, "ice", FINDING_FAILURE,
                     "see 'nat' and 'turn' above: without a relay some pairs of NATs cannot link",
                     "no new link could be made: %s", reason);
}

/* ---- our own record ------------------------------------------------------------------------- */

#define RECORD_KIND "CERTIFICATE_BY_NODE"

static bool
holds(const json_t *fetched, const char *value)
{
    size_t index;
    const json_t *row;
    json_array_foreach(json_object_get(fetched, "values"), index, row)
    {
        if (strcmp(text_of(row, "value"), value) == 0)
            return true;
    }
    return false;
}

static void
look_up_phones(struct checkup *checkup)
{
    char reason[SETTINGS_REASON_SIZE];
    const char *user = text_of(checkup->status, "user");
    json_t *found = ask(checkup, json_pack("{s:s, s:s}", "command", "lookup", "aor", user), reason);
    if (found)
        checkup_find(checkup, "phone", FINDING_GOOD, NULL, "%s is registered and can be called",
                     user);
    else
        checkup_find(checkup, "phone", FINDING_NOTE, NULL, "%s cannot be called now: %s", user,
                     reason);
    json_decref(found);
}

/* The node's certificate in hex, to be freed. */
static char *
own_certificate(struct checkup *checkup)
{
    struct reload_keyring *keyring = checkup->daemon.keyring;
    struct reload_bytes bytes = keyring->ops->self(keyring)->certificate;
    char *hex = malloc(2 * bytes.size + 1);
    for (size_t i = 0; hex && i < bytes.size; i++)
        (void)snprintf(hex + 2 * i, 3, "%02x", bytes.data[i]);
    return hex;
}

/* A node keeps its certificate in the overlay from some seconds after it joined (RFC 6940 8): who
 * finds it can find any record. */
void
check_record(struct checkup *checkup)
{
    char reason[SETTINGS_REASON_SIZE] = "it is not there";
    if (!checkup->joined) {
        checkup_find(checkup, "record", FINDING_SKIPPED, NULL, "the node has not joined");
        return;
    }
    char *certificate = own_certificate(checkup);
    bool found = false;
    double began_ms, until_ms = checkup_now_ms() + RECORD_MS;
    do {
        began_ms = checkup_now_ms();
        json_t *fetched = ask(checkup,
                              json_pack("{s:s, s:s, s:s}", "command", "fetch", "kind", RECORD_KIND,
                                        "node", text_of(checkup->status, "node_id")),
                              reason);
        found = certificate && fetched && holds(fetched, certificate);
        json_decref(fetched);
    } while (!found && checkup_now_ms() < until_ms && (checkup_pause(500), true));
    free(certificate);
    if (found) {
        checkup_find(checkup, "record", FINDING_GOOD, NULL,
                     "this node's certificate is in the overlay, found again in %.0f ms",
                     checkup_now_ms() - began_ms);
        checkup_number(checkup, "ms", checkup_now_ms() - began_ms);
    } else {
        checkup_find(checkup, "record", FINDING_FAILURE,
                     "`reload routes` shows whether the ring is whole around this node",
                     "this node's certificate is not found in the overlay: %s", reason);
    }
    look_up_phones(checkup);
}
