/* config_kinds.c: required-kinds of a configuration. RFC 6940 11.1, 14.6; I7.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "certs/config_internal.h"

#include "reload/wire/wire.h"

#include <errno.h>
#include <stdlib.h>
#include <strings.h>

/* Registered Kinds: their model and policy are the registry's, whatever a document says (11.1). */
static const struct {
    const char *name;
    uint32_t kind;
    uint8_t data_model;
    uint8_t access_policy;
} registered[] = {
    {"SIP-REGISTRATION", RELOAD_KIND_SIP_REGISTRATION, RELOAD_DATA_MODEL_DICTIONARY,
     RELOAD_ACCESS_USER_NODE_MATCH},
    {"TURN-SERVICE", RELOAD_KIND_TURN_SERVICE, RELOAD_DATA_MODEL_SINGLE_VALUE,
     RELOAD_ACCESS_NODE_MULTIPLE},
    {"CERTIFICATE_BY_NODE", RELOAD_KIND_CERTIFICATE_BY_NODE, RELOAD_DATA_MODEL_ARRAY,
     RELOAD_ACCESS_NODE_MATCH},
    {"CERTIFICATE_BY_USER", RELOAD_KIND_CERTIFICATE_BY_USER, RELOAD_DATA_MODEL_ARRAY,
     RELOAD_ACCESS_USER_MATCH},
};

struct name {
    const char *name;
    uint8_t value;
};

static const struct name models[] = {
    {"SINGLE", RELOAD_DATA_MODEL_SINGLE_VALUE},
    {"ARRAY", RELOAD_DATA_MODEL_ARRAY},
    {"DICTIONARY", RELOAD_DATA_MODEL_DICTIONARY},
};

static const struct name policies[] = {
    {"USER-MATCH", RELOAD_ACCESS_USER_MATCH},
    {"NODE-MATCH", RELOAD_ACCESS_NODE_MATCH},
    {"USER-NODE-MATCH", RELOAD_ACCESS_USER_NODE_MATCH},
    {"NODE-MULTIPLE", RELOAD_ACCESS_NODE_MULTIPLE},
};

static int
read_name(struct reload_config_reader *reader, xmlNode *node, const struct name *names,
          size_t count, uint8_t *value)
{
    char text[64];
    int error = reload_config_text(reader, node, text, sizeof text);
    for (size_t i = 0; !error && i < count; i++)
        if (strcasecmp(text, names[i].name) == 0) {
            *value = names[i].value;
            return 0;
        }
    return error ? error : reload_config_refuse(reader, node, "'%s' is not supported", text);
}

static int
read_limit(struct reload_config_reader *reader, xmlNode *node, uint64_t min, uint32_t *value)
{
    uint64_t number;
    int error = reload_config_number(reader, node, min, INT32_MAX, &number);
    if (!error)
        *value = (uint32_t)number;
    return error;
}

static int
read_parameter(struct reload_config_reader *reader, xmlNode *node, struct reload_config_kind *kind)
{
    const char *name = (const char *)node->name;
    if (strcmp(name, "data-model") == 0)
        return read_name(reader, node, models, 3, &kind->data_model);
    if (strcmp(name, "access-control") == 0)
        return read_name(reader, node, policies, 4, &kind->access_policy);
    if (strcmp(name, "max-count") == 0)
        return read_limit(reader, node, 1, &kind->max_count);
    if (strcmp(name, "max-size") == 0)
        return read_limit(reader, node, 0, &kind->max_size);
    if (strcmp(name, "max-node-multiple") == 0)
        return read_limit(reader, node, 1, &kind->max_node_multiple);
    return 0;
}

/* The Kind by its name or id attribute; |*index| is its row in the registry, or SIZE_MAX. */
static int
read_identity(struct reload_config_reader *reader, xmlNode *node, uint32_t *kind, size_t *index)
{
    char name[64], id[32], *end;
    bool has_name, has_id;
    int error = reload_config_attribute(reader, node, "name", name, sizeof name, &has_name);
    if (!error)
        error = reload_config_attribute(reader, node, "id", id, sizeof id, &has_id);
    if (error)
        return error;
    if (has_name == has_id)
        return reload_config_refuse(reader, node, "needs a name or an id, and not both");
    errno = 0;
    unsigned long long number = has_id ? strtoull(id, &end, 0) : 0;
    if (has_id &&
        (errno || *end || id[0] < '0' || id[0] > '9' || number == 0 || number > UINT32_MAX))
        return reload_config_refuse(reader, node, "id '%s' is not a Kind-ID", id);
    *index = SIZE_MAX;
    for (size_t i = 0; i < sizeof registered / sizeof registered[0]; i++)
        if (has_name ? strcasecmp(name, registered[i].name) == 0 : number == registered[i].kind)
            *index = i;
    if (has_name && *index == SIZE_MAX)
        return reload_config_refuse(
            reader, node, "the Kind '%s' is not registered; give private Kinds an id", name);
    *kind = *index == SIZE_MAX ? (uint32_t)number : registered[*index].kind;
    return 0;
}

