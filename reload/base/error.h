/* error.h: every error that a function of this library can return, with the class that tells the
 * caller what to do about it.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef RELOAD_BASE_ERROR_H
#define RELOAD_BASE_ERROR_H

/* What the caller does about an error:
 * PEER   the other side's bytes or wishes are wrong: drop the message or answer with an error;
 * USAGE  the caller's own mistake;
 * BUSY   a bound is reached: try again later;
 * LINK   close the link;
 * LOCAL  this host cannot do it (memory, file, network): report it. */
enum reload_error_class {
    RELOAD_CLASS_PEER,
    RELOAD_CLASS_USAGE,
    RELOAD_CLASS_BUSY,
    RELOAD_CLASS_LINK,
    RELOAD_CLASS_LOCAL,
};

/* One row an error: name, number, class, text for people. */
#define RELOAD_ERRORS(X)                                                                           \
    X(MALFORMED, -1, PEER, "malformed message")                                                    \
    X(TRUNCATED, -2, PEER, "message ends too early")                                               \
    X(TRAILING, -3, PEER, "bytes left over after the end of a structure")                          \
    X(VERSION, -4, PEER, "unsupported protocol version")                                           \
    X(OVERLAY, -5, PEER, "message of another overlay")                                             \
    X(SIGNATURE, -6, PEER, "signature does not verify")                                            \
    X(CERTIFICATE, -7, PEER, "certificate is not acceptable")                                      \
    X(EXPIRED, -8, PEER, "certificate or document is not valid at this time")                      \
    X(FORBIDDEN, -9, PEER, "not permitted")                                                        \
    X(NOT_FOUND, -10, PEER, "not found")                                                           \
    X(TOO_LARGE, -11, PEER, "too large")                                                           \
    X(TOO_OLD, -12, PEER, "a newer value is already stored")                                       \
    X(GENERATION, -13, PEER, "generation counter does not match")                                  \
    X(UNKNOWN_KIND, -14, PEER, "unknown Kind")                                                     \
    X(UNKNOWN_EXTENSION, -15, PEER, "unknown critical extension")                                  \
    X(TTL, -16, PEER, "time to live exceeded")                                                     \
    X(UNSUPPORTED_OPTION, -17, PEER, "unsupported forwarding option")                              \
    X(CONFIG_OLD, -18, PEER, "older configuration")                                                \
    X(CONFIG_NEW, -19, PEER, "newer configuration")                                                \
    X(IN_PROGRESS, -20, PEER, "already in progress")                                               \
    X(DUPLICATE, -21, PEER, "seen before")                                                         \
    X(REFUSED, -22, PEER, "the other side answered with an error")                                 \
    X(TIMEOUT, -23, PEER, "no answer in time")                                                     \
    X(UNREACHABLE, -24, PEER, "no way there was found")                                            \
    X(USAGE, -40, USAGE, "wrong use of a function")                                                \
    X(SPACE, -41, USAGE, "the buffer is too small")                                                \
    X(CONFIG, -42, USAGE, "wrong configuration")                                                   \
    X(BUSY, -60, BUSY, "too many at once")                                                         \
    X(LINK, -80, LINK, "link failed")                                                              \
    X(CLOSED, -81, LINK, "link closed")                                                            \
    X(NOMEM, -100, LOCAL, "out of memory")                                                         \
    X(IO, -101, LOCAL, "input or output failed")                                                   \
    X(CRYPTO, -102, LOCAL, "cryptographic library failed")

enum reload_error {
    RELOAD_OK = 0,
#define X(name, number, class, text) RELOAD_E_##name = (number),
    RELOAD_ERRORS(X)
#undef X
};

/* Marks functions whose result must be looked at. */
#define RELOAD_CHECKED __attribute__((warn_unused_result))

/* reload_ignore says in the code that an error at this place has no consequence. */
static inline void
reload_ignore(int error)
{
    (void)error;
}

/* reload_error_text returns the text for people of |error|, a static string; "success" for 0 and
 * "unknown error" for a number that is none of the above. */
const char *reload_error_text(int error);

/* reload_error_name returns the name of |error| without RELOAD_E_, a static string. */
const char *reload_error_name(int error);

/* reload_error_class tells what the caller has to do about |error|, which must not be 0. */
enum reload_error_class reload_error_class(int error);

#endif
