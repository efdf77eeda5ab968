/* attach.c: the making of links by Attach and AppAttach.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "reload/core/attach.h"

#include "reload/core/error_code.h"
#include "reload/core/node_internal.h"
#include "reload/core/offer.h"
#include "reload/core/reply.h"

#include <assert.h>

#define DEADLINE (15 * RELOAD_SECOND)
#define ANSWERING_MAX 64                 /* links that we are answering for at a time */
#define ANSWERING_PER_SIGNER_MAX 4       /* D3: replayed Attaches must stay cheap */
#define APPLICATIONS_PER_NODE_MAX 32     /* links of applications to one node (U6) */
#define BODY_MAX 4096                    /* RELOAD_CANDIDATES_MAX candidates and credentials */
#define CROSSING_MAX (2 * RELOAD_SECOND) /* an Attach whose sender gave way arrives within this */

/* ---- life ----------------------------------------------------------------------------------- */

static void
destroy(struct reload_node *node, struct reload_attach *attach)
{
    if (attach->request)
        reload_node_cancel(node, attach->request);
    reload_reply_free(node, attach->reply);
    if (attach->remote)
        (void)reload_node_allocate(node, attach->remote, 0);
    (void)reload_node_allocate(node, attach, 0);
}

void
reload_attach_abandon(struct reload_node *node, struct reload_link *link)
{
    destroy(node, link->attach);
    link->attach = NULL;
}

void
reload_attach_finish(struct reload_node *node, struct reload_link *link, int error, reload_time now)
{
    reload_attach_fn *done = link->attach->done;
    void *argument = link->attach->argument;
    struct reload_node_id node_id = link->node_id;
    uint32_t id = error ? 0 : link->id;
    /* Who still waits for our answer is told, and so are its retransmissions. */
    if (error && link->attach->reply)
        reload_reply_send(node, link->attach->reply, reload_error_code_of(error),
                          (struct reload_bytes){0}, NULL, 0, now);
    reload_attach_abandon(node, link);
    if (done)
        done(argument, error, id, &node_id, now);
}

static void
give_up(struct reload_alarm *alarm, void *owner, uint64_t now)
{
    struct reload_link *link =
        (struct reload_link *)((char *)alarm - offsetof(struct reload_link, deadline));
    reload_link_end(owner, link, RELOAD_E_TIMEOUT, true, now);
}

/* Makes a link in GATHERING with an attach on it, and asks the driver for candidates. */
static struct reload_link *
begin(struct reload_node *node, uint16_t application, bool offerer, reload_time now)
{
    struct reload_link *link = reload_link_new(node, RELOAD_LINK_GATHERING, application);
    if (!link)
        return NULL;
    link->attached = true;
    link->attach = reload_node_allocate(node, NULL, sizeof *link->attach);
    struct reload_effect_entry entry = {.type = RELOAD_EFFECT_GATHER,
                                        .link = link->id,
                                        .application = application,
                                        .controlling = offerer};
    if (link->attach)
        *link->attach = (struct reload_attach){.node = node, .link = link->id, .offerer = offerer};
    if (!link->attach ||
        reload_alarm_set(&node->alarms, &link->deadline, now + DEADLINE, give_up) != 0 ||
        reload_effects_push(node, &entry) != 0) {
        reload_link_end(node, link, RELOAD_E_NOMEM, false, now);
        return NULL;
    }
    return link;
}

static bool
usage_of_application(const struct reload_node *node, uint16_t application, size_t *usage)
{
    for (size_t u = 0; u < node->options.usage_count; u++)
        for (size_t a = 0; a < node->options.usages[u]->application_count; a++)
            if (node->options.usages[u]->applications[a] == application) {
                *usage = u;
                return true;
            }
    return false;
}

struct reload_link *
reload_attach_expected(struct reload_node *node, const struct reload_node_id *node_id)
{
    size_t cursor = 0;
    struct reload_link *link;
    while ((link = reload_link_walk(node, &cursor)))
        if (link->state != RELOAD_LINK_UP && link->application == 0 && link->attach &&
            link->attach->offerer &&
            (reload_node_id_equal(&link->node_id, node_id) ||
             (link->attach->to_node && reload_node_id_equal(&link->attach->target, node_id))))
            return link;
    return NULL;
}

