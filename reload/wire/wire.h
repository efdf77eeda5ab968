/* wire.h: RELOAD's structures, as bytes and as C structures.
 *
 * For each structure X of RFC 6940 and RFC 7904 there is a struct reload_x with the RFC's field
 * names (length fields that only count what follows are left out) and:
 *
 *   int reload_x_decode(reader, wire, x)
 *       reads one X. Returns 0; RELOAD_E_TRUNCATED, RELOAD_E_MALFORMED or RELOAD_E_TRAILING (bytes
 *       left over inside of a length) and then leaves |reader| and |x| as they were and tells
 *       |wire->error|; never allocates. |x| borrows from the reader's buffer. Structures whose form
 *       depends on the data model of a Kind (StoredData, ...) take it as a third argument, and fail
 *       with RELOAD_E_UNKNOWN_KIND when it is 0; those that hold a Kind-ID find it by
 *       wire->kind_model and keep the values of an unknown Kind as they are, unread.
 *   void reload_x_encode(writer, wire, x)
 *       writes one X; what cannot be written sets |writer->failed|.
 *   bool reload_x_equal(a, b)
 *   void reload_x_print(json, wire, x)
 *       prints it as a JSON object; octets in hex.
 *   void reload_x_arbitrary(prng, arena, wire, x)
 *       makes a random valid one, borrowing from |arena|: for tests.
 *
 * A list is the encoded elements, checked while decoding. Walk it with reload_x_next, which returns
 * false at the end:
 *
 *   struct reload_reader list = reload_reader_of(request.kind_data);
 *   while (reload_store_kind_data_next(&list, wire, &element))
 *
 * and build one by encoding the elements into a writer. Enums are held in integers of their width,
 * so that values that are not known here survive.
 *
 * RFC 6940 6.3.1. SPDX-License-Identifier: BSD-2-Clause */
#ifndef RELOAD_WIRE_WIRE_H
#define RELOAD_WIRE_WIRE_H

#include "reload/wire/context.h"
#include "reload/wire/gen_common.h"
#include "reload/wire/gen_forwarding.h"
#include "reload/wire/gen_message.h"
#include "reload/wire/gen_topology.h"
#include "reload/wire/gen_link.h"
#include "reload/wire/gen_storage.h"
#include "reload/wire/gen_chord.h"
#include "reload/wire/gen_private.h"
#include "reload/wire/gen_sip.h"
#include "reload/wire/message.h"

#endif
