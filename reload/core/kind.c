/* kind.c: the Kinds that a node knows.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "reload/core/kind.h"

#include <assert.h>

/* What RFC 6940 (8, 9) and RFC 7904 (6) define, for documents that ask for a Kind which no usage of
 * this node defines: it is stored and served all the same. */
static const struct reload_kind registered[] = {
    {.kind = RELOAD_KIND_SIP_REGISTRATION,
     .name = "SIP-REGISTRATION",
     .data_model = RELOAD_DATA_MODEL_DICTIONARY,
     .access_policy = RELOAD_ACCESS_USER_NODE_MATCH},
    {.kind = RELOAD_KIND_TURN_SERVICE,
     .name = "TURN-SERVICE",
     .data_model = RELOAD_DATA_MODEL_SINGLE_VALUE,
     .access_policy = RELOAD_ACCESS_NODE_MULTIPLE,
     .max_node_multiple = 20},
    {.kind = RELOAD_KIND_CERTIFICATE_BY_NODE,
     .name = "CERTIFICATE_BY_NODE",
     .data_model = RELOAD_DATA_MODEL_ARRAY,
     .access_policy = RELOAD_ACCESS_NODE_MATCH},
    {.kind = RELOAD_KIND_CERTIFICATE_BY_USER,
     .name = "CERTIFICATE_BY_USER",
     .data_model = RELOAD_DATA_MODEL_ARRAY,
     .access_policy = RELOAD_ACCESS_USER_MATCH},
};

static const struct reload_kind *
find_registered(uint32_t kind)
{
    for (size_t i = 0; i < sizeof registered / sizeof registered[0]; i++)
        if (registered[i].kind == kind)
            return &registered[i];
    return NULL;
}

/* The place of |kind| among the rows, or the one where it belongs. */
static size_t
position(const struct reload_kinds *kinds, uint32_t kind)
{
    size_t begin = 0, end = kinds->count;
    while (begin < end) {
        size_t middle = begin + (end - begin) / 2;
        if (kinds->rows[middle].kind < kind)
            begin = middle + 1;
        else
            end = middle;
    }
    return begin;
}

static struct reload_kind *
find(const struct reload_kinds *kinds, uint32_t kind)
{
    size_t at = position(kinds, kind);
    return at < kinds->count && kinds->rows[at].kind == kind ? &kinds->rows[at] : NULL;
}

/* There is room for all rows of document and usages. */
static struct reload_kind *
insert(struct reload_kinds *kinds, const struct reload_kind *row)
{
    size_t at = position(kinds, row->kind);
    struct reload_kind *place = &kinds->rows[at];
    memmove(place + 1, place, (kinds->count - at) * sizeof *place);
    *place = *row;
    kinds->count++;
    return place;
}

static int
check(const struct reload_kind *row)
{
    if (row->data_model < RELOAD_DATA_MODEL_SINGLE_VALUE ||
        row->data_model > RELOAD_DATA_MODEL_DICTIONARY || row->max_count == 0)
        return RELOAD_E_CONFIG;
    switch (row->access_policy) {
    case RELOAD_ACCESS_USER_MATCH:
    case RELOAD_ACCESS_NODE_MATCH:
        return 0;
    case RELOAD_ACCESS_USER_NODE_MATCH: /* RFC6940 7.3.3: only with dictionary types */
        return row->data_model == RELOAD_DATA_MODEL_DICTIONARY ? 0 : RELOAD_E_CONFIG;
    case RELOAD_ACCESS_NODE_MULTIPLE: /* RFC6940 7.3.4: the maximum MUST be specified; D25: one
                                         octet */
        return row->max_node_multiple >= 1 && row->max_node_multiple <= 255 ? 0 : RELOAD_E_CONFIG;
    default:
        return RELOAD_E_CONFIG;
    }
}

static int
add_required(struct reload_kinds *kinds, const struct reload_config_kind *required)
{
    struct reload_kind *row = find(kinds, required->kind);
    const struct reload_kind *standard = find_registered(required->kind);
    struct reload_kind made = {.kind = required->kind,
                               .name = "",
                               .data_model = required->data_model,
                               .access_policy = required->access_policy,
                               .max_node_multiple = required->max_node_multiple};
    /* A private Kind that a usage defines must be what that usage expects. */
    if (row && !standard &&
        (row->data_model != made.data_model || row->access_policy != made.access_policy))
        return RELOAD_E_CONFIG;
    if (!row)
        row = insert(kinds, standard ? standard : &made);
    row->max_count = required->max_count;
    row->max_size = required->max_size;
    return check(row);
}

int
reload_kinds_init(struct reload_kinds *kinds, const struct reload_env *env,
                  const struct reload_config *config, const struct reload_usage_ops *const *usages,
                  size_t usage_count)
{
    *kinds = (struct reload_kinds){.env = env};
    size_t count = config->kind_count;
    for (size_t i = 0; i < usage_count; i++)
        count += usages[i]->kind_count;
    if (count == 0)
        return 0;
    kinds->rows = env->allocate(env->context, NULL, count * sizeof *kinds->rows);
    if (!kinds->rows)
        return RELOAD_E_NOMEM;
    int error = 0;
    for (size_t i = 0; i < usage_count; i++)
        for (size_t j = 0; j < usages[i]->kind_count && !error; j++)
            if (!find(kinds, usages[i]->kinds[j].kind))
                error = check(insert(kinds, &usages[i]->kinds[j]));
    for (size_t i = 0; i < config->kind_count && !error; i++)
        error = add_required(kinds, &config->kinds[i]);
    assert(kinds->count <= count);
    if (error)
        reload_kinds_fini(kinds);
    return error;
}

void
reload_kinds_fini(struct reload_kinds *kinds)
{
    if (kinds->rows)
        (void)kinds->env->allocate(kinds->env->context, kinds->rows, 0);
    kinds->rows = NULL;
    kinds->count = 0;
}

const struct reload_kind *
reload_kinds_find(const struct reload_kinds *kinds, uint32_t kind)
{
    return find(kinds, kind);
}

int
reload_kinds_model(const void *kinds, uint32_t kind)
{
    const struct reload_kind *row = find(kinds, kind);
    return row ? row->data_model : 0;
}

void
reload_kinds_unknown(struct reload_writer *info, uint32_t kind)
{
    if (info->size == 0)
        reload_writer_u8(info, 0);
    if (info->failed || info->size + 4 > 256)
        return;
    reload_writer_u32(info, kind);
    info->data[0] = (uint8_t)(info->size - 1);
}