void
reload_attach_begin_anew(struct reload_node *node, reload_time now)
{
    for (size_t cursor = 0;;) {
        struct reload_link *link = reload_link_walk(node, &cursor);
        if (!link)
            return;
        if (link->state < RELOAD_LINK_CONNECTING && link->application == 0 && link->attach &&
            link->attach->offerer)
            reload_link_end(node, link, RELOAD_E_UNREACHABLE, true, now);
    }
}

/* ---- the offerer ---------------------------------------------------------------------------- */

/* Writes the body of an Attach or AppAttach, request or answer. */
static void
write_body(struct reload_node *node, const struct reload_link *link, const char *role,
           const struct reload_offer *offer, struct reload_writer *body)
{
    uint8_t data[BODY_MAX];
    struct reload_writer candidates = reload_writer_of(data, sizeof data);
    reload_offer_encode(&candidates, &node->wire, offer);
    if (candidates.failed) {
        body->failed = true;
        return;
    }
    if (link->application) {
        struct reload_app_attach_req value = {.ufrag = reload_bytes_of_string(offer->ufrag),
                                              .password = reload_bytes_of_string(offer->password),
                                              .application = link->application,
                                              .role = reload_bytes_of_string(role),
                                              .candidates = reload_writer_written(&candidates)};
        reload_app_attach_req_encode(body, &node->wire, &value);
        return;
    }
    struct reload_attach_req_ans value = {.ufrag = reload_bytes_of_string(offer->ufrag),
                                          .password = reload_bytes_of_string(offer->password),
                                          .role = reload_bytes_of_string(role),
                                          .candidates = reload_writer_written(&candidates),
                                          .send_update = link->attach->send_update};
    reload_attach_req_ans_encode(body, &node->wire, &value);
}

/* What both messages say, read into one form. */
struct proposal {
    struct reload_bytes role;
    uint16_t application;
    bool send_update;
    struct reload_offer offer;
};

static int
read_body(struct reload_node *node, struct reload_bytes body, bool is_app,
          struct proposal *proposal)
{
    struct reload_reader reader = reload_reader_of(body);
    struct reload_attach_req_ans attach = {0};
    struct reload_app_attach_req app = {0};
    int error = is_app ? reload_app_attach_req_decode(&reader, &node->wire, &app)
                       : reload_attach_req_ans_decode(&reader, &node->wire, &attach);
    if (error)
        return error;
    if (reload_reader_left(&reader) > 0)
        return RELOAD_E_TRAILING;
    proposal->role = is_app ? app.role : attach.role;
    proposal->application = app.application;
    proposal->send_update = attach.send_update;
    return reload_offer_decode(
        &node->wire, is_app ? app.ufrag : attach.ufrag, is_app ? app.password : attach.password,
        is_app ? app.candidates : attach.candidates, node->config->no_ice, &proposal->offer);
}

static struct reload_offer *
copy_offer(struct reload_node *node, const struct reload_offer *offer)
{
    struct reload_offer *copy = reload_node_allocate(node, NULL, sizeof *copy);
    if (copy)
        *copy = *offer;
    return copy;
}

/* Asks the driver to make the link to |remote| (taken over). */
static int
push_connect(struct reload_node *node, struct reload_link *link, struct reload_offer *remote)
{
    bool offerer = link->attach->offerer;
    struct reload_effect_entry entry = {.type =
                                            offerer ? RELOAD_EFFECT_EXPECT : RELOAD_EFFECT_CONNECT,
                                        .link = link->id,
                                        .application = link->application,
                                        .node_id = link->node_id,
                                        .offer = remote,
                                        .controlling = offerer};
    if (!node->config->no_ice)
        entry.type = RELOAD_EFFECT_CHECK;
    link->state = RELOAD_LINK_CONNECTING;
    return reload_effects_push(node, &entry);
}

