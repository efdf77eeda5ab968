/* config_document.c: configuration documents: from bytes to checked values.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "certs/config_internal.h"
#include "certs/file.h"

#include <libxml/parser.h>
#include <openssl/evp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define SHA1_SIZE 20

/* ---- messages ------------------------------------------------------------------------------- */

static void
describe(const xmlNode *node, char *text, size_t size, const char *format, va_list arguments)
{
    int at = 0;
    if (node)
        at = snprintf(text, size, "line %ld: <%s>: ", xmlGetLineNo(node), (const char *)node->name);
    if (at >= 0 && (size_t)at < size)
        vsnprintf(text + at, size - (size_t)at, format, arguments);
}

int
reload_config_refuse(struct reload_config_reader *reader, const xmlNode *node, const char *format,
                     ...)
{
    va_list arguments;
    va_start(arguments, format);
    describe(node, reader->message, reader->size, format, arguments);
    va_end(arguments);
    return RELOAD_E_CONFIG;
}

void
reload_config_warn(struct reload_config_reader *reader, const xmlNode *node, const char *format,
                   ...)
{
    char text[512];
    if (!reader->reading->warn)
        return;
    va_list arguments;
    va_start(arguments, format);
    describe(node, text, sizeof text, format, arguments);
    va_end(arguments);
    reader->reading->warn(reader->reading->argument, text);
}

/* ---- values --------------------------------------------------------------------------------- */

static bool
is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Copies |content|, which is freed, without the white space around it. */
static int
take_trimmed(struct reload_config_reader *reader, xmlNode *node, xmlChar *content, char *text,
             size_t size)
{
    if (!content)
        return reload_config_refuse(reader, node, "out of memory");
    const char *begin = (const char *)content;
    while (is_blank(*begin))
        begin++;
    size_t length = strlen(begin);
    while (length > 0 && is_blank(begin[length - 1]))
        length--;
    int error = 0;
    if (length >= size)
        error =
            reload_config_refuse(reader, node, "longer than the %zu characters allowed", size - 1);
    else
        memcpy(text, begin, length);
    if (!error)
        text[length] = 0;
    xmlFree(content);
    return error;
}

int
reload_config_text(struct reload_config_reader *reader, xmlNode *node, char *text, size_t size)
{
    return take_trimmed(reader, node, xmlNodeGetContent(node), text, size);
}

int
reload_config_attribute(struct reload_config_reader *reader, xmlNode *node, const char *name,
                        char *text, size_t size, bool *present)
{
    bool found = xmlHasNsProp(node, (const xmlChar *)name, NULL) != NULL;
    if (present)
        *present = found;
    text[0] = 0;
    if (!found)
        return 0;
    return take_trimmed(reader, node, xmlGetNoNsProp(node, (const xmlChar *)name), text, size);
}

int
reload_config_number(struct reload_config_reader *reader, xmlNode *node, uint64_t min, uint64_t max,
                     uint64_t *value)
{
    char text[32];
    int error = reload_config_text(reader, node, text, sizeof text);
    if (error)
        return error;
    char *end;
    unsigned long long number = strtoull(text, &end, 10);
    if (text[0] < '0' || text[0] > '9' || *end || number < min || number > max)
        return reload_config_refuse(reader, node, "'%s' is not a number from %llu to %llu", text,
                                    (unsigned long long)min, (unsigned long long)max);
    *value = number;
    return 0;
}

int
reload_config_base64(struct reload_config_reader *reader, xmlNode *node, uint8_t **data,
                     size_t *size)
{
    xmlChar *content = xmlNodeGetContent(node);
    if (!content)
        return reload_config_refuse(reader, node, "out of memory");
    size_t kept = 0;
    for (const xmlChar *at = content; *at; at++)
        if (!is_blank((char)*at))
            content[kept++] = *at;
    size_t padding = 0;
    while (padding < 2 && kept > padding && content[kept - 1 - padding] == '=')
        padding++;
    uint8_t *decoded = malloc(kept / 4 * 3 + 1);
    int length =
        decoded && kept % 4 == 0 && kept > 0 ? EVP_DecodeBlock(decoded, content, (int)kept) : -1;
    xmlFree(content);
    if (length < 0 || (size_t)length < padding) {
        free(decoded);
        return reload_config_refuse(reader, node, "is not base64");
    }
    *data = decoded;
    *size = (size_t)length - padding;
    return 0;
}

