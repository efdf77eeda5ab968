/* config_xml_test.c: configuration documents that are bad XML, or too much of it.
 *
 * RFC 6940 11.1. SPDX-License-Identifier: BSD-2-Clause */
#include "tests/suite.h"
#include "tests/unit/certs/documents.h"
#include "tests/unit/certs/pki.h"

#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* One root certificate for all tests of a process. */
static X509 *
root(void)
{
    static X509 *made;
    if (!made)
        made = pki_root(pki_key(1), "CA");
    return made;
}

static void
expect_refused(const char *text, size_t size, const char *what)
{
    struct documents_outcome outcome;
    struct timespec before, after;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &before);
    documents_read(text, size, false, PKI_NOW, &outcome);
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &after);
    ck_assert_msg(outcome.error != 0, "accepted: %s", what);
    ck_assert_msg(after.tv_sec - before.tv_sec < 10, "costly: %s", what);
}

#define BOMB                                                                                       \
    "<!DOCTYPE overlay [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b \"&a;&a;&a;&a;&a;&a;&a;&a;\">"        \
    "<!ENTITY c \"&b;&b;&b;&b;&b;&b;&b;&b;\"><!ENTITY d \"&c;&c;&c;&c;&c;&c;&c;&c;\">]>"

START_TEST(dtd_and_entities)
{
    static const char *const prologues[] = {
        BOMB,
        "<!DOCTYPE overlay [<!ENTITY a SYSTEM \"file:///etc/passwd\">]>",
        "<!DOCTYPE overlay SYSTEM \"http://127.0.0.1:1/x.dtd\">",
        "<!DOCTYPE overlay PUBLIC \"x\" \"file:///etc/passwd\">",
        "<!DOCTYPE overlay>",
        "<!DOCTYPE overlay [<!ATTLIST overlay a CDATA \"b\">]>",
        "<!DOCTYPE overlay [<!ENTITY % p \"<!ENTITY a 'x'>\"> %p;]>",
    };
    for (size_t i = 0; i < sizeof prologues / sizeof *prologues; i++) {
        char text[4096];
        snprintf(
            text, sizeof text,
            "<?xml version=\"1.0\"?>%s<overlay xmlns=\"urn:ietf:params:xml:ns:p2p:config-base\">"
            "<configuration " DOCUMENTS_NAME "><root-cert>%s</root-cert><topology-plugin>%s"
            "</topology-plugin></configuration></overlay>",
            prologues[i], documents_root(root()), i < 2 ? "&a;" : "CHORD-RELOAD");
        expect_refused(text, 0, prologues[i]);
    }
    expect_refused(DOCUMENTS_HEAD "<configuration " DOCUMENTS_NAME ">&undefined;</configuration>"
                                  "</overlay>",
                   0, "undefined entity");
}
END_TEST

/* The same in UTF-16, where no "<!DOCTYPE" can be seen in the bytes, and behind other names of
 * encodings: documents are UTF-8 (11.1). RFC6940-11.1-02 */
START_TEST(other_encodings)
{
    static const char latin[] = "<?xml version=\"1.0\" encoding=\"UTF-7\"?>"
                                "+ADwAIQ-DOCTYPE overlay [+ADwAIQ-ENTITY a 'x'>]><overlay/>";
    char *text = documents_of(root(), DOCUMENTS_NAME, "", "");
    size_t size = strlen(text);
    char *wide = malloc(2 * size + 2);
    wide[0] = (char)0xff;
    wide[1] = (char)0xfe;
    for (size_t i = 0; i < size; i++) {
        wide[2 + 2 * i] = text[i];
        wide[3 + 2 * i] = 0;
    }
    expect_refused(wide, 2 * size + 2, "UTF-16");
    expect_refused(wide + 2, 2 * size, "UTF-16 without a mark");
    expect_refused(latin, 0, "UTF-7");
    free(wide);
    free(text);
}
END_TEST

START_TEST(bad_utf8)
{
    static const char *const sequences[] = {"\xff",         "\xc0\xaf", "\xe2\x82",
                                            "\xed\xa0\x80", "\x01",     "\xf5\x80\x80\x80"};
    for (size_t i = 0; i < sizeof sequences / sizeof *sequences; i++) {
        char body[128];
        snprintf(body, sizeof body, "<ext:x>%s</ext:x>", sequences[i]);
        char *text = documents_of(root(), DOCUMENTS_NAME, body, "");
        expect_refused(text, 0, "bad UTF-8");
        free(text);
    }
    char *text = documents_of(root(), DOCUMENTS_NAME, "<ext:x>!</ext:x>", "");
    size_t size = strlen(text);
    *strchr(text, '!') = 0;
    expect_refused(text, size, "NUL");
    free(text);
}
END_TEST