/* The peer may have connected before its answer, which takes the long way, was here: then the link
 * stands already. */
static bool
adopt_early(struct reload_node *node, struct reload_link *link, reload_time now)
{
    struct reload_link *up = link->application ? NULL : reload_link_of_node(node, &link->node_id);
    /* One that stood before we asked is another, which the new one replaces (D27). */
    if (!up || !up->incoming || up->attached || up->attach || up->up_at < link->attach->sent_at)
        return false;
    uint32_t id = up->id;
    bool wants_update = link->wants_update;
    up->attached = up->offered = true;
    up->attach = link->attach;
    up->attach->link = id;
    link->attach = NULL;
    reload_link_end(node, link, 0, true, now);
    reload_attach_finish(node, up, 0, now);
    up = reload_link_find(node, id);
    if (up && wants_update)
        node->topology->link_up(node->topology_state, id, &up->node_id, true, now);
    return true;
}

static void
answered(void *argument, const struct reload_result *result, reload_time now)
{
    struct reload_attach *attach = argument;
    struct reload_node *node = attach->node;
    struct reload_link *link = reload_link_find(node, attach->link);
    assert(link && link->attach == attach);
    attach->request = 0;
    int error = result->error;
    if (error == RELOAD_E_REFUSED && result->error_code == RELOAD_ERROR_IN_PROGRESS)
        error = RELOAD_E_IN_PROGRESS;
    if (error == RELOAD_E_REFUSED && result->error_code == RELOAD_ERROR_REQUEST_TIMEOUT)
        error = RELOAD_E_BUSY; /* D46 */
    struct proposal proposal;
    if (!error)
        error = read_body(node, result->message->contents.message_body, link->application != 0,
                          &proposal);
    if (!error && (reload_node_id_equal(&result->responder_id, &node->id) ||
                   proposal.application != link->application ||
                   !reload_bytes_equal(proposal.role, reload_bytes_of_string("active"))))
        error = RELOAD_E_MALFORMED;
    if (error) {
        reload_link_end(node, link, error, true, now);
        return;
    }
    link->node_id = result->responder_id;
    link->wants_update = proposal.send_update;
    if (adopt_early(node, link, now))
        return;
    struct reload_offer *remote = copy_offer(node, &proposal.offer);
    if (!remote || push_connect(node, link, remote) != 0)
        reload_link_end(node, link, RELOAD_E_NOMEM, true, now);
}

static void
send_request(struct reload_node *node, struct reload_link *link, const struct reload_offer *offer,
             reload_time now)
{
    struct reload_attach *attach = link->attach;
    uint8_t data[BODY_MAX + 1024];
    struct reload_writer body = reload_writer_of(data, sizeof data);
    write_body(node, link, "passive", offer, &body);
    uint16_t code = link->application ? RELOAD_MESSAGE_APP_ATTACH_REQ : RELOAD_MESSAGE_ATTACH_REQ;
    int error = reload_writer_error(&body);
    link->state = RELOAD_LINK_SIGNALLING;
    attach->sent_at = now;
    if (!error)
        error = reload_node_request(node, &attach->route, code, reload_writer_written(&body),
                                    answered, attach, now, &attach->request);
    if (error)
        reload_link_end(node, link, error, true, now);
}

/* Whether an Attach of |node_id| is being answered: the link that comes of it serves both ways. */
static bool
is_answering(const struct reload_node *node, const struct reload_node_id *node_id)
{
    size_t cursor = 0;
    struct reload_link *link;
    while ((link = reload_link_walk(node, &cursor)))
        if (link->state != RELOAD_LINK_UP && link->application == 0 && link->attach &&
            !link->attach->offerer && reload_node_id_equal(&link->node_id, node_id))
            return true;
    return false;
}

