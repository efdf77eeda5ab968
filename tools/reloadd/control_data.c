/* control_data.c: what is kept in the overlay: fetch, store, remove. Any Kind that the document or
 * a usage defines. RFC 6940 7.4.
 *
 * Where: "resource" (hex), "node" (a Node-ID in hex, hashed) or "name" (hashed), else our own AOR.
 * What: "kind" (a number or a registered name); of a dictionary "key" (hex; else our Node-ID), of
 * an array "index" or "first" and "last". SPDX-License-Identifier: BSD-2-Clause */
#include "reload/usage.h"
#include "tools/reloadd/control.h"
#include "usages/certificate_store.h"
#include "usages/sip.h"
#include "usages/turn_service.h"

#include <stdlib.h>

#define KEY_MAX 255
#define VALUE_MAX (1u << 18)
#define LIFETIME_DEFAULT_S 86400u
#define APPEND UINT32_MAX

static const struct reload_usage_ops *const usages[] = {
    &reload_certificate_store_usage, &reload_turn_service_usage, &reload_sip_usage};

/* ---- arguments ------------------------------------------------------------------------------ */

static bool
kind_by_name(const char *name, uint32_t *kind)
{
    for (size_t u = 0; u < sizeof usages / sizeof *usages; u++)
        for (size_t k = 0; k < usages[u]->kind_count; k++)
            if (strcasecmp(usages[u]->kinds[k].name, name) == 0) {
                *kind = usages[u]->kinds[k].kind;
                return true;
            }
    return false;
}

static bool
read_kind(const struct control_request *request, uint32_t *kind)
{
    const json_t *value = json_object_get(request->arguments, "kind");
    if (json_is_integer(value) && json_integer_value(value) > 0 &&
        json_integer_value(value) <= UINT32_MAX) {
        *kind = (uint32_t)json_integer_value(value);
        return true;
    }
    return json_is_string(value) && kind_by_name(json_string_value(value), kind);
}

/* Fills |request->resource|. */
static bool
read_resource(struct control_request *request)
{
    struct daemon *daemon = request->daemon;
    if (control_text(request, "resource"))
        return control_hex(request, "resource", request->resource, sizeof request->resource,
                           &request->resource_size) &&
               request->resource_size > 0;
    if (control_text(request, "node")) {
        uint8_t node_id[RELOAD_NODE_ID_SIZE_MAX];
        size_t size;
        return control_hex(request, "node", node_id, sizeof node_id, &size) &&
               size == daemon->config->node_id_length &&
               reload_node_resource(daemon_node(daemon), (struct reload_bytes){node_id, size},
                                    request->resource, &request->resource_size) == 0;
    }
    const char *name = control_text(request, "name");
    if (!name)
        name = daemon->keyring->ops->self(daemon->keyring)->user_name;
    return reload_node_resource(daemon_node(daemon), reload_bytes_of_string(name),
                                request->resource, &request->resource_size) == 0;
}

static uint32_t
read_number(const struct control_request *request, const char *name, uint32_t otherwise)
{
    const json_t *value = json_object_get(request->arguments, name);
    json_int_t number = json_is_integer(value) ? json_integer_value(value) : otherwise;
    return number < 0 || number > UINT32_MAX ? otherwise : (uint32_t)number;
}

/* Refuses what says nothing about values of |model|: it would look as if it had been heard. */
static bool
fits_model(struct control_request *request, uint8_t model)
{
    static const struct {
        const char *name;
        uint8_t model;
    } members[] = {{"index", RELOAD_DATA_MODEL_ARRAY},
                   {"first", RELOAD_DATA_MODEL_ARRAY},
                   {"last", RELOAD_DATA_MODEL_ARRAY},
                   {"key", RELOAD_DATA_MODEL_DICTIONARY}};
    for (size_t i = 0; i < sizeof members / sizeof *members; i++) {
        if (members[i].model == model || !json_object_get(request->arguments, members[i].name))
            continue;
        control_refuse(request, "'%s' is for Kinds that are %s, and this one is not",
                       members[i].name,
                       members[i].model == RELOAD_DATA_MODEL_ARRAY ? "arrays" : "dictionaries");
        return false;
    }
    return true;
}

/* Reads resource and Kind, and tells the Kind's data model. Answers the request when they are
 * wrong. */
