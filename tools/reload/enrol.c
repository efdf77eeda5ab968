/* enrol.c: reload enrol: from a name and a password to a key, a certificate and the overlay's
 * configuration document.
 *
 * RFC 6940 11.2, 11.3; attacks E9, F7. SPDX-License-Identifier: BSD-2-Clause */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "certs/authority.h"
#include "certs/certificate.h"
#include "certs/config_document.h"
#include "certs/key.h"
#include "tools/reload/command.h"
#include "tools/reload/credentials.h"
#include "tools/reload/https.h"
#include "tools/reload/secret.h"
#include "tools/reload/srv.h"

static const char help[] =
    "usage: reload enrol --url https://HOST[:PORT]/PATH --user NAME [OPTIONS]\n"
    "       reload enrol --overlay NAME --user NAME [OPTIONS]\n"
    "       reload enrol --check DIR [--json]\n"
    "\n"
    "Gets the overlay's configuration document and checks it, makes a key, and asks the enrolment\n"
    "server for a certificate. In the folder are then node.key, node.crt, overlay.xml and a "
    "sample\n"
    "reloadd.conf. A key that is there already is used again, and keeps its Node-ID.\n"
    "\n"
    "  --url URL             the configuration document\n"
    "  --overlay NAME        name of the overlay; without --url its server is found by DNS\n"
    "  --user NAME           the account: 'alice' or 'alice@example.org'\n"
    "  --user-name NAME      name to have in the certificate (the account's)\n"
    "  --password-file FILE  first line is the password; else it is asked for\n"
    "  --ca FILE             believe HTTPS servers of this CA only (the host's list)\n"
    "  --out DIR             folder to write (the overlay's name)\n"
    "  --key p256|rsa        kind of a new key (p256)\n"
    "  --strict-config       refuse a document that does not follow the schema\n"
    "  --check DIR           check a folder, also one made by other means\n"
    "  --json                print the outcome as one JSON object\n";

enum letter {
    URL = 256,
    OVERLAY,
    USER,
    USER_NAME,
    PASSWORD_FILE,
    PASSWORD,
    CA,
    OUT,
    KEY,
    STRICT,
    CHECK,
    JSON,
    HELP,
};

struct enrol {
    const char *url, *overlay, *user, *user_name, *password_file, *ca, *out, *check;
    enum reload_key_type key_type;
    bool strict, as_json;
    uint64_t wall_ms;
    char certificate_name[RELOAD_USER_NAME_MAX + 1]; /* the user name that is asked for */
    struct credentials credentials;
    char message[1024];
};

static void
warn(void *argument, const char *text)
{
    (void)argument;
    fprintf(stderr, "reload enrol: warning: %s\n", text);
}

static void
say(const struct enrol *enrol, const char *text, const char *what)
{
    if (!enrol->as_json)
        fprintf(stderr, "%s %s\n", text, what);
}

static int
refuse(struct enrol *enrol, int error, const char *text, const char *what)
{
    snprintf(enrol->message, sizeof enrol->message, text, what);
    return error;
}

/* ---- the configuration document -------------------------------------------------------------- */

static int
fetch_document(struct enrol *enrol, struct https_answer *answer)
{
    char url[RELOAD_CONFIG_NAME_MAX + 64], service[RELOAD_CONFIG_NAME_MAX + 32];
    char target[SRV_TARGET_MAX];
    struct https_request request = {.url = enrol->url,
                                    .ca_file = enrol->ca,
                                    .accept = "application/p2p-overlay+xml",
                                    .size_max = RELOAD_CONFIG_DOCUMENT_MAX};
    if (enrol->url == NULL) {
        snprintf(service, sizeof service, "_reload-config._tcp.%.*s", RELOAD_CONFIG_NAME_MAX,
                 enrol->overlay);
        snprintf(url, sizeof url, "https://%.*s/.well-known/reload-config", RELOAD_CONFIG_NAME_MAX,
                 enrol->overlay);
        int error = srv_find(service, target, enrol->message, sizeof enrol->message);
        if (error != 0)
            return error;
        request.url = url;
        request.connect_to = target;
        request.certificate_name = enrol->overlay; /* RFC6940 11.2 */
    }
    say(enrol, "configuration document from", request.url);
    int error = https_do(&request, answer, enrol->message, sizeof enrol->message);
    if (error != 0)
        return error;
    if (answer->status == 200)
        return 0;
    snprintf(enrol->message, sizeof enrol->message, "%.300s: HTTP status %ld%s", request.url,
             answer->status,
             answer->status / 100 == 3 ? " (redirects are not followed: name the right URL)" : "");
    https_answer_fini(answer);
    return RELOAD_E_IO;
}

