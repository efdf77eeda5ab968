#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""wiregen.py: turns structures in the presentation language of RFC 6940 6.3.1 into C.

usage: wiregen.py OUTPUT-DIRECTORY SPEC...

Every topic of the specs becomes gen_TOPIC.h, gen_TOPIC.c (decode, encode, equal, names),
gen_TOPIC_print.c (JSON) and gen_TOPIC_arbitrary.c (random instances); gen_structures.c is a table
of all structures, gen_round_trip_test.c and gen_fuzz_TOPIC.c test them. spec/README.md explains
the notation. A wrong spec ends with "FILE:LINE: what is wrong" and exit code 1.
"""
import os
import re
import sys

sys.dont_write_bytecode = True  # nothing is left beside the sources

from wiregen_emit import emit_all
from wiregen_types import (Arm, BOOLEAN, Bytes, Enum, Field, Integer, NODE_ID, Octets, Registry,
                           Select, SpecError, Struct, Topic, Typedef)

TOKEN = re.compile(r"(?P<space>[ \t\r]+|#[^\n]*)|(?P<newline>\n)|(?P<comment>/\*.*?\*/)"
                   r"|(?P<percent>%[a-z]+[^\n]*)|(?P<number>0x[0-9A-Fa-f]+|[0-9]+)"
                   r"|(?P<word>[A-Za-z_][A-Za-z0-9_-]*)|(?P<at>@[a-z]+)|(?P<dots>\.\.)"
                   r"|(?P<sign>[{}()<>\[\];:,^-])", re.S)
INTEGERS = {"uint8": 1, "uint16": 2, "uint32": 4, "uint64": 8}


class Token:
    def __init__(self, kind, text, line):
        self.kind, self.text, self.line = kind, text, line


def tokenize(path, text):
    """Splits a spec into tokens; comments stay, since they become those of the C code."""
    tokens, at, line = [], 0, 1
    while at < len(text):
        match = TOKEN.match(text, at)
        if not match:
            raise SpecError(path, line, f"cannot read '{text[at]}'")
        kind = match.lastgroup
        if kind not in ("space", "newline"):
            tokens.append(Token(kind, match.group(), line))
        line += match.group().count("\n")
        at = match.end()
    tokens.append(Token("end", "end of file", line))
    return tokens


class Parser:
    """Reads one spec file into |topics|, with all |names| defined so far."""

    def __init__(self, path, topics, names):
        with open(path, encoding="utf-8") as spec:
            self.tokens = tokenize(path, spec.read())
        self.path, self.topics, self.names = path, topics, names
        self.at, self.line = 0, 1
        self.topic = self.section = self.rfc = None

    def fail(self, message, line=None):
        raise SpecError(self.path, line or self.peek().line, message)

    def peek(self):
        return self.tokens[self.at]

    def take(self, text=None, kind=None):
        token = self.peek()
        if (text and token.text != text) or (kind and token.kind != kind):
            self.fail(f"expected {text or kind}, found '{token.text}'")
        self.at += 1
        self.line = token.line
        return token

    def accept(self, text):
        if self.peek().text == text:
            return self.take()
        return None

    def skip_comments(self):
        while self.peek().kind == "comment":
            self.take()

    def parse(self):
        while True:
            self.skip_comments()
            token = self.peek()
            if token.kind == "end":
                return
            if token.kind == "percent":
                self.directive(self.take())
            elif self.topic is None or self.section is None or self.rfc is None:
                self.fail("%rfc, %topic and %section must come before the first definition")
            elif token.text in DEFINITIONS:
                DEFINITIONS[token.text](self)
            else:
                self.fail(f"expected a definition, found '{token.text}'")

    def directive(self, token):
        name, _, value = token.text[1:].partition(" ")
        value = value.strip()
        if not value:
            self.fail(f"%{name} needs a value", token.line)
        if name == "rfc":
            self.rfc = value
        elif name == "section":
            self.section = value
        elif name == "topic":
            if any(topic.name == value for topic in self.topics):
                self.fail(f"topic {value} is there already", token.line)
            self.topic = Topic(value, f"RFC {self.rfc}")
            self.topics.append(self.topic)
        else:
            self.fail(f"unknown directive %{name}", token.line)

    def define(self, name, definition, line):
        if name in self.names:
            self.fail(f"{name} is defined twice", line)
        definition.where = f"RFC {self.rfc} {self.section}"
        definition.topic = self.topic
        self.names[name] = definition
        self.topic.definitions.append(definition)

    def number(self):
        """A number, or 2^N, or 2^N-M."""
        value = int(self.take(kind="number").text, 0)
        if self.accept("^"):
            value = value ** int(self.take(kind="number").text, 0)
        if self.accept("-"):
            value -= int(self.take(kind="number").text, 0)
        return value

    def type(self):
        token = self.take(kind="word")
        if token.text in INTEGERS:
            return Integer(INTEGERS[token.text])
        if token.text == "uint128":
            return Octets(16)
        if token.text == "opaque":
            return None
        if token.text not in self.names:
            self.fail(f"unknown type {token.text}", token.line)
        return self.names[token.text]

    def bounds(self):
        """<min..max>, in octets."""
        line = self.take("<").line
        low = self.number()
        self.take(kind="dots")
        high = self.number()
        self.take(">")
        if high < 1 or low > high or high > 2 ** 32 - 1:
            self.fail(f"impossible bounds {low}..{high}", line)
        return low, high

    def definition_typedef(self):
        self.take("typedef")
        base = self.type()
        token = self.take(kind="word")
        if token.text == "NodeId" and self.accept("["):
            self.take("NodeIdLength")
            self.take("]")
            kind = NODE_ID
        elif base is None:
            kind = Typedef(token.text, Bytes(*self.bounds()))
        else:
            kind = Typedef(token.text, base)
        self.take(";")
        self.define(token.text, kind, token.line)

    def values(self):
        """{ name(number), ..., (max) }: the values and the largest possible one."""
        self.take("{")
        values, largest = [], None
        while largest is None:
            token = self.take() if self.peek().kind == "word" else None
            self.take("(")
            number = self.number()
            self.take(")")
            if token is None:
                largest = number
                break
            if any(number == other for _, other in values):
                self.fail(f"value {number} is there already", token.line)
            values.append((token.text, number))
            self.take(",")
        self.take("}")
        for name, number in values:
            if number > largest:
                self.fail(f"{name}({number}) is larger than the largest value {largest}", self.line)
        width = (largest.bit_length() + 7) // 8
        if width not in (1, 2, 4):
            self.fail(f"no integer for values up to {largest}", self.line)
        if width != 1 and largest != 2 ** (8 * width) - 1:
            self.fail(f"values above {largest} can only be refused in one octet", self.line)
        return values, width, largest

    def definition_enum(self):
        self.take("enum")
        values, width, largest = self.values()
        token = self.take(kind="word")
        self.take(";")
        self.define(token.text, BOOLEAN if token.text == "Boolean"
                    else Enum(token.text, values, width, largest), token.line)

    def definition_registry(self):
        self.take("registry")
        values, width, largest = self.values()
        token = self.take(kind="word")
        self.take(";")
        registry = Registry(token.text, values, width, largest)
        self.define("registry " + token.text, registry, token.line)

    def definition_select(self):
        select = self.select()
        token = self.take(kind="word")
        self.take(";")
        if token.text in self.names:
            self.fail(f"{token.text} is defined twice", token.line)
        self.names[token.text] = select

    def select(self):
        self.take("select")
        self.take("(")
        select = Select(self.take(kind="word").text, self.line)
        self.take(")")
        self.take("{")
        while self.peek().text == "case":
            select.arms.append(self.arm())
        self.take("}")
        return select

    def arm(self):
        """case LABEL: ... of the labels that share fields; a lone ";" is an arm without any."""
        arm = Arm([], [])
        while self.accept("case"):
            arm.labels.append(self.take(kind="word"))
            self.take(":")
            self.skip_comments()
        if self.accept(";"):
            self.skip_comments()
            return arm
        while self.peek().text not in ("case", "}"):
            self.field(arm.fields)
            self.skip_comments()
        if not arm.fields:
            self.fail("an arm without fields needs a ';'")
        return arm

    def field(self, fields):
        if self.peek().text == "select":
            select = self.select()
            name = self.take().text if self.peek().kind == "word" else None
            fields.append(Field(name, select, self.line))
        else:
            fields.append(self.plain_field())
        self.take(";")
        token = self.peek()
        if token.kind == "comment" and token.line == self.line:
            fields[-1].comment = " ".join(self.take().text[2:-2].split())

    def plain_field(self):
        base = self.type()
        token = self.take(kind="word")
        field = Field(token.text, base, token.line)
        if self.peek().text == "<":
            field.type = Bytes(*self.bounds(), element=base)
        elif self.accept("["):
            field.type = Bytes(0, 2 ** 32 - 1, element=base)
            field.length_field = self.take(kind="word").text
            self.take("]")
        elif base is None:
            self.fail(f"opaque {token.text} needs a length", token.line)
        if self.peek().kind == "at":
            self.note(field, base)
        return field

    def note(self, field, base):
        note = self.take()
        if note.text == "@rest" and isinstance(base, Integer):
            field.is_rest = True
        elif note.text == "@text" and base is None and isinstance(field.type, Bytes):
            field.printer = "reload_wire_print_text"
        elif note.text == "@address" and getattr(base, "width", 0) == 4:
            field.printer = "reload_wire_print_ipv4"
        elif note.text == "@address" and isinstance(base, Octets):
            field.printer = "reload_wire_print_ipv6"
        else:
            self.fail(f"{note.text} is not possible here", note.line)

    def definition_struct(self):
        start = self.take("struct").line
        self.take("{")
        fields = []
        self.skip_comments()
        while self.peek().text != "}":
            self.field(fields)
            self.skip_comments()
        self.take("}")
        token = self.take(kind="word")
        struct = Struct(token.text, fields, start)
        if self.peek().kind == "at":
            note = self.take()
            if note.text != "@check":
                self.fail(f"{note.text} is not possible here", note.line)
            struct.is_checked = True
        self.take(";")
        known = self.names.get(token.text)
        if isinstance(known, Struct) and known.can_have_short(struct):
            known.short = struct
            return
        self.define(token.text, struct, token.line)
        struct.resolve(self)


DEFINITIONS = {
    "typedef": Parser.definition_typedef,
    "enum": Parser.definition_enum,
    "registry": Parser.definition_registry,
    "select": Parser.definition_select,
    "struct": Parser.definition_struct,
}


def main(arguments):
    if len(arguments) < 2:
        sys.stderr.write(__doc__)
        return 2
    topics, names = [], {}
    try:
        for path in arguments[1:]:
            Parser(path, topics, names).parse()
    except SpecError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    for name, text in emit_all(topics).items():
        with open(os.path.join(arguments[0], name), "w", encoding="utf-8") as out:
            out.write(text)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
