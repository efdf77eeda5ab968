/* command_renew.c: reload-enrolld renew: the next configuration document, signed.
 *
 * RFC 6940 11.1. SPDX-License-Identifier: BSD-2-Clause */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "certs/certificate.h"
#include "certs/config_document.h"
#include "tools/enrolld/audit.h"
#include "tools/enrolld/command.h"
#include "tools/enrolld/overlay_document.h"
#include "tools/enrolld/overlay_plan.h"

static const char help[] =
    "usage: reload-enrolld renew [DIR] [--days N] [--bootstrap HOST:PORT]... [--kind KIND]...\n"
    "\n"
    "Signs the configuration document in the folder DIR (" HOME_DEFAULT ") anew, with the next\n"
    "sequence number. What you changed in overlay.xml by hand is taken over. Then start serve\n"
    "again. Nodes get the document when they enrol, and read it when they start.\n"
    "\n"
    "  --days N               until it expires (365)\n"
    "  --bootstrap HOST:PORT  the nodes that others reach first, instead of those before\n"
    "  --kind KIND            one more Kind; see reload-enrolld init --help\n";

enum { SEQUENCE_MAX = 65534, DAYS_MAX = 3650 };

struct renewal {
    struct home home;
    struct reload_config *before;
    struct overlay_plan *plan;
    EVP_PKEY *key;
    X509 *signer;
    char message[512];
};

static int
read_before(struct renewal *renewal, const char *path)
{
    char file[PATH_MAX];
    char *message = renewal->message;
    size_t size = sizeof renewal->message;
    int error = home_open(&renewal->home, path, message, size);
    if (error != 0)
        return error;
    /* It may have expired: at time 0 no document has. */
    struct reload_config_reading reading = {
        .instance_name = renewal->home.settings.overlay, .strict = true, .wall_ms = 0};
    home_file(&renewal->home, "overlay.xml", file);
    error = reload_config_read(file, &reading, &renewal->before, message, size);
    home_file(&renewal->home, "signer.key", file);
    if (error == 0)
        error = reload_key_read(file, &renewal->key, message, size);
    home_file(&renewal->home, "signer.crt", file);
    if (error == 0)
        error = reload_certificate_read_pem(file, &renewal->signer, message, size);
    return error;
}

/* Puts |kind| in the place of the one with its number, or behind the others. */
static void
set_kind(struct reload_config *config, const struct reload_config_kind *kind)
{
    size_t i = 0;
    while (i < config->kind_count && config->kinds[i].kind != kind->kind)
        i++;
    if (i == RELOAD_CONFIG_KINDS_MAX)
        return;
    config->kinds[i] = *kind;
    if (i == config->kind_count)
        config->kind_count++;
}

/* What was asked for replaces bootstrap nodes and adds or changes Kinds. */
static void
merge(struct renewal *renewal)
{
    struct reload_config *asked = &renewal->plan->config, *next = renewal->before;
    if (asked->bootstrap_node_count > 0) {
        memcpy(next->bootstrap_nodes, asked->bootstrap_nodes, sizeof asked->bootstrap_nodes);
        next->bootstrap_node_count = asked->bootstrap_node_count;
    }
    for (size_t i = 0; i < asked->kind_count; i++)
        set_kind(next, &asked->kinds[i]);
    next->sequence = next->sequence < SEQUENCE_MAX ? (uint16_t)(next->sequence + 1) : 1;
}

static int
renew(struct renewal *renewal, const char *path)
{
    char file[PATH_MAX];
    struct audit audit;
    uint64_t wall_ms = (uint64_t)time(NULL) * 1000;
    int error = read_before(renewal, path);
    if (error != 0)
        return error;
    merge(renewal);
    error = overlay_document_write(&renewal->home, renewal->before, renewal->key, renewal->signer,
                                   wall_ms, renewal->plan->document_days, true, renewal->message,
                                   sizeof renewal->message);
    home_file(&renewal->home, "audit.log", file);
    if (error != 0 ||
        (error = audit_open(&audit, file, renewal->message, sizeof renewal->message)) != 0)
        return error;
    struct audit_event event = {.what = "document renewed",
                                .not_after_ms = renewal->before->expiration_ms};
    reload_ignore(audit_write(&audit, &event));
    audit_close(&audit);
    printf("document %u of overlay %s, valid for %u days; start reload-enrolld serve again\n",
           renewal->before->sequence, renewal->home.settings.overlay, renewal->plan->document_days);
    return 0;
}

/* Returns -1 to go on, else the exit code. */
static int
read_arguments(struct overlay_plan *plan, int argc, char **argv)
{
    static const struct option options[] = {{"days", required_argument, NULL, 'd'},
                                            {"bootstrap", required_argument, NULL, 'b'},
                                            {"kind", required_argument, NULL, 'k'},
                                            {"help", no_argument, NULL, 'h'},
                                            {0}};
    int letter;
    while ((letter = getopt_long(argc, argv, "", options, NULL)) != -1) {
        bool good = false;
        if (letter == 'h')
            return fputs(help, stdout), EXIT_SUCCESS;
        if (letter == 'd') {
            long days = strtol(optarg, NULL, 10);
            good = days >= 1 && days <= DAYS_MAX;
            plan->document_days = (unsigned)days;
        } else if (letter == 'b') {
            good = overlay_plan_add_bootstrap(plan, optarg);
        } else if (letter == 'k') {
            good = overlay_plan_add_kind(plan, optarg);
        }
        if (good)
            continue;
        if (letter != '?')
            fprintf(stderr, "reload-enrolld renew: '%s' is not right; see --help\n", optarg);
        return EXIT_USAGE;
    }
    if (argc - optind <= 1)
        return -1;
    fputs("reload-enrolld renew: one folder; see --help\n", stderr);
    return EXIT_USAGE;
}

int
command_renew(int argc, char **argv)
{
    struct renewal *renewal = calloc(1, sizeof *renewal);
    struct overlay_plan *plan = calloc(1, sizeof *plan);
    int code = EXIT_FAILURE;
    if (renewal != NULL && plan != NULL) {
        plan->document_days = 365;
        renewal->plan = plan;
        code = read_arguments(plan, argc, argv);
        if (code < 0) {
            code = EXIT_SUCCESS;
            if (renew(renewal, optind < argc ? argv[optind] : HOME_DEFAULT) != 0) {
                fprintf(stderr, "reload-enrolld: %s\n", renewal->message);
                code = EXIT_FAILURE;
            }
        }
        reload_config_free(renewal->before);
        EVP_PKEY_free(renewal->key);
        X509_free(renewal->signer);
    }
    free(plan);
    free(renewal);
    return code;
}
