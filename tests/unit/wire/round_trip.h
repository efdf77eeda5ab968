/* round_trip.h: what the generated tests do with each structure.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef TESTS_UNIT_WIRE_ROUND_TRIP_H
#define TESTS_UNIT_WIRE_ROUND_TRIP_H

#include <check.h>

/* round_trip makes many random instances of the structure |name| and checks of each that it comes
 * back equal from its encoding, that this encodes to the same bytes again, that no prefix of it
 * decodes, and that decoding what was changed somewhere never reads outside of it. */
void round_trip(const char *name);

/* round_trip_add adds the test of each structure; generated. */
void round_trip_add(TCase *tests);

#endif