static int
check_kind(struct reload_config_reader *reader, xmlNode *node,
           const struct reload_config_kind *kind)
{
    const struct reload_config *config = &reader->document->config;
    if (!kind->data_model || !kind->access_policy || !kind->max_count)
        return reload_config_refuse(reader, node,
                                    "needs data-model, access-control, max-count and max-size");
    if (kind->access_policy == RELOAD_ACCESS_NODE_MULTIPLE && !kind->max_node_multiple)
        return reload_config_refuse(reader, node, "NODE-MULTIPLE needs max-node-multiple");
    for (size_t i = 0; i < config->kind_count; i++)
        if (config->kinds[i].kind == kind->kind)
            return reload_config_refuse(reader, node, "the Kind %u is defined twice", kind->kind);
    return 0;
}

static int
read_kind(struct reload_config_reader *reader, xmlNode *node)
{
    struct reload_config *config = &reader->document->config;
    struct reload_config_kind kind = {0};
    size_t index = SIZE_MAX;
    bool has_size = false;
    if (config->kind_count == RELOAD_CONFIG_KINDS_MAX)
        return reload_config_refuse(reader, node, "more than %d Kinds", RELOAD_CONFIG_KINDS_MAX);
    int error = read_identity(reader, node, &kind.kind, &index);
    for (xmlNode *child = node->children; !error && child; child = child->next) {
        if (child->type != XML_ELEMENT_NODE || reload_config_is_foreign(child))
            continue;
        has_size |= reload_config_is(child, "max-size");
        error = read_parameter(reader, child, &kind);
    }
    if (error)
        return error;
    if (index != SIZE_MAX) {
        if ((kind.data_model && kind.data_model != registered[index].data_model) ||
            (kind.access_policy && kind.access_policy != registered[index].access_policy))
            reload_config_warn(reader, node,
                               "data-model or access-control of %s is not the registered one, "
                               "which is taken instead",
                               registered[index].name);
        kind.data_model = registered[index].data_model;
        kind.access_policy = registered[index].access_policy;
        if (kind.access_policy == RELOAD_ACCESS_NODE_MULTIPLE && !kind.max_node_multiple)
            kind.max_node_multiple = 20;
    }
    error = check_kind(reader, node, &kind);
    if (!error && !has_size)
        error = reload_config_refuse(reader, node, "needs max-size");
    if (!error)
        config->kinds[config->kind_count++] = kind;
    return error;
}

/* The signature of the Kind that was read last, over the bytes of its element |kind| (11.1). */
static int
read_kind_signature(struct reload_config_reader *reader, xmlNode *node, const xmlNode *kind)
{
    struct reload_config_document *document = reader->document;
    size_t index = document->config.kind_count - 1;
    struct reload_config_signature *signature = &document->kind_signatures[index];
    if (signature->block)
        return reload_config_refuse(reader, node, "stands twice in a kind-block");
    document->config.kinds[index].block = reload_config_bytes(document->config.document, kind);
    return reload_config_base64(reader, node, &signature->block, &signature->size);
}

static int
read_block(struct reload_config_reader *reader, xmlNode *block)
{
    xmlNode *kind = NULL;
    int error = 0;
    for (xmlNode *child = block->children; !error && child; child = child->next) {
        if (!reload_config_is(child, "kind"))
            continue;
        error = kind ? reload_config_refuse(reader, child, "stands twice in a kind-block")
                     : read_kind(reader, child);
        kind = child;
    }
    if (!error && !kind)
        error = reload_config_refuse(reader, block, "has no <kind>");
    for (xmlNode *child = block->children; !error && child; child = child->next)
        if (reload_config_is(child, "kind-signature"))
            error = read_kind_signature(reader, child, kind);
    return error;
}

int
reload_config_read_kinds(struct reload_config_reader *reader, xmlNode *node)
{
    for (xmlNode *block = node->children; block; block = block->next) {
        int error = reload_config_is(block, "kind-block") ? read_block(reader, block) : 0;
        if (error)
            return error;
    }
    return 0;
}