static int
check_document(struct enrol *enrol, const struct https_answer *answer)
{
    struct reload_config_reading reading = {.instance_name = enrol->overlay,
                                            .strict = enrol->strict,
                                            .wall_ms = enrol->wall_ms,
                                            .warn = warn};
    struct reload_bytes document = {answer->body, answer->size};
    struct reload_config **config = &enrol->credentials.config;
    char problem[512];
    uint32_t kind;
    int error = reload_config_parse(document, &reading, config, problem, sizeof problem);
    if (error != 0)
        return refuse(enrol, error, "the configuration document is refused: %s", problem);
    switch (reload_config_verify(*config, *config, enrol->wall_ms)) {
    case RELOAD_CONFIG_BAD:
        return refuse(enrol, RELOAD_E_SIGNATURE, "the configuration document is refused: %s",
                      "its signature does not verify");
    case RELOAD_CONFIG_UNSIGNED:
        warn(NULL, "the configuration document is not signed");
        break;
    case RELOAD_CONFIG_SIGNED:
        break;
    }
    if (!reload_config_kinds_hold(*config, *config, enrol->wall_ms, &kind)) {
        snprintf(enrol->message, sizeof enrol->message,
                 "the configuration document is refused: the signature of its Kind %u does not "
                 "verify",
                 kind);
        return RELOAD_E_SIGNATURE;
    }
    if ((*config)->enrollment_url_count == 0)
        return refuse(enrol, RELOAD_E_CONFIG, "overlay %s has no enrolment server",
                      (*config)->instance_name);
    return 0;
}

/* ---- the key --------------------------------------------------------------------------------- */

/* The folder's key, or a new one, which is written at once: should anything fail after the server
 * has bound a Node-ID to it, the next try gets the same one. */
static int
have_key(struct enrol *enrol)
{
    struct credentials *credentials = &enrol->credentials;
    char path[PATH_MAX];
    int length = snprintf(credentials->folder, sizeof credentials->folder, "%s",
                          enrol->out != NULL ? enrol->out : credentials->config->instance_name);
    if (length <= 0 || (size_t)length >= sizeof credentials->folder)
        return refuse(enrol, RELOAD_E_USAGE, "%s", "the folder's path is empty or too long");
    int error = credentials_make_folder(credentials, enrol->message, sizeof enrol->message);
    if (error != 0)
        return error;
    credentials_file(credentials, "node.key", path);
    if (access(path, F_OK) == 0) {
        say(enrol, "key", path);
        return reload_key_read(path, &credentials->key, enrol->message, sizeof enrol->message);
    }
    error = reload_key_new(enrol->key_type, &credentials->key);
    if (error != 0)
        return refuse(enrol, error, "the key cannot be made: %s", reload_error_text(error));
    say(enrol, "new key", path);
    return reload_key_write(credentials->key, path, false, enrol->message, sizeof enrol->message);
}

/* ---- the certificate ------------------------------------------------------------------------- */

static const struct token {
    const char *token, *meaning;
} tokens[] = {
    {"failed_authentication", "wrong user name or password"},
    {"username_not_available", "this account may not have the user name that was asked for"},
    {"Node-IDs_not_available", "this account has no Node-ID left; ask the server's operator"},
    {"bad_CSR", "the server does not accept the certificate signing request"},
};

/* RFC6940 11.3: a token that is not known means an unknown reason. */
static int
explain(struct enrol *enrol, const char *url, const struct https_answer *answer)
{
    const char *meaning = "the server refuses for an unknown reason";
    if (answer->status == 429) {
        snprintf(enrol->message, sizeof enrol->message,
                 "%.300s: too many tries; wait %ld s and try again", url, answer->retry_after_s);
        return RELOAD_E_BUSY;
    }
    for (size_t i = 0; i < sizeof tokens / sizeof tokens[0] && answer->body != NULL; i++)
        if (reload_bytes_equal((struct reload_bytes){answer->body, answer->size},
                               reload_bytes_of_string(tokens[i].token)))
            meaning = tokens[i].meaning;
    if (answer->status == 403)
        snprintf(enrol->message, sizeof enrol->message, "%.300s: %s", url, meaning);
    else
        snprintf(enrol->message, sizeof enrol->message, "%.300s: HTTP status %ld", url,
                 answer->status);
    return answer->status == 403 ? RELOAD_E_FORBIDDEN : RELOAD_E_IO;
}