static int
offer(struct reload_node *node, const struct reload_route *route, uint16_t application,
      size_t usage, bool send_update, reload_attach_fn *done, void *argument, reload_time now)
{
    if (route->count == 0)
        return RELOAD_E_USAGE;
    const struct reload_destination *last = &route->entries[route->count - 1];
    bool to_node = last->type == RELOAD_DESTINATION_TYPE_NODE;
    if (to_node && !application &&
        (reload_attach_expected(node, &last->destination_data.node_id) ||
         is_answering(node, &last->destination_data.node_id)))
        return RELOAD_E_IN_PROGRESS;
    struct reload_link *link = begin(node, application, true, now);
    if (!link)
        return RELOAD_E_BUSY;
    struct reload_attach *attach = link->attach;
    link->usage = (uint8_t)usage;
    attach->send_update = send_update;
    attach->done = done;
    attach->argument = argument;
    attach->route = *route;
    attach->to_node = to_node;
    if (to_node) {
        attach->target = last->destination_data.node_id;
    } else if (last->type == RELOAD_DESTINATION_TYPE_RESOURCE) {
        struct reload_bytes resource = last->destination_data.resource_id;
        assert(resource.size <= sizeof attach->resource);
        memcpy(attach->resource, resource.data, resource.size);
        attach->route.entries[route->count - 1].destination_data.resource_id =
            (struct reload_bytes){attach->resource, resource.size};
    }
    return 0;
}

int
reload_node_attach(struct reload_node *node, const struct reload_route *route, bool send_update,
                   reload_attach_fn *done, void *argument, reload_time now)
{
    return offer(node, route, 0, 0, send_update, done, argument, now);
}

int
reload_node_app_attach(struct reload_node *node, const struct reload_route *route,
                       uint16_t application, reload_attach_fn *done, void *argument,
                       reload_time now)
{
    size_t usage;
    if (!usage_of_application(node, application, &usage))
        return RELOAD_E_USAGE;
    return offer(node, route, application, usage, false, done, argument, now);
}

/* ---- the answerer --------------------------------------------------------------------------- */

static void
send_answer(struct reload_node *node, struct reload_link *link, const struct reload_offer *offer,
            reload_time now)
{
    struct reload_attach *attach = link->attach;
    uint8_t data[BODY_MAX + 1024];
    struct reload_writer body = reload_writer_of(data, sizeof data);
    write_body(node, link, "active", offer, &body);
    if (body.failed) {
        reload_link_end(node, link, RELOAD_E_TOO_LARGE, true, now);
        return;
    }
    uint32_t id = link->id;
    reload_reply_send(node, attach->reply, 0, reload_writer_written(&body), NULL, 0, now);
    link = reload_link_find(node, id);
    if (!link)
        return;
    struct reload_offer *remote = attach->remote;
    attach->remote = NULL;
    reload_reply_free(node, attach->reply);
    attach->reply = NULL;
    if (push_connect(node, link, remote) != 0)
        reload_link_end(node, link, RELOAD_E_NOMEM, true, now);
}

void
reload_attach_gathered(struct reload_node *node, struct reload_link *link,
                       const struct reload_offer *offer, reload_time now)
{
    if (link->state != RELOAD_LINK_GATHERING || !link->attach)
        return;
    if (!offer || offer->candidate_count == 0)
        reload_link_end(node, link, RELOAD_E_UNREACHABLE, true, now);
    else if (link->attach->offerer)
        send_request(node, link, offer, now);
    else
        send_answer(node, link, offer, now);
}

/* 6.5.1.2: both ends may Attach to each other at the same time. Returns 0 when the request of
 * |signer_id| is to be answered, and then |*own| is our link that it takes the place of, or NULL.
 * Our link may stand already when the request of an end that gave way arrives. */
static int
break_tie(struct reload_node *node, const struct reload_node_id *signer_id,
          struct reload_link **own, reload_time now)
{
    bool we_are_larger = reload_node_id_compare(&node->id, signer_id) > 0;
    const struct reload_link *up = reload_link_of_node(node, signer_id);
    if (up && up->offered && we_are_larger && now - up->up_at <= CROSSING_MAX)
        return RELOAD_E_IN_PROGRESS;
    *own = reload_attach_expected(node, signer_id);
    if (!*own)
        return 0;
    if ((*own)->state == RELOAD_LINK_CONNECTING || we_are_larger)
        return RELOAD_E_IN_PROGRESS;
    return 0;
}

