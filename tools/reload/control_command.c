/* control_command.c: the subcommands that ask a running node: a table of what each takes.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "reload/base/error.h"
#include "tools/reload/command.h"
#include "tools/reload/control_client.h"
#include "tools/reload/table.h"
#include "tools/reloadd/control_path.h"

#include <getopt.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define VALUE_FILE_MAX (1u << 18)
#define OPTIONS_MAX 16

enum kind_of_argument {
    ARGUMENT_TEXT,
    ARGUMENT_NUMBER,
    ARGUMENT_NUMBER_OR_TEXT,
    ARGUMENT_FILE, /* its content, in hex */
};

/* What is said of a value that is not one. */
static const char *const refusals[] = {
    [ARGUMENT_TEXT] = "not UTF-8:",
    [ARGUMENT_NUMBER] = "not a number from 0 to 4294967295:",
    [ARGUMENT_NUMBER_OR_TEXT] = "neither a number nor UTF-8:",
    [ARGUMENT_FILE] = "cannot be read, or is larger than 256 KiB:",
};

struct argument {
    const char *name;   /* of the option, or of the argument in its place */
    const char *member; /* of the request */
    enum kind_of_argument kind;
    const char *help;
};

#define WHERE                                                                                      \
    {"name", "name", ARGUMENT_TEXT, "the resource's name, to be hashed (default: your own)"},      \
        {"node", "node", ARGUMENT_TEXT, "a Node-ID in hex, to be hashed"},                         \
    {                                                                                              \
        "resource", "resource", ARGUMENT_TEXT, "the Resource-ID itself, in hex"                    \
    }
#define KEY                                                                                        \
    {                                                                                              \
        "key", "key", ARGUMENT_TEXT, "key in a dictionary, in hex (default: your Node-ID)"         \
    }

static const struct row {
    const char *name, *summary;
    struct argument places[3]; /* in their order; the last one of store may be left out */
    size_t needed;
    struct argument options[OPTIONS_MAX];
} rows[] = {
    {.name = "status", .summary = "what this node is and does"},
    {.name = "peers", .summary = "the nodes that it is linked to"},
    {.name = "routes", .summary = "its neighbours and fingers in the ring"},
    {.name = "lookup",
     .summary = "where a SIP address is reached",
     .places = {{"AOR", "aor", ARGUMENT_TEXT, "such as alice@example.org"}},
     .needed = 1},
    {.name = "fetch",
     .summary = "get values from the overlay",
     .places = {{"KIND", "kind", ARGUMENT_NUMBER_OR_TEXT, "a Kind-ID or a registered name"}},
     .needed = 1,
     .options = {WHERE,
                 {"key", "key", ARGUMENT_TEXT, "only this key of a dictionary, in hex"},
                 {"first", "first", ARGUMENT_NUMBER, "first index in an array"},
                 {"last", "last", ARGUMENT_NUMBER, "last index in an array"},
                 {"copies", "copies", ARGUMENT_NUMBER, "ways to go at once, 1 to 8 (default: 1)"},
                 {"replicas", "replicas", ARGUMENT_TEXT,
                  "read them, too: none, if-needed, all; the newest value comes last"}}},
    {.name = "store",
     .summary = "put a value into the overlay",
     .places = {{"KIND", "kind", ARGUMENT_NUMBER_OR_TEXT, "a Kind-ID or a registered name"},
                {"TEXT", "text", ARGUMENT_TEXT, "the value, when it is text"}},
     .needed = 1,
     .options = {WHERE,
                 KEY,
                 {"hex", "value", ARGUMENT_TEXT, "the value in hex"},
                 {"file", "value", ARGUMENT_FILE, "a file with the value"},
                 {"index", "index", ARGUMENT_NUMBER, "place in an array (default: append)"},
                 {"lifetime", "lifetime", ARGUMENT_NUMBER, "seconds (default: a day)"}}},
    {.name = "remove",
     .summary = "remove a value of yours from the overlay",
     .places = {{"KIND", "kind", ARGUMENT_NUMBER_OR_TEXT, "a Kind-ID or a registered name"}},
     .needed = 1,
     .options = {WHERE, KEY, {"index", "index", ARGUMENT_NUMBER, "place in an array"}}},
    {.name = "ping",
     .summary = "ask another node whether it is there",
     .places = {{"NODE-ID", "node", ARGUMENT_TEXT, "in hex"}},
     .options = {{"resource", "resource", ARGUMENT_TEXT,
                  "whoever is responsible for this Resource-ID, in hex"},
                 {"name", "name", ARGUMENT_TEXT, "whoever is responsible for this name"}}},
    {.name = "relays",
     .summary = "the overlay's TURN servers, with credentials for a phone's own ICE"},
    {.name = "leave", .summary = "leave the overlay in good order and end the node"},
};

/* ---- help ----------------------------------------------------------------------------------- */

static const char *
metavariable(const struct argument *option)
{
    switch (option->kind) {
    case ARGUMENT_NUMBER:
        return "N";
    case ARGUMENT_FILE:
        return "FILE";
    default:
        return strstr(option->help, "hex") ? "HEX" : "TEXT";
    }
}