static char *
repeated(const char *before, const char *what, size_t count, const char *after, size_t *size)
{
    char *text = NULL;
    FILE *out = open_memstream(&text, size);
    fputs(before, out);
    for (size_t i = 0; i < count; i++)
        fputs(what, out);
    fputs(after, out);
    fclose(out);
    return text;
}

START_TEST(deep_and_large)
{
    static const char head[] = DOCUMENTS_HEAD "<configuration " DOCUMENTS_NAME ">";
    static const char tail[] = "</configuration></overlay>";
    size_t size;
    char *text = repeated(head, "<ext:a>", 100000, tail, &size);
    expect_refused(text, size, "100 000 levels");
    free(text);
    text = repeated("", "<a>", 300000, "", &size);
    expect_refused(text, size, "300 000 levels");
    free(text);
    text = repeated(head, "<bad-node>a0a0</bad-node>", 40000, tail, &size);
    ck_assert_uint_lt(size, RELOAD_CONFIG_DOCUMENT_MAX);
    expect_refused(text, size, "1 MiB of bad nodes");
    free(text);
    text = repeated(head, "<x/>", 250000, tail, &size);
    expect_refused(text, size, "1 MiB of unknown elements");
    free(text);
    text = repeated(head, "x", RELOAD_CONFIG_DOCUMENT_MAX, tail, &size);
    struct documents_outcome outcome;
    documents_read(text, size, false, PKI_NOW, &outcome);
    ck_assert_int_eq(outcome.error, RELOAD_E_TOO_LARGE);
    free(text);
    static char large[16 << 20];
    memset(large, ' ', sizeof large);
    documents_read(large, sizeof large, false, PKI_NOW, &outcome);
    ck_assert_int_eq(outcome.error, RELOAD_E_TOO_LARGE);
}
END_TEST

/* RFC6940-11.1-01 */
START_TEST(not_a_document)
{
    static const char *const texts[] = {
        " ",
        "hello",
        "<overlay",
        "<overlay/>",
        "<overlay></overlay><overlay></overlay>",
        "<configuration instance-name=\"a.b\"/>",
        "<html><body>404 Not Found</body></html>",
        DOCUMENTS_HEAD "</overlay>",
        DOCUMENTS_HEAD "<configuration " DOCUMENTS_NAME " " DOCUMENTS_NAME "/></overlay>",
        DOCUMENTS_HEAD "<configuration " DOCUMENTS_NAME "></overlay></configuration>",
        DOCUMENTS_HEAD "<configuration " DOCUMENTS_NAME " x=<y>/></overlay>",
        "{\"overlay\": 1}",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        expect_refused(texts[i], 0, texts[i]);
    struct documents_outcome outcome;
    documents_read("", 0, false, PKI_NOW, &outcome);
    ck_assert_int_eq(outcome.error, RELOAD_E_CONFIG);
}
END_TEST

/* Every prefix is refused. */
START_TEST(prefixes)
{
    char *text = documents_of(root(), DOCUMENTS_NAME " sequence='1'",
                              "<initial-ttl>5</initial-ttl><bootstrap-node address='a'/>"
                              "<ext:a b='c'><!-- d --><ext:e/></ext:a>",
                              "<signature>AAAA</signature>");
    size_t size = strlen(text) - strlen("\n");
    for (size_t cut = 1; cut < size; cut += 13)
        expect_refused(text, cut, "a prefix");
    free(text);
}
END_TEST

/* ---- files ---------------------------------------------------------------------------------- */

START_TEST(files)
{
    char path[] = "/tmp/reload-config-XXXXXX";
    char *text = documents_of(root(), DOCUMENTS_NAME, "<initial-ttl>0</initial-ttl>", "");
    int descriptor = mkstemp(path);
    ck_assert_int_ge(descriptor, 0);
    ck_assert_int_eq(write(descriptor, text, strlen(text)), (ssize_t)strlen(text));
    close(descriptor);
    struct reload_config *config = NULL;
    struct reload_config_reading reading = {.wall_ms = PKI_NOW};
    char message[256];
    ck_assert_int_eq(reload_config_read(path, &reading, &config, message, sizeof message),
                     RELOAD_E_CONFIG);
    ck_assert_msg(strstr(message, path) == message && strstr(message, "line ") != NULL, "%s",
                  message);
    unlink(path);
    ck_assert_int_eq(reload_config_read(path, &reading, &config, message, sizeof message),
                     RELOAD_E_IO);
    ck_assert_ptr_nonnull(strstr(message, path));
    free(text);
}
END_TEST

int
main(void)
{
    pki_begin();
    int result = RUN_SUITE("config_xml", dtd_and_entities, other_encodings, bad_utf8,
                           deep_and_large, not_a_document, prefixes, files);
    pki_end();
    return result;
}
