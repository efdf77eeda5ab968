/* config_schema.c: documents against the RELAX NG grammar, spec/config.rng, which is built in.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "certs/config_internal.h"
#include "certs/config_schema_data.h"

#include <libxml/relaxng.h>

/* Collects the first fault; others usually follow from it. */
struct faults {
    struct reload_config_reader *reader;
    char first[256];
    int line;
};

static void
note_fault(void *argument, const xmlError *fault)
{
    struct faults *faults = argument;
    if (faults->first[0] || !fault->message)
        return;
    snprintf(faults->first, sizeof faults->first, "%s", fault->message);
    faults->first[strcspn(faults->first, "\n")] = 0;
    faults->line = fault->line;
}

static void
note_fault_mutable(void *argument, xmlErrorPtr fault)
{
    note_fault(argument, fault);
}

int
reload_config_validate(struct reload_config_reader *reader, xmlDoc *document)
{
    struct faults faults = {.reader = reader};
    xmlRelaxNGParserCtxt *parser =
        xmlRelaxNGNewMemParserCtxt((const char *)config_schema_data, (int)config_schema_data_size);
    xmlRelaxNG *schema = parser ? xmlRelaxNGParse(parser) : NULL;
    xmlRelaxNGValidCtxt *context = schema ? xmlRelaxNGNewValidCtxt(schema) : NULL;
    int result = -1;
    if (context) {
        xmlRelaxNGSetValidStructuredErrors(context, note_fault_mutable, &faults);
        result = xmlRelaxNGValidateDoc(context, document);
    }
    xmlRelaxNGFreeValidCtxt(context);
    xmlRelaxNGFree(schema);
    xmlRelaxNGFreeParserCtxt(parser);
    if (result == 0)
        return 0;
    if (result < 0)
        return reload_config_refuse(reader, NULL, "the schema cannot be used: out of memory?");
    if (reader->reading->strict)
        return reload_config_refuse(reader, NULL, "line %d: %s", faults.line, faults.first);
    reload_config_warn(reader, NULL, "line %d: %s (not what the schema of RFC 6940 11.1.1 allows)",
                       faults.line, faults.first);
    return 0;
}
