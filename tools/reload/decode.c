/* decode.c: reload decode: shows a message or structure as JSON.
 *
 * RFC 6940 6.3. SPDX-License-Identifier: BSD-2-Clause */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include "reload/base/json.h"
#include "reload/wire/structures.h"
#include "reload/wire/wire.h"
#include "tools/reload/command.h"
#include "tools/reload/verify.h"

enum { KINDS_MAX = 64, INPUT_SIZE_MAX = 1 << 24 };

static const char help[] =
    "usage: reload decode HEX [--element NAME] [--kind ID=MODEL]... [--model MODEL]\n"
    "                     [--node-id-length N] [--verify]\n"
    "\n"
    "Shows the message whose bytes are HEX (\"-\": read from the standard input) as JSON. Exits\n"
    "with 0 only if it encodes to the same bytes again.\n"
    "\n"
    "  --element NAME      HEX is one structure, by its RFC name, like Destination\n"
    "  --kind ID=MODEL     data model of a Kind: single, array or dictionary\n"
    "  --model MODEL       data model of an element such as StoredData; else that of --kind, or\n"
    "                      the only one that fits\n"
    "  --node-id-length N  octets of a Node-ID, 16 (the default) to 20\n"
    "  --verify            check the message's signature with the certificates in it\n";

struct kind {
    uint32_t id;
    uint8_t model;
};

struct options {
    struct kind kinds[KINDS_MAX];
    size_t kind_count;
    const char *element;
    const char *hex;
    uint8_t model;
    uint8_t node_id_length;
    bool verify;
};

/* ---- arguments --------------------------------------------------------------------------------
 */

static int
usage_error(const char *what, const char *argument)
{
    fprintf(stderr, "reload decode: %s '%s'; see reload decode --help\n", what, argument);
    return EXIT_USAGE;
}

static uint8_t
model_of(const char *name)
{
    static const char *const names[] = {"single", "array", "dictionary"};
    for (uint8_t i = 0; i < 3; i++)
        if (strcmp(name, names[i]) == 0)
            return (uint8_t)(i + 1);
    return 0;
}

static bool
add_kind(struct options *options, const char *argument)
{
    char *end;
    unsigned long long id = strtoull(argument, &end, 0);
    struct kind *kind = &options->kinds[options->kind_count];
    if (end == argument || *argument == '-' || *end != '=' || id > UINT32_MAX)
        return false;
    if (options->kind_count == KINDS_MAX || model_of(end + 1) == 0)
        return false;
    *kind = (struct kind){(uint32_t)id, model_of(end + 1)};
    options->kind_count++;
    return true;
}

static int
kind_model(const void *kinds, uint32_t kind_id)
{
    static const struct reload_wire registered = {.node_id_length = RELOAD_NODE_ID_SIZE_MIN};
    const struct options *options = kinds;
    for (size_t i = 0; i < options->kind_count; i++)
        if (options->kinds[i].id == kind_id)
            return options->kinds[i].model;
    return reload_wire_kind_model(&registered, kind_id);
}

/* Handles one option; returns 0 or an exit code. */
static int
take_option(struct options *options, int option)
{
    switch (option) {
    case 'e':
        options->element = optarg;
        return 0;
    case 'k':
        return add_kind(options, optarg) ? 0
                                         : usage_error("not ID=single|array|dictionary:", optarg);
    case 'm':
        options->model = model_of(optarg);
        return options->model ? 0 : usage_error("no data model:", optarg);
    case 'n':
        options->node_id_length = (uint8_t)strtoul(optarg, NULL, 10);
        if (options->node_id_length >= RELOAD_NODE_ID_SIZE_MIN &&
            options->node_id_length <= RELOAD_NODE_ID_SIZE_MAX && strlen(optarg) == 2)
            return 0;
        return usage_error("not a length from 16 to 20:", optarg);
    case 'v':
        options->verify = true;
        return 0;
    default:
        return EXIT_USAGE;
    }
}