static bool
read_target(struct control_request *request, uint32_t *kind, uint8_t *model)
{
    if (!read_kind(request, kind)) {
        control_refuse(request, "'kind' must be a Kind-ID or the name of a registered Kind");
        return false;
    }
    *model = reload_wire_kind_model(reload_node_wire(daemon_node(request->daemon)), *kind);
    if (*model == 0) {
        control_refuse(request, "Kind %u is not one of this overlay", *kind);
        return false;
    }
    if (!read_resource(request)) {
        control_refuse(
            request,
            "'resource' must be a Resource-ID in hex, 'node' a Node-ID in hex, or 'name' a name");
        return false;
    }
    return fits_model(request, *model);
}

/* The dictionary key; our own Node-ID when none is given. */
static bool
read_key(struct control_request *request, uint8_t *key, size_t *size)
{
    if (control_text(request, "key"))
        return control_hex(request, "key", key, KEY_MAX, size);
    *size = request->daemon->config->node_id_length;
    memcpy(key, reload_node_id(daemon_node(request->daemon))->octets, *size);
    return true;
}

/* ---- results -------------------------------------------------------------------------------- */

static void
print_bytes(struct reload_json *json, const char *key, struct reload_bytes bytes)
{
    reload_json_key(json, key);
    reload_json_hex(json, bytes);
}

static void
refuse_result(struct control_request *request, const struct reload_result *result)
{
    if (result->error != RELOAD_E_REFUSED) {
        control_refuse(request, "%s", reload_error_text(result->error));
        return;
    }
    control_refuse(request, "the overlay refused: %s (error code %u)%s%.*s",
                   reload_error_code_name(result->error_code), result->error_code,
                   result->error_info.size ? ": " : "",
                   result->error_info.size < 200 ? (int)result->error_info.size : 200,
                   (const char *)result->error_info.data);
}

/* Members that every answer has. */
static void
print_result(struct control_request *request, const struct reload_result *result)
{
    struct reload_json *json = &request->result;
    if (!reload_node_id_is_zero(&result->responder_id)) { /* else there are several */
        reload_json_key(json, "responder");
        reload_node_id_print(json, reload_node_wire(daemon_node(request->daemon)),
                             &result->responder_id);
        reload_json_key(json, "hops");
        reload_json_uint(json, result->hops);
    }
    reload_json_key(json, "elapsed_ms");
    reload_json_number(json, (double)result->elapsed_ns / 1e6, 3);
}

/* ---- fetch ---------------------------------------------------------------------------------- */

static void
print_value(void *argument, const struct reload_fetched_value *value, reload_time now)
{
    (void)now;
    struct control_request *request = argument;
    struct reload_json *json = &request->result;
    uint8_t model =
        reload_wire_kind_model(reload_node_wire(daemon_node(request->daemon)), value->kind);
    reload_json_begin_object(json);
    reload_json_key(json, "kind");
    reload_json_uint(json, value->kind);
    reload_json_key(json, "generation");
    reload_json_uint(json, value->generation);
    if (model == RELOAD_DATA_MODEL_ARRAY) {
        reload_json_key(json, "index");
        reload_json_uint(json, value->index);
    }
    if (model == RELOAD_DATA_MODEL_DICTIONARY)
        print_bytes(json, "key", value->key);
    reload_json_key(json, "exists");
    reload_json_boolean(json, value->exists);
    print_bytes(json, "value", value->value);
    if (value->value.size && reload_json_is_text(value->value)) {
        reload_json_key(json, "text");
        reload_json_string(json, value->value);
    }
    reload_json_key(json, "storage_time_ms");
    reload_json_uint(json, value->storage_time_ms);
    reload_json_key(json, "lifetime_s");
    reload_json_uint(json, value->lifetime_s);
    reload_json_key(json, "signer");
    reload_json_text(json, value->signer ? value->signer->user_name : NULL);
    reload_json_end_object(json);
}

static void
fetched(void *argument, const struct reload_result *result, reload_time now)
{
    (void)now;
    struct control_request *request = argument;
    if (result->error) {
        refuse_result(request, result);
        return;
    }
    reload_json_end_array(&request->result);
    print_result(request, result);
    reload_json_end_object(&request->result);
    control_answer(request);
}

