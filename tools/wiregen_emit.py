# SPDX-License-Identifier: BSD-2-Clause
"""Makes all files: those of each topic, the table of all structures, tests and fuzz targets."""
from wiregen_codec import emit_codec, emit_header
from wiregen_layout import File, MODEL, READER, WIRE
from wiregen_types import Struct
from wiregen_values import emit_arbitrary, emit_print


SHIMS = (("decode", "int", [READER, WIRE, MODEL, "void *value"]),
         ("encode", "void", ["struct reload_writer *writer", WIRE, "const void *value"]),
         ("equal", "bool", ["const void *a", "const void *b"]),
         ("print", "void", ["struct reload_json *json", WIRE, "const void *value"]),
         ("arbitrary", "void", ["struct reload_prng *prng", "struct reload_writer *arena", WIRE,
                                MODEL, "void *value"]))


def structures(topics):
    return [d for topic in topics for d in topic.definitions if isinstance(d, Struct)]


def emit_structures(topics):
    out = File("gen_structures.c", "all structures in one table.", "RFC 6940, RFC 7904")
    out.add('#include "reload/wire/structures.h"', "", '#include "reload/wire/wire.h"')
    for struct in structures(topics):
        for what, result, formal in SHIMS:
            names = [word.replace("*", " ").split()[-1] for word in formal]
            actual = ", ".join(name for name in names if name != "model" or struct.is_modelled)
            word = "" if result == "void" else "return "
            out.function(result, f"{struct.snake}_{what}", formal,
                         [(1, f"{word}reload_{struct.snake}_{what}({actual});")], static=True)
    for struct in structures(topics):
        out.add("")
        out.put(0, f"_Static_assert(sizeof({struct.c}) <= RELOAD_STRUCTURE_SIZE_MAX, "
                   f'"{struct.name} is too large");')
    out.add("", "const struct reload_structure reload_structures[] = {")
    for struct in structures(topics):
        out.add("    {", f'        .name = "{struct.name}",',
                f"        .size = sizeof({struct.c}),",
                f"        .is_modelled = {'true' if struct.is_modelled else 'false'},")
        out.add(*[f"        .{what} = {struct.snake}_{what}," for what, _, _ in SHIMS])
        out.add("    },")
    out.add("};", "")
    out.put(0, "const size_t reload_structure_count = sizeof reload_structures / "
               "sizeof reload_structures[0];")
    return out


def emit_round_trip(topics):
    """A Check test for each structure; tests/unit/wire/round_trip.c says what it does."""
    out = File("gen_round_trip_test.c", "each structure, random, goes to bytes and back.",
               "RFC 6940, RFC 7904")
    out.add("#include <check.h>", "", '#include "tests/unit/wire/round_trip.h"')
    for struct in structures(topics):
        out.add("", f"START_TEST({struct.snake})", "{", f'    round_trip("{struct.name}");', "}",
                "END_TEST")
    out.add("", "void", "round_trip_add(TCase *tests)", "{")
    out.add(*[f"    tcase_add_test(tests, {struct.snake});" for struct in structures(topics)])
    out.add("}")
    return out


def emit_fuzz(topic):
    """A libFuzzer target for the structures of a topic; the first octet chooses one."""
    out = File(f"gen_fuzz_{topic.name}.c", f"fuzzes the decoders: {topic.name}.", topic.rfc)
    out.add('#include "tests/fuzz/structure.h"')
    found = structures([topic])
    body = [(1, "if (size == 0)"), (2, "return 0;"), (1, f"switch (data[0] % {len(found)}) {{")]
    for at, struct in enumerate(found):
        body += [(1, f"case {at}:"),
                 (2, f'return fuzz_structure("{struct.name}", data + 1, size - 1);')]
    body += [(1, "default:"), (2, "return 0;"), (1, "}")]
    out.function("int", "LLVMFuzzerTestOneInput", ["const uint8_t *data", "size_t size"], body)
    return out


def emit_all(topics):
    files, earlier = [emit_structures(topics), emit_round_trip(topics)], []
    for topic in topics:
        files += [emit_header(topic, earlier), emit_codec(topic), emit_print(topic),
                  emit_arbitrary(topic)]
        if structures([topic]):
            files += [emit_fuzz(topic)]
        earlier = earlier + [topic.name]
    return {out.name: out.text() for out in files}