/* ---- elements ------------------------------------------------------------------------------- */

bool
reload_config_is_foreign(const xmlNode *node)
{
    static const char *const ours[] = {"urn:ietf:params:xml:ns:p2p:config-base",
                                       "urn:ietf:params:xml:ns:p2p:config-chord",
                                       "urn:ietf:params:xml:ns:p2p:config-base:sip"};
    const xmlNode *root = xmlDocGetRootElement(node->doc);
    if (!node->ns || (root->ns && xmlStrEqual(node->ns->href, root->ns->href)))
        return false;
    for (size_t i = 0; i < sizeof ours / sizeof ours[0]; i++)
        if (strcmp((const char *)node->ns->href, ours[i]) == 0)
            return false;
    return true;
}

bool
reload_config_is(const xmlNode *node, const char *name)
{
    return node->type == XML_ELEMENT_NODE && strcmp((const char *)node->name, name) == 0 &&
           !reload_config_is_foreign(node);
}

/* ---- signatures ----------------------------------------------------------------------------- */

/* The signatures that follow |configuration|, up to the next one. */
static int
read_signatures(struct reload_config_reader *reader, xmlNode *configuration)
{
    struct reload_config_document *document = reader->document;
    for (xmlNode *node = configuration->next; node && !reload_config_is(node, "configuration");
         node = node->next) {
        if (!reload_config_is(node, "signature"))
            continue;
        if (document->signature_count == RELOAD_CONFIG_SIGNATURES_MAX)
            return reload_config_refuse(reader, node, "more than %d signatures",
                                        RELOAD_CONFIG_SIGNATURES_MAX);
        struct reload_config_signature *signature =
            &document->signatures[document->signature_count];
        int error = reload_config_base64(reader, node, &signature->block, &signature->size);
        if (error)
            return error;
        document->signature_count++;
    }
    return 0;
}

/* ---- the document --------------------------------------------------------------------------- */

static xmlNode *
choose(struct reload_config_reader *reader, xmlNode *root)
{
    const char *wanted = reader->reading->instance_name;
    for (xmlNode *node = root->children; node; node = node->next) {
        if (!reload_config_is(node, "configuration"))
            continue;
        xmlChar *name = xmlGetNoNsProp(node, (const xmlChar *)"instance-name");
        bool match = !wanted || (name && strcasecmp((const char *)name, wanted) == 0);
        xmlFree(name);
        if (match)
            return node;
    }
    return NULL;
}

static int
read_tree(struct reload_config_reader *reader, xmlDoc *tree)
{
    xmlNode *root = xmlDocGetRootElement(tree);
    const char *wanted = reader->reading->instance_name;
    if (tree->intSubset || tree->extSubset)
        return reload_config_refuse(reader, NULL,
                                    "a configuration document may not have a DTD or entities");
    if (!root || !reload_config_is(root, "overlay"))
        return reload_config_refuse(reader, root, "the document's root must be <overlay>");
    int error = reload_config_validate(reader, tree);
    if (error)
        return error;
    xmlNode *configuration = choose(reader, root);
    if (!configuration)
        return reload_config_refuse(reader, root, "there is no configuration%s%s",
                                    wanted ? " for " : "", wanted ? wanted : "");
    struct reload_config_document *document = reader->document;
    document->element = reload_config_bytes(document->config.document, configuration);
    error = reload_config_read_element(reader, configuration);
    return error ? error : read_signatures(reader, configuration);
}

static void
ignore_xml_error(void *context, const char *format, ...)
{
    (void)context;
    (void)format;
}

/* Stops at a DTD before anything of it is read. */
static void
refuse_dtd(void *context, const xmlChar *name, const xmlChar *external, const xmlChar *system)
{
    (void)name;
    (void)external;
    (void)system;
    xmlStopParser(context);
}