static void
print_help(const struct row *row)
{
    printf("usage: reload %s", row->name);
    for (size_t i = 0; row->places[i].name; i++)
        printf(i < row->needed ? " %s" : " [%s]", row->places[i].name);
    printf(" [OPTIONS]\n\nAsks the running node: %s.\n\n", row->summary);
    for (size_t i = 0; row->places[i].name; i++)
        printf("  %-17s %s\n", row->places[i].name, row->places[i].help);
    for (size_t i = 0; row->options[i].name; i++)
        printf("  --%-8s %-6s %s\n", row->options[i].name, metavariable(&row->options[i]),
               row->options[i].help);
    printf("  --%-15s %s\n", "socket PATH", "where the node listens (also: RELOAD_SOCKET)");
    printf("  --%-15s %s\n", "json", "one line of JSON instead of tables");
}

static int
usage_error(const struct row *row, const char *what, const char *argument)
{
    fprintf(stderr, "reload %s: %s '%s'; see reload %s --help\n", row->name, what, argument,
            row->name);
    return EXIT_USAGE;
}

/* ---- arguments ------------------------------------------------------------------------------ */

/* Reads a whole number that |text| consists of. */
static bool
read_number(const char *text, json_int_t *number)
{
    char *end;
    if (*text < '0' || *text > '9')
        return false;
    *number = strtoll(text, &end, 0);
    return *end == '\0' && *number <= UINT32_MAX;
}

static json_t *
file_in_hex(const char *path)
{
    FILE *file = fopen(path, "re");
    char *hex = file ? malloc(2 * VALUE_FILE_MAX + 1) : NULL;
    size_t size = 0;
    for (int octet; hex && size < VALUE_FILE_MAX && (octet = getc(file)) != EOF; size++)
        (void)snprintf(hex + 2 * size, 3, "%02x", (uint8_t)octet);
    bool whole = hex && getc(file) == EOF && !ferror(file);
    json_t *value = whole ? json_stringn(hex, 2 * size) : NULL;
    if (file)
        (void)fclose(file);
    free(hex);
    return value;
}

static bool
add(json_t *request, const struct argument *argument, const char *text)
{
    json_int_t number;
    json_t *value = NULL;
    bool is_number = argument->kind != ARGUMENT_TEXT && argument->kind != ARGUMENT_FILE &&
                     read_number(text, &number);
    if (is_number)
        value = json_integer(number);
    else if (argument->kind == ARGUMENT_FILE)
        value = file_in_hex(text);
    else if (argument->kind != ARGUMENT_NUMBER)
        value = json_string(text);
    return value && json_object_set_new(request, argument->member, value) == 0;
}

struct asked {
    json_t *request;
    const char *socket;
    bool json, help;
};

enum { OPTION_JSON = 1000, OPTION_SOCKET, OPTION_HELP };

static int
read_options(const struct row *row, int argc, char **argv, struct asked *asked)
{
    struct option options[OPTIONS_MAX + 4] = {0};
    size_t count = 0;
    for (; row->options[count].name; count++)
        options[count] =
            (struct option){row->options[count].name, required_argument, NULL, (int)count};
    options[count] = (struct option){"json", no_argument, NULL, OPTION_JSON};
    options[count + 1] = (struct option){"socket", required_argument, NULL, OPTION_SOCKET};
    options[count + 2] = (struct option){"help", no_argument, NULL, OPTION_HELP};
    opterr = 0;
    for (int option; (option = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        if (option == OPTION_JSON)
            asked->json = true;
        else if (option == OPTION_SOCKET)
            asked->socket = optarg;
        else if (option == OPTION_HELP)
            asked->help = true;
        else if (option == '?')
            return usage_error(row, "wrong option", argv[optind - 1]);
        else if (!add(asked->request, &row->options[option], optarg))
            return usage_error(row, refusals[row->options[option].kind], optarg);
    }
    return 0;
}

static int
read_arguments(const struct row *row, int argc, char **argv, struct asked *asked)
{
    int status = read_options(row, argc, argv, asked);
    if (status || asked->help)
        return status;
    size_t count = 0;
    for (; optind < argc; optind++, count++) {
        if (!row->places[count].name)
            return usage_error(row, "unexpected argument", argv[optind]);
        if (!add(asked->request, &row->places[count], argv[optind]))
            return usage_error(row, refusals[row->places[count].kind], argv[optind]);
    }
    if (count < row->needed)
        return usage_error(row, "missing argument", row->places[count].name);
    return 0;
}

/* ---- the command ---------------------------------------------------------------------------- */

static int
ask_and_print(const struct row *row, const struct asked *asked)
{
    char path[PATH_MAX], reason[1024];
    const char *from_environment = getenv("RELOAD_SOCKET");
    control_path_default(path);
    const char *socket = asked->socket ? asked->socket : from_environment ? from_environment : path;
    json_t *result = NULL;
    int error = control_ask(socket, asked->request, &result, reason, sizeof reason);
    if (error) {
        fprintf(stderr, "reload %s: %s\n", row->name, reason);
        return EXIT_FAILURE;
    }
    if (asked->json) {
        (void)json_dumpf(result, stdout, JSON_COMPACT | JSON_ENSURE_ASCII | JSON_REAL_PRECISION(9));
        (void)putchar('\n');
    } else {
        error = table_print(result);
    }
    json_decref(result);
    return error || fflush(stdout) != 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

int
command_control(int argc, char **argv)
{
    const struct row *row = NULL;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (strcmp(rows[i].name, argv[0]) == 0)
            row = &rows[i];
    if (!row)
        return EXIT_USAGE;
    struct asked asked = {.request = json_pack("{s:s}", "command", row->name)};
    if (!asked.request)
        return EXIT_FAILURE;
    int status = read_arguments(row, argc, argv, &asked);
    if (!status && asked.help)
        print_help(row);
    else if (!status)
        status = ask_and_print(row, &asked);
    json_decref(asked.request);
    return status;
}