/* Reads the arguments; returns 0, or an exit code (-1: help was shown). */
static int
take_arguments(struct options *options, int argc, char **argv)
{
    static const struct option known[] = {
        {"element", required_argument, NULL, 'e'},
        {"kind", required_argument, NULL, 'k'},
        {"model", required_argument, NULL, 'm'},
        {"node-id-length", required_argument, NULL, 'n'},
        {"verify", no_argument, NULL, 'v'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    optind = 1;
    opterr = 0;
    for (int option; (option = getopt_long(argc, argv, "", known, NULL)) != -1;) {
        if (option == 'h') {
            fputs(help, stdout);
            return -1;
        }
        if (option == '?')
            return usage_error("unknown option, or one without its value:", argv[optind - 1]);
        int code = take_option(options, option);
        if (code)
            return code;
    }
    if (optind != argc - 1)
        return usage_error("one HEX is needed, not", optind < argc ? argv[optind + 1] : "none");
    options->hex = argv[optind];
    if (options->verify && options->element)
        return usage_error("only messages have a signature to --verify, not", options->element);
    return 0;
}

/* ---- input ------------------------------------------------------------------------------------
 */

static char *
read_input(void)
{
    char *text = calloc(1, 2 * (size_t)INPUT_SIZE_MAX + 1);
    if (text && fread(text, 1, 2 * (size_t)INPUT_SIZE_MAX, stdin) == 0)
        fprintf(stderr, "reload decode: nothing on the standard input\n");
    return text;
}

/* Turns |hex|, in which white space does not count, to bytes, which the caller frees. */
static int
bytes_of_hex(const char *hex, uint8_t **data, size_t *size)
{
    size_t digits = 0;
    *data = malloc(strlen(hex) / 2 + 1);
    *size = 0;
    if (!*data)
        return RELOAD_E_NOMEM;
    for (const char *at = hex; *at; at++) {
        char digit[2] = {*at, '\0'};
        if (strchr(" \t\r\n", *at))
            continue;
        if (!strchr("0123456789abcdefABCDEF", *at)) {
            fprintf(stderr, "reload decode: character %zu is no hex digit\n", (size_t)(at - hex));
            return RELOAD_E_USAGE;
        }
        uint8_t value = (uint8_t)strtoul(digit, NULL, 16);
        if (digits++ % 2 == 0)
            (*data)[*size] = (uint8_t)(value << 4);
        else
            (*data)[(*size)++] |= value;
    }
    if (digits % 2 == 0)
        return 0;
    fprintf(stderr, "reload decode: an odd number of hex digits (%zu)\n", digits);
    return RELOAD_E_USAGE;
}

/* ---- messages ---------------------------------------------------------------------------------
 */

static int
malformed(const struct reload_wire *wire, int error)
{
    fprintf(stderr, "reload decode: offset %zu: %s.%s: %s\n", wire->error->offset,
            wire->error->structure, wire->error->field, reload_error_text(error));
    return EXIT_FAILURE;
}

static int
not_the_same(void)
{
    fprintf(stderr, "reload decode: encoding it again gives other bytes\n");
    return EXIT_FAILURE;
}

/* Decodes all that is left in |reader| as one |structure| and checks that it encodes to the same.
 */
static int
decode_whole(const struct reload_structure *structure, struct reload_reader *reader,
             const struct reload_wire *wire, uint8_t model, struct reload_structure_value *value)
{
    struct reload_bytes bytes = reload_reader_rest(reader);
    int error = structure->decode(reader, wire, model, value);
    if (error)
        return error;
    if (reload_reader_left(reader)) {
        *wire->error =
            (struct reload_wire_error){reload_reader_offset(reader), structure->name, "(end)"};
        return RELOAD_E_TRAILING;
    }
    uint8_t *again = malloc(bytes.size + 1);
    struct reload_writer writer = reload_writer_of(again, again ? bytes.size : 0);
    structure->encode(&writer, wire, value);
    bool is_same = !writer.failed && reload_bytes_equal(reload_writer_written(&writer), bytes);
    free(again);
    return is_same ? 0 : RELOAD_E_USAGE;
}

/* Prints MessageContents, with the body read if it is known what it is. */
static int
print_contents(struct reload_json *json, const struct reload_reader *whole,
               const struct reload_wire *wire, const struct reload_message_contents *contents)
{
    const struct reload_structure *body = reload_structure_of_message(contents->message_code);
    struct reload_reader reader = reload_reader_sub(whole, contents->message_body);
    struct reload_structure_value value;
    reload_json_begin_object(json);
    reload_json_key(json, "message_code");
    reload_json_uint(json, contents->message_code);
    reload_json_key(json, "message");
    reload_json_text(json, reload_message_code_name(contents->message_code));
    reload_json_key(json, "message_body");
    if (body) {
        int error = decode_whole(body, &reader, wire, 0, &value);
        if (error)
            return error == RELOAD_E_USAGE ? not_the_same() : malformed(wire, error);
        body->print(json, wire, &value);
    } else {
        reload_json_hex(json, contents->message_body);
    }
    reload_json_key(json, "extensions");
    reload_message_extension_list_print(json, wire, contents->extensions);
    reload_json_end_object(json);
    return EXIT_SUCCESS;
}

static int
print_message(struct reload_json *json, struct reload_bytes bytes, const struct reload_wire *wire,
              bool verify)
{
    struct reload_message message;
    int error = reload_message_decode(bytes, wire, &message);
    if (error)
        return malformed(wire, error);
    struct reload_reader whole = reload_reader_of(bytes);
    reload_json_begin_object(json);
    reload_json_key(json, "header");
    reload_forwarding_header_print(json, wire, &message.header);
    reload_json_key(json, "contents");
    int code = print_contents(json, &whole, wire, &message.contents);
    if (code)
        return code;
    reload_json_key(json, "security_block");
    reload_security_block_print(json, wire, &message.security);
    if (verify) {
        const char *reason;
        if (verify_message(&message, wire, &reason)) {
            fprintf(stderr, "reload decode: the signature is not valid: %s\n", reason);
            return EXIT_FAILURE;
        }
        reload_json_key(json, "signature");
        reload_json_text(json, "valid");
    }
    reload_json_end_object(json);
    uint8_t *again = malloc(bytes.size);
    struct reload_writer writer = reload_writer_of(again, again ? bytes.size : 0);
    reload_message_encode(&writer, wire, &message);
    bool is_same = !writer.failed && reload_bytes_equal(reload_writer_written(&writer), bytes);
    free(again);
    return is_same ? EXIT_SUCCESS : not_the_same();
}

/* ---- elements ---------------------------------------------------------------------------------
 */

/* The data model to read a modelled element with: that asked for, or the only one that fits. */
static uint8_t
element_model(const struct options *options, const struct reload_structure *structure,
              struct reload_bytes bytes, const struct reload_wire *wire)
{
    if (options->model || !structure->is_modelled)
        return options->model;
    if (options->kind_count == 1)
        return options->kinds[0].model;
    struct reload_structure_value value;
    uint8_t found = 0;
    for (uint8_t model = 1; model <= 3; model++) {
        struct reload_reader reader = reload_reader_of(bytes);
        if (decode_whole(structure, &reader, wire, model, &value))
            continue;
        if (found) {
            fprintf(stderr, "reload decode: more than one data model fits: say --model MODEL\n");
            return 0;
        }
        found = model;
    }
    return found;
}

static int
print_element(struct reload_json *json, struct reload_bytes bytes, const struct reload_wire *wire,
              const struct options *options)
{
    const struct reload_structure *structure = reload_structure_find(options->element);
    struct reload_structure_value value;
    if (!structure)
        return usage_error("no structure is called", options->element);
    uint8_t model = element_model(options, structure, bytes, wire);
    struct reload_reader reader = reload_reader_of(bytes);
    int error = decode_whole(structure, &reader, wire, model, &value);
    if (error)
        return error == RELOAD_E_USAGE ? not_the_same() : malformed(wire, error);
    structure->print(json, wire, &value);
    return EXIT_SUCCESS;
}

int
command_decode(int argc, char **argv)
{
    struct options options = {.node_id_length = RELOAD_NODE_ID_SIZE_MIN};
    int code = take_arguments(&options, argc, argv);
    if (code)
        return code < 0 ? EXIT_SUCCESS : code;
    struct reload_wire_error error = {0, "message", "(begin)"};
    struct reload_wire wire = {options.node_id_length, kind_model, &options, &error};
    struct reload_json json = reload_json_growing(NULL, NULL);
    char *input = strcmp(options.hex, "-") == 0 ? read_input() : NULL;
    uint8_t *data;
    size_t size;
    code = EXIT_FAILURE;
    if (bytes_of_hex(input ? input : options.hex, &data, &size) == 0) {
        struct reload_bytes bytes = {data, size};
        code = options.element ? print_element(&json, bytes, &wire, &options)
                               : print_message(&json, bytes, &wire, options.verify);
    }
    if (code == EXIT_SUCCESS && (json.failed || puts(json.text) < 0 || fflush(stdout) != 0))
        code = EXIT_FAILURE;
    reload_json_free(&json);
    free(data);
    free(input);
    return code;
}