static int
take_answer(struct enrol *enrol, const char *url, const struct https_answer *answer)
{
    struct credentials_wanted wanted = {enrol->certificate_name, enrol->wall_ms};
    if (answer->status != 200)
        return explain(enrol, url, answer);
    if (strcmp(answer->type, "application/pkix-cert") != 0)
        return refuse(enrol, RELOAD_E_CERTIFICATE, "the server's answer is refused: %s",
                      "it is not of the type application/pkix-cert");
    return credentials_take(&enrol->credentials, (struct reload_bytes){answer->body, answer->size},
                            &wanted, enrol->message, sizeof enrol->message);
}

static int
ask_for_certificate(struct enrol *enrol, const struct secret *secret, struct reload_bytes csr)
{
    const struct reload_config *config = enrol->credentials.config;
    struct https_field fields[] = {
        {"username", reload_bytes_of_string(enrol->user), NULL, NULL},
        {"password", {(const uint8_t *)secret->text, secret->size}, NULL, NULL},
        {"csr", csr, "application/pkcs10", "node.csr"},
    };
    struct https_request request = {.ca_file = enrol->ca,
                                    /* RFC6940 11.3: not the URL's host, the overlay */
                                    .certificate_name = config->instance_name,
                                    .accept = "application/pkix-cert",
                                    .fields = fields,
                                    .field_count = sizeof fields / sizeof fields[0],
                                    .size_max = RELOAD_CERTIFICATE_SIZE_MAX};
    int error = RELOAD_E_IO;
    /* A server that cannot be reached is passed over, one that answers has decided. */
    for (size_t i = 0; i < config->enrollment_url_count; i++) {
        struct https_answer answer;
        request.url = config->enrollment_urls[i];
        say(enrol, "certificate from", request.url);
        error = https_do(&request, &answer, enrol->message, sizeof enrol->message);
        if (error == RELOAD_E_IO)
            continue;
        if (error == 0) {
            error = take_answer(enrol, request.url, &answer);
            https_answer_fini(&answer);
        }
        return error;
    }
    return error;
}

static int
have_certificate(struct enrol *enrol)
{
    char prompt[RELOAD_USER_NAME_MAX + 32];
    struct secret secret;
    uint8_t *csr;
    size_t size;
    int error = reload_csr_make(enrol->credentials.key, enrol->certificate_name, &csr, &size);
    if (error != 0)
        return refuse(enrol, error, "the request cannot be made: %s", reload_error_text(error));
    snprintf(prompt, sizeof prompt, "password of %.255s", enrol->user);
    error = secret_get(enrol->password_file, prompt, false, &secret, enrol->message,
                       sizeof enrol->message);
    if (error == 0)
        error = ask_for_certificate(enrol, &secret, (struct reload_bytes){csr, size});
    secret_wipe(&secret);
    OPENSSL_free(csr);
    return error;
}

/* ---- the command ----------------------------------------------------------------------------- */

/* The user name to ask for: as told, or the account's, completed by the overlay's name. */
static int
name_user(struct enrol *enrol)
{
    const char *name = enrol->user_name != NULL ? enrol->user_name : enrol->user;
    const char *at = strchr(name, '@') != NULL ? "" : "@";
    int length = snprintf(enrol->certificate_name, sizeof enrol->certificate_name, "%s%s%s", name,
                          at, *at != '\0' ? enrol->credentials.config->instance_name : "");
    if (length > 0 && (size_t)length < sizeof enrol->certificate_name &&
        reload_user_name_is_legal(reload_bytes_of_string(enrol->certificate_name)))
        return 0;
    return refuse(enrol, RELOAD_E_USAGE, "'%s' cannot be a user name", name);
}