static int
check_load(struct reload_node *node, const struct reload_node_id *signer_id, bool is_app)
{
    size_t all = 0, of_signer = 0, standing = 0, cursor = 0;
    struct reload_link *link;
    while ((link = reload_link_walk(node, &cursor))) {
        bool is_signers = reload_node_id_equal(&link->node_id, signer_id);
        standing += is_signers && link->application && link->state == RELOAD_LINK_UP;
        if (link->state == RELOAD_LINK_UP || !link->attach || link->attach->offerer)
            continue;
        all++;
        of_signer += is_signers;
    }
    bool full = all >= ANSWERING_MAX || of_signer >= ANSWERING_PER_SIGNER_MAX;
    return full || (is_app && standing >= APPLICATIONS_PER_NODE_MAX) ? RELOAD_E_BUSY : 0;
}

/* Takes over what |own|, our Attach that gave way, was asked for. */
static void
inherit(struct reload_node *node, struct reload_link *link, struct reload_link *own,
        reload_time now)
{
    link->attach->done = own->attach->done;
    link->attach->argument = own->attach->argument;
    link->attach->send_update = own->attach->send_update;
    reload_attach_abandon(node, own);
    reload_link_end(node, own, 0, true, now);
}

static int
answer_later(struct reload_node *node, const struct reload_incoming *incoming,
             const struct proposal *proposal, size_t usage, struct reload_link *own,
             reload_time now)
{
    struct reload_link *link = begin(node, proposal->application, false, now);
    if (!link)
        return RELOAD_E_BUSY;
    struct reload_attach *attach = link->attach;
    link->usage = (uint8_t)usage;
    link->node_id = incoming->signer_id;
    link->wants_update = proposal->send_update;
    attach->remote = copy_offer(node, &proposal->offer);
    attach->reply = reload_reply_new(node, incoming, true);
    if (!attach->remote || !attach->reply ||
        reload_reply_digest(node, attach->reply, incoming) != 0) {
        reload_attach_abandon(node, link); /* our caller answers */
        reload_link_end(node, link, RELOAD_E_NOMEM, true, now);
        return RELOAD_E_NOMEM;
    }
    if (own)
        inherit(node, link, own, now);
    return RELOAD_ANSWER_LATER;
}

static int
check_proposal(struct reload_node *node, const struct reload_incoming *incoming, bool is_app,
               struct proposal *proposal)
{
    *proposal = (struct proposal){0};
    int error = read_body(node, incoming->message->contents.message_body, is_app, proposal);
    if (error)
        return RELOAD_E_MALFORMED;
    if (!reload_bytes_equal(proposal->role, reload_bytes_of_string("passive")))
        return RELOAD_E_MALFORMED;
    if (reload_node_id_equal(&incoming->signer_id, &node->id))
        return RELOAD_E_NOT_FOUND;
    return check_load(node, &incoming->signer_id, is_app);
}

int
reload_handle_attach(struct reload_node *node, const struct reload_incoming *incoming,
                     struct reload_answer *answer, reload_time now)
{
    (void)answer;
    struct proposal proposal;
    struct reload_link *own = NULL;
    int error = check_proposal(node, incoming, false, &proposal);
    if (!error)
        error = break_tie(node, &incoming->signer_id, &own, now);
    return error ? error : answer_later(node, incoming, &proposal, 0, own, now);
}

int
reload_handle_app_attach(struct reload_node *node, const struct reload_incoming *incoming,
                         struct reload_answer *answer, reload_time now)
{
    (void)answer;
    struct proposal proposal;
    int error = check_proposal(node, incoming, true, &proposal);
    if (error)
        return error;
    size_t usage;
    if (!usage_of_application(node, proposal.application, &usage))
        return RELOAD_E_NOT_FOUND;
    const struct reload_usage_ops *ops = node->options.usages[usage];
    if (ops->app_attach)
        error =
            ops->app_attach(node->usage_states[usage], proposal.application, incoming->signer, now);
    return error ? error : answer_later(node, incoming, &proposal, usage, NULL, now);
}