/* The ways that a Fetch may go. Answers the request when they are wrong. */
static bool
read_ways(struct control_request *request, struct reload_route *route)
{
    static const char *const names[] = {[RELOAD_REPLICAS_NONE] = "none",
                                        [RELOAD_REPLICAS_IF_NEEDED] = "if-needed",
                                        [RELOAD_REPLICAS_ALL] = "all"};
    const char *wanted = control_text(request, "replicas");
    uint32_t copies = read_number(request, "copies", 1);
    size_t i = 0;
    while (wanted && i < sizeof names / sizeof names[0] && strcmp(names[i], wanted) != 0)
        i++;
    if (i == sizeof names / sizeof names[0] || copies < 1 || copies > RELOAD_COPIES_MAX) {
        control_refuse(request, "'replicas' must be none, if-needed or all; 'copies' 1 to %d",
                       RELOAD_COPIES_MAX);
        return false;
    }
    route->copies = (uint8_t)copies;
    route->replicas = (enum reload_replicas)i;
    return true;
}

void
control_fetch(struct control_request *request)
{
    struct reload_fetch_specifier specifier = {.last = UINT32_MAX};
    uint8_t model, key[KEY_MAX];
    size_t key_size = 0;
    if (!read_target(request, &specifier.kind, &model))
        return;
    specifier.first = read_number(request, "first", 0);
    specifier.last = read_number(request, "last", UINT32_MAX);
    specifier.all_keys = !control_text(request, "key");
    if (!specifier.all_keys && !control_hex(request, "key", key, sizeof key, &key_size)) {
        control_refuse(request, "'key' must be hex");
        return;
    }
    specifier.key = (struct reload_bytes){key, key_size};
    struct reload_json *json = &request->result;
    struct reload_bytes resource = {request->resource, request->resource_size};
    struct reload_route route = reload_route_to_resource(resource);
    if (!read_ways(request, &route))
        return;
    reload_json_begin_object(json);
    print_bytes(json, "resource", resource);
    reload_json_key(json, "values");
    reload_json_begin_array(json);
    int error =
        reload_node_fetch_along(daemon_node(request->daemon), &route, resource, &specifier, 1,
                                print_value, fetched, request, daemon_now(request->daemon));
    if (error)
        control_refuse(request, "%s", reload_error_text(error));
}

/* ---- store, remove -------------------------------------------------------------------------- */

static void
stored(void *argument, const struct reload_result *result, reload_time now)
{
    (void)now;
    struct control_request *request = argument;
    if (result->error) {
        refuse_result(request, result);
        return;
    }
    struct reload_json *json = &request->result;
    reload_json_begin_object(json);
    print_bytes(json, "resource", (struct reload_bytes){request->resource, request->resource_size});
    print_result(request, result);
    reload_json_end_object(json);
    control_answer(request);
}

/* |value|: what to store; with |exists| false, what to remove. */
static void
store(struct control_request *request, struct reload_bytes octets, bool exists)
{
    struct reload_store_value value = {.value = octets, .exists = exists};
    uint8_t model, key[KEY_MAX];
    size_t key_size;
    if (!read_target(request, &value.kind, &model))
        return;
    value.lifetime_s = read_number(request, "lifetime", LIFETIME_DEFAULT_S);
    value.index = read_number(request, "index", APPEND);
    if (model == RELOAD_DATA_MODEL_ARRAY && !exists && value.index == APPEND) {
        control_refuse(request, "which value of the array to remove? Give 'index'");
        return;
    }
    if (model == RELOAD_DATA_MODEL_DICTIONARY) {
        if (!read_key(request, key, &key_size)) {
            control_refuse(request, "'key' must be hex");
            return;
        }
        value.key = (struct reload_bytes){key, key_size};
    }
    struct reload_bytes resource = {request->resource, request->resource_size};
    int error = reload_node_store(daemon_node(request->daemon), resource, &value, 1, stored,
                                  request, daemon_now(request->daemon));
    if (error == RELOAD_E_TOO_LARGE)
        control_refuse(request, "the value is larger than its Kind, or a message, may be");
    else if (error)
        control_refuse(request, "%s", reload_error_text(error));
}

void
control_store(struct control_request *request)
{
    const char *text = control_text(request, "text");
    if (text) {
        store(request, reload_bytes_of_string(text), true);
        return;
    }
    uint8_t *data = malloc(VALUE_MAX);
    size_t size;
    if (!data)
        control_refuse(request, "out of memory");
    else if (!control_hex(request, "value", data, VALUE_MAX, &size))
        control_refuse(request, "'value' must be hex, at most %u octets, or 'text' a text",
                       VALUE_MAX);
    else
        store(request, (struct reload_bytes){data, size}, true);
    free(data);
}

void
control_remove(struct control_request *request)
{
    store(request, (struct reload_bytes){0}, false);
}