static int
run(struct enrol *enrol)
{
    struct https_answer answer;
    int error = fetch_document(enrol, &answer);
    if (error != 0)
        return error;
    error = check_document(enrol, &answer);
    https_answer_fini(&answer);
    if (error == 0)
        error = name_user(enrol);
    if (error == 0)
        error = have_key(enrol);
    if (error == 0)
        error = have_certificate(enrol);
    if (error == 0)
        error = credentials_write(&enrol->credentials, enrol->message, sizeof enrol->message);
    return error;
}

static int
check_folder(struct enrol *enrol)
{
    int length =
        snprintf(enrol->credentials.folder, sizeof enrol->credentials.folder, "%s", enrol->check);
    if (length <= 0 || (size_t)length >= sizeof enrol->credentials.folder)
        return refuse(enrol, RELOAD_E_USAGE, "%s", "the folder's path is empty or too long");
    return credentials_load(&enrol->credentials, enrol->wall_ms, warn, enrol->message,
                            sizeof enrol->message);
}

static const struct option options[] = {
    {"url", required_argument, NULL, URL},
    {"overlay", required_argument, NULL, OVERLAY},
    {"user", required_argument, NULL, USER},
    {"user-name", required_argument, NULL, USER_NAME},
    {"password-file", required_argument, NULL, PASSWORD_FILE},
    {"password", required_argument, NULL, PASSWORD},
    {"ca", required_argument, NULL, CA},
    {"out", required_argument, NULL, OUT},
    {"key", required_argument, NULL, KEY},
    {"strict-config", no_argument, NULL, STRICT},
    {"check", required_argument, NULL, CHECK},
    {"json", no_argument, NULL, JSON},
    {"help", no_argument, NULL, HELP},
    {0},
};

/* Reads the arguments. Returns -1 to go on, else the exit code. */
static int
read_arguments(struct enrol *enrol, int argc, char **argv)
{
    const char **const texts[] = {[URL - URL] = &enrol->url,
                                  [OVERLAY - URL] = &enrol->overlay,
                                  [USER - URL] = &enrol->user,
                                  [USER_NAME - URL] = &enrol->user_name,
                                  [PASSWORD_FILE - URL] = &enrol->password_file,
                                  [CA - URL] = &enrol->ca,
                                  [OUT - URL] = &enrol->out,
                                  [CHECK - URL] = &enrol->check};
    int letter;
    optind = 1;
    while ((letter = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (letter == HELP)
            return fputs(help, stdout), EXIT_SUCCESS;
        if (letter == '?')
            return EXIT_USAGE;
        if (letter == PASSWORD) { /* everybody on the host can read arguments */
            fputs("reload enrol: a password is never an argument: use --password-file FILE\n",
                  stderr);
            return EXIT_USAGE;
        }
        if (letter == STRICT) {
            enrol->strict = true;
        } else if (letter == JSON) {
            enrol->as_json = true;
        } else if (letter != KEY) {
            *texts[letter - URL] = optarg;
        } else if (!reload_key_type_of(optarg, &enrol->key_type)) {
            fprintf(stderr, "reload enrol: --key is p256 or rsa, not '%s'\n", optarg);
            return EXIT_USAGE;
        }
    }
    if (optind < argc)
        fprintf(stderr, "reload enrol: '%s' is too much; see reload enrol --help\n", argv[optind]);
    else if (enrol->check == NULL && (enrol->user == NULL || (!enrol->url && !enrol->overlay)))
        fputs("reload enrol: --user NAME and --url URL or --overlay NAME; see --help\n", stderr);
    else
        return -1;
    return EXIT_USAGE;
}

int
command_enrol(int argc, char **argv)
{
    struct enrol enrol = {.key_type = RELOAD_KEY_P256};
    struct rlimit none = {0, 0};
    char name[] = "reload enrol"; /* what getopt begins its messages with */
    argv[0] = name;
    int code = read_arguments(&enrol, argc, argv);
    if (code >= 0)
        return code;
    /* The password and the key pass through here. */
    umask(077);
    setrlimit(RLIMIT_CORE, &none);
    prctl(PR_SET_DUMPABLE, 0);
    enrol.wall_ms = (uint64_t)time(NULL) * 1000;
    int error = enrol.check != NULL ? check_folder(&enrol) : run(&enrol);
    if (error == 0)
        error = credentials_print(&enrol.credentials, enrol.as_json);
    else
        fprintf(stderr, "reload enrol: %s\n", enrol.message);
    credentials_fini(&enrol.credentials);
    return error == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
