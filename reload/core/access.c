/* access.c: the access control policies, one function each, in a table. RFC 6940 7.3.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "reload/core/access.h"

#include "reload/core/node_internal.h"
#include "reload/core/value.h"

/* One question: may |signer| write here? */
struct question {
    const struct reload_access_hash *hash;
    const struct reload_kind *row;
    struct reload_bytes resource, key;
    const struct reload_access_signer *signer;
};

static int
hashes_to_resource(const struct question *question, struct reload_bytes name)
{
    uint8_t resource[RELOAD_NODE_ID_SIZE_MAX];
    size_t size = 0;
    int error = question->hash->resource_id(question->hash->state, name, resource, &size);
    if (error)
        return error;
    return reload_bytes_equal(question->resource, (struct reload_bytes){resource, size})
               ? 0
               : RELOAD_E_FORBIDDEN;
}

static struct reload_bytes
node_id(const struct question *question)
{
    return reload_node_id_bytes(question->signer->node_id, question->hash->node_id_length);
}

/* RFC6940 7.3.1: the certificate's user name hashes to the Resource-ID. */
static int
user_match(const struct question *question)
{
    const char *name = question->signer->identity->user_name;
    if (!*name)
        return RELOAD_E_FORBIDDEN;
    return hashes_to_resource(question, reload_bytes_of_string(name));
}

/* RFC6940 7.3.2: the Node-ID that signed hashes to the Resource-ID. */
static int
node_match(const struct question *question)
{
    return hashes_to_resource(question, node_id(question));
}

/* RFC6940 7.3.3: the user name hashes to the Resource-ID, and the dictionary key is the Node-ID. */
static int
user_node_match(const struct question *question)
{
    if (question->row->data_model != RELOAD_DATA_MODEL_DICTIONARY ||
        !reload_bytes_equal(question->key, node_id(question)))
        return RELOAD_E_FORBIDDEN;
    return user_match(question);
}

/* RFC6940 7.3.4: Node-ID || i hashes to the Resource-ID for some i; D25: i is one octet. */
static int
node_multiple(const struct question *question)
{
    uint8_t name[RELOAD_NODE_ID_SIZE_MAX + 1];
    struct reload_bytes id = node_id(question);
    memcpy(name, id.data, id.size);
    for (uint32_t i = 0; i <= question->row->max_node_multiple && i <= 255; i++) {
        name[id.size] = (uint8_t)i;
        int error = hashes_to_resource(question, (struct reload_bytes){name, id.size + 1});
        if (error != RELOAD_E_FORBIDDEN)
            return error;
    }
    return RELOAD_E_FORBIDDEN;
}

static int (*const policies[])(const struct question *question) = {
    [RELOAD_ACCESS_USER_MATCH] = user_match,
    [RELOAD_ACCESS_NODE_MATCH] = node_match,
    [RELOAD_ACCESS_USER_NODE_MATCH] = user_node_match,
    [RELOAD_ACCESS_NODE_MULTIPLE] = node_multiple,
};

int
reload_access_check(const struct reload_access_hash *hash, const struct reload_kind *row,
                    struct reload_bytes resource, struct reload_bytes key,
                    const struct reload_access_signer *signer)
{
    if (row->access_policy >= sizeof policies / sizeof policies[0] ||
        !policies[row->access_policy] || !reload_identity_has(signer->identity, signer->node_id))
        return RELOAD_E_FORBIDDEN;
    struct question question = {hash, row, resource, key, signer};
    return policies[row->access_policy](&question);
}

/* ---- whole values --------------------------------------------------------------------------- */

static struct reload_bytes
dictionary_key(const struct reload_kind *row, const struct reload_value *value)
{
    return row->data_model == RELOAD_DATA_MODEL_DICTIONARY ? value->key : (struct reload_bytes){0};
}

int
reload_access_check_value(struct reload_node *node, const struct reload_kind *row,
                          struct reload_bytes resource, const struct reload_value *value,
                          const struct reload_identity *signer,
                          const struct reload_node_id *signer_id)
{
    struct reload_access_hash hash = {.resource_id = node->topology->resource_id,
                                      .state = node->topology_state,
                                      .node_id_length = node->wire.node_id_length};
    struct reload_access_signer who = {signer, signer_id};
    int error = reload_access_check(&hash, row, resource, dictionary_key(row, value), &who);
    if (!error && row->permit)
        error = row->permit(node->config, signer);
    return error;
}

int
reload_access_check_content(struct reload_node *node, const struct reload_kind *row,
                            const struct reload_value *value)
{
    const struct reload_data_value *data = reload_value_data(&value->data);
    if (!data->exists || !row->check)
        return 0;
    return row->check(&node->wire, dictionary_key(row, value), data->value);
}