/* UTF-8, whatever the document says that it is (11.1): in others a DTD could hide. */
static xmlDoc *
parse(xmlParserCtxt *context, struct reload_bytes bytes)
{
    context->sax->error = ignore_xml_error;
    context->sax->warning = ignore_xml_error;
    context->sax->internalSubset = refuse_dtd;
    return xmlCtxtReadMemory(context, (const char *)bytes.data, (int)bytes.size, "document",
                             "UTF-8", XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING);
}

static int
read_document(struct reload_config_reader *reader)
{
    struct reload_bytes bytes = reader->document->config.document;
    xmlParserCtxt *context = xmlNewParserCtxt();
    if (!context)
        return reload_config_refuse(reader, NULL, "out of memory");
    xmlDoc *tree = parse(context, bytes);
    int error;
    if (!tree) {
        const xmlError *cause = xmlCtxtGetLastError(context);
        char text[256] = "not well-formed XML, or it has a DTD, which is not allowed";
        if (cause && cause->message && cause->code != XML_ERR_USER_STOP)
            snprintf(text, sizeof text, "%s", cause->message);
        text[strcspn(text, "\n")] = 0;
        error = reload_config_refuse(reader, NULL, "line %d: %s", cause ? cause->line : 0, text);
    } else {
        error = read_tree(reader, tree);
    }
    xmlFreeDoc(tree);
    xmlFreeParserCtxt(context);
    return error;
}

int
reload_config_parse(struct reload_bytes bytes, const struct reload_config_reading *reading,
                    struct reload_config **config, char *message, size_t size)
{
    if (bytes.size > RELOAD_CONFIG_DOCUMENT_MAX) {
        snprintf(message, size, "the configuration document is larger than %u octets",
                 RELOAD_CONFIG_DOCUMENT_MAX);
        return RELOAD_E_TOO_LARGE;
    }
    struct reload_config_document *document = calloc(1, sizeof *document);
    uint8_t *copy = malloc(bytes.size + 1);
    if (!document || !copy) {
        free(document);
        free(copy);
        snprintf(message, size, "out of memory");
        return RELOAD_E_NOMEM;
    }
    if (bytes.size)
        memcpy(copy, bytes.data, bytes.size);
    copy[bytes.size] = 0;
    document->bytes = copy;
    document->config.document = (struct reload_bytes){copy, bytes.size};
    struct reload_config_reader reader = {
        .document = document, .reading = reading, .message = message, .size = size};
    int error = read_document(&reader);
    if (!error && document->config.expiration_ms &&
        document->config.expiration_ms < reading->wall_ms) {
        snprintf(message, size,
                 "the configuration document of %s has expired; fetch a new one (reload enrol)",
                 document->config.instance_name);
        error = RELOAD_E_EXPIRED;
    }
    if (error) {
        reload_config_free(&document->config);
        return error;
    }
    *config = &document->config;
    return 0;
}

int
reload_config_read(const char *path, const struct reload_config_reading *reading,
                   struct reload_config **config, char *message, size_t size)
{
    uint8_t *data;
    size_t length;
    int error = reload_file_read(path, RELOAD_CONFIG_DOCUMENT_MAX, &data, &length, message, size);
    if (error)
        return error;
    char text[512];
    error = reload_config_parse((struct reload_bytes){data, length}, reading, config, text,
                                sizeof text);
    free(data);
    if (error)
        snprintf(message, size, "%s: %s", path, text);
    return error;
}

void
reload_config_free(struct reload_config *config)
{
    if (!config)
        return;
    struct reload_config_document *document = (struct reload_config_document *)config;
    for (size_t i = 0; i < RELOAD_CONFIG_SIGNATURES_MAX; i++)
        free(document->signatures[i].block);
    for (size_t i = 0; i < RELOAD_CONFIG_KINDS_MAX; i++)
        free(document->kind_signatures[i].block);
    for (size_t i = 0; i < RELOAD_CONFIG_CERTIFICATES_MAX; i++)
        free(document->root_certs[i]);
    free(document->bytes);
    free(document);
}

uint32_t
reload_config_overlay(const char *name)
{
    uint8_t digest[EVP_MAX_MD_SIZE] = {0};
    EVP_Digest(name, strlen(name), digest, NULL, EVP_sha1(), NULL);
    const uint8_t *at = digest + SHA1_SIZE - 4;
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}
