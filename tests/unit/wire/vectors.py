#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""vectors.py: makes a C table of the vectors in tests/data/vectors, with the place of every length
field in them. The places are found by reading the bytes by the spec itself, as the generator parses
it: a second decoder, that shares no code with the generated one.

usage: vectors.py OUTPUT VECTOR-DIRECTORY GENERATOR-DIRECTORY SPEC...
"""
import glob
import json
import os
import sys

MODELS = {1: 3, 2: 1, 3: 2, 16: 2}  # data models of the registered Kinds
RENAMED = {"IPAddressPort": "IpAddressPort", "ICECandidate": "IceCandidate"}
MODEL_OF_VALUE = {"DataValue": 1, "ArrayEntry": 2, "DictionaryEntry": 3}


class Walk:
    """Walks through |data| and notes (offset, width) of each length field."""

    def __init__(self, names, data):
        self.names, self.data, self.lengths = names, data, []

    def number(self, at, width):
        return int.from_bytes(self.data[at:at + width], "big")

    def value(self, kind, at, model):
        """Returns the offset behind one value of |kind| at |at|."""
        from wiregen_types import Bytes, NodeId, Octets, Struct, Typedef
        if isinstance(kind, Typedef):
            return self.value(kind.base, at, model)
        if isinstance(kind, Struct):
            return self.struct(kind, at, model)
        if isinstance(kind, Bytes):
            self.lengths.append((at, kind.width))
            end = at + kind.width + self.number(at, kind.width)
            self.elements(kind.element, at + kind.width, end, model)
            return end
        if isinstance(kind, NodeId):
            return at + 16
        if isinstance(kind, Octets):
            return at + kind.size
        return at + getattr(kind, "width", 1)

    def elements(self, element, at, end, model):
        while element is not None and at < end:
            at = self.value(element, at, model)

    def struct(self, struct, at, model):
        from wiregen_types import Select
        if struct.short and self.data[at] & 0x80:
            return at + 2
        seen, counted = {}, {}
        for field in struct.fields:
            if isinstance(field.type, Select):
                at = self.arm(field.type, at, seen.get(field.type.tag, model))
                continue
            width = getattr(field.type, "width", 0)
            if field.is_rest or field.counts:
                self.lengths.append((at, width))
                counted[field.name] = self.number(at, width)
            if field.length_field:
                end = at + counted[field.length_field]
                self.elements(field.element(), at, end, model)
                at = end
                continue
            seen[field.name] = self.number(at, width)
            if field is struct.kind:
                model = MODELS.get(seen[field.name], 0)
            at = self.value(field.type, at, model)
        return at

    def arm(self, select, at, tag):
        for arm in select.arms:
            labels = [label.text for label in arm.labels]
            if any(value == tag and name in labels for name, value in select.enum.values):
                for field in arm.fields:
                    at = self.value(field.type, at, 0)
        return at

    def message(self):
        """Header, contents, the body inside of them, security block."""
        names = self.names
        self.lengths.append((16, 4))  # ForwardingHeader.length
        at = self.struct(names["ForwardingHeader"], 0, 0)
        code = self.number(at, 2)
        body = BODIES.get(code)
        if body:
            end = self.struct(names[body], at + 6, 0)
            assert end == at + 6 + self.number(at + 2, 4), "body is not used up"
        at = self.struct(names["MessageContents"], at, 0)
        return self.struct(names["SecurityBlock"], at, 0)


BODIES = {1: "ProbeReq", 2: "ProbeAns", 3: "AttachReqAns", 4: "AttachReqAns", 7: "StoreReq",
          9: "FetchReq", 10: "FetchAns", 13: "FindReq", 15: "JoinReq", 17: "LeaveReq",
          18: "LeaveAns", 19: "ChordUpdate", 21: "RouteQueryReq", 23: "PingReq", 24: "PingAns",
          25: "StatReq", 26: "StatAns", 29: "AppAttachReq", 30: "AppAttachAns",
          33: "ConfigUpdateReq", 0xffff: "ErrorResponse"}


def row(names, vector):
    data = bytes.fromhex(vector["hex"])
    walk = Walk(names, data)
    name, model = "", 0
    if vector["level"] == "message":
        end = walk.message()
    else:
        name = vector["fields"]["_type"]
        name = RENAMED.get(name, name)
        if name == "StoredData":
            model = MODEL_OF_VALUE[vector["fields"]["value"]["_type"]]
        end = walk.struct(names[name], 0, model)
    assert end == len(data), f"{vector['name']}: {end} of {len(data)} octets read"
    lengths = ", ".join(f"{{{offset}, {width}}}" for offset, width in walk.lengths)
    octets = ", ".join(str(octet) for octet in data)
    label = vector["name"]
    return (f"static const uint8_t {label}_octets[] = {{{octets}}};\n"
            f"static const struct vector_length {label}_lengths[] = {{{lengths or '{0, 0}'}}};\n",
            f'    {{"{label}", "{name}", {model}, {label}_octets, sizeof {label}_octets,\n'
            f"     {label}_lengths, {len(walk.lengths)}}},\n")


def main(output, directory, generator, *specs):
    sys.path.insert(0, generator)
    sys.dont_write_bytecode = True
    from wiregen import Parser
    topics, names = [], {}
    for spec in specs:
        Parser(spec, topics, names).parse()
    rows = []
    for path in sorted(glob.glob(os.path.join(directory, "*", "*.json"))):
        with open(path, encoding="utf-8") as vector:
            rows.append(row(names, json.load(vector)))
    with open(output, "w", encoding="utf-8") as out:
        out.write("/* Made by tests/unit/wire/vectors.py from tests/data/vectors. */\n"
                  '#include "tests/unit/wire/vectors.h"\n\n')
        out.write("".join(data for data, _ in rows))
        out.write("\nconst struct vector vectors[] = {\n" + "".join(line for _, line in rows))
        out.write("};\n\nconst size_t vector_count = sizeof vectors / sizeof vectors[0];\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
