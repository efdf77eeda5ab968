# SPDX-License-Identifier: BSD-2-Clause
"""Lays out C as clang-format would, and knows the signatures of the generated functions."""
import re

WIDTH = 100
READER = "struct reload_reader *reader"
WIRE = "const struct reload_wire *wire"
MODEL = "uint8_t model"


def split_arguments(text):
    """Splits at the commas outside of inner brackets."""
    parts, depth, start = [], 0, 0
    for at, char in enumerate(text):
        depth += (char in "({[") - (char in ")}]")
        if char == "," and depth == 0:
            parts.append(text[start:at + 1])
            start = at + 2
    return parts + [text[start:]]


class File:
    """Lines of C, broken at 100 columns as clang-format would."""

    def __init__(self, name, what, where):
        self.name, self.lines = name, []
        self.add(f"/* {name}: {what}", " *", f" * {where}. Made by tools/wiregen.py; do not edit.",
                 " * SPDX-License-Identifier: BSD-2-Clause */")

    def add(self, *lines):
        self.lines.extend(lines)

    def put(self, depth, text):
        """One statement, declaration or prototype at |depth|."""
        pad = "    " * depth
        if len(pad + text) <= WIDTH or "(" not in text:
            self.lines.append(pad + text)
        elif " && " in text:
            left, right = text.split(" && ", 1)
            self.lines.append(f"{pad}{left} &&")
            self.lines.append(pad + " " * (4 if text.startswith("if") else 7) + right)
        elif " = " in text and len(pad + text.split(" = ", 1)[1]) + 4 <= WIDTH:
            left, right = text.split(" = ", 1)
            self.lines.append(f"{pad}{left} =")
            self.lines.append(f"{pad}    {right}")
        else:
            self.put_call(pad, text)

    def put_call(self, pad, text):
        """A call or prototype whose arguments do not fit on its line."""
        start = text.index("if (") + 4 if text.startswith("if (") else 0
        opening = text.index("(", start) + 1
        arguments = split_arguments(text[opening:])
        indent = len(pad) + opening
        if max(map(len, arguments)) + indent <= WIDTH:
            self.fill(pad + text[:opening], arguments, indent)
        elif text.endswith(");") and re.match(r"[A-Za-z_ ]+ \*?reload_\w+\(", text):
            result, name = re.match(r"(.*?) (reload_\w+\()", text).groups()
            self.lines.append(pad + result)
            self.fill(pad + name, arguments, len(pad + name))
        else:
            self.lines.append(pad + text[:opening])
            self.fill(pad + "    ", arguments, len(pad) + 4)

    def fill(self, current, arguments, indent):
        """Puts as many arguments on each line as fit."""
        for part in arguments:
            glue = "" if current.endswith("(") or not current.strip() else " "
            if len(current) + len(glue) + len(part) > WIDTH:
                self.lines.append(current.rstrip())
                current, glue = " " * indent, ""
            current += glue + part
        self.lines.append(current)

    def align_comments(self):
        """Comments behind members on consecutive lines begin in the same column."""
        member_line = re.compile(r"(\s.*;) (/\* .* \*/)$")
        at = 0
        while at < len(self.lines):
            end = at
            while end < len(self.lines) and member_line.match(self.lines[end]):
                end += 1
            found = [member_line.match(line).groups() for line in self.lines[at:end]]
            column = max((len(code) for code, _ in found), default=0)
            if all(column + 1 + len(comment) <= WIDTH for _, comment in found):
                self.lines[at:end] = [f"{code:{column}} {comment}" for code, comment in found]
            at = end + 1

    def comment(self, depth, text):
        """A comment, filled."""
        pad = "    " * depth
        current = pad + "/*"
        for word in text.split() + ["*/"]:
            if len(current) + 1 + len(word) > WIDTH:
                self.lines.append(current)
                current = pad + " *"
            current += " " + word
        self.lines.append(current)

    def function(self, result, name, parameters, body, static=False):
        """A function; parameters that |body| does not use are marked."""
        text = "\n".join(line for _, line in body)
        self.add("", f"static {result}" if static else result)
        self.put(0, f"{name}({', '.join(parameters)})")
        self.add("{")
        for parameter in parameters:
            word = parameter.replace("*", " ").split()[-1]
            if not uses(text, word):
                self.put(1, f"(void){word};")
        for depth, line in body:
            self.put(depth, line) if line else self.add("")
        self.add("}")

    def text(self):
        return "\n".join(self.lines) + "\n"


def uses(text, word):
    at = text.find(word)
    while at >= 0:
        before = text[at - 1] if at else " "
        after = text[at + len(word)] if at + len(word) < len(text) else " "
        if not (before.isalnum() or before in "_.>" or after.isalnum() or after in "_\""):
            return True
        at = text.find(word, at + 1)
    return False


def is_element(kind):
    """Types whose values stand in lists."""
    return getattr(kind, "is_listed", False)


def model_parameter(kind):
    return [MODEL] if kind.is_modelled else []


def parameters(kind, what):
    """The parameters of |kind|'s function |what|."""
    pointer = f"{kind.c} *value"
    if what == "decode":
        return [READER, WIRE] + model_parameter(kind) + [pointer]
    if what == "next":
        return ["struct reload_reader *list", WIRE] + model_parameter(kind) + [pointer]
    if what == "encode":
        return ["struct reload_writer *writer", WIRE, "const " + pointer]
    if what == "equal":
        return [f"const {kind.c} *a", f"const {kind.c} *b"]
    if what == "print":
        return ["struct reload_json *json", WIRE, "const " + pointer]
    if what == "list_check":
        return ["struct reload_reader list", WIRE] + model_parameter(kind)
    if what == "list_print":
        return ["struct reload_json *json", WIRE] + model_parameter(kind) + [
            "struct reload_bytes list"]
    if what == "list_arbitrary":
        return ["struct reload_prng *prng", "struct reload_writer *arena", WIRE] + model_parameter(
            kind) + ["size_t size_min"]
    assert what == "arbitrary"
    return ["struct reload_prng *prng", "struct reload_writer *arena", WIRE] + model_parameter(
        kind) + [pointer]


RESULTS = {"decode": "int", "next": "bool", "encode": "void", "equal": "bool", "print": "void",
           "list_check": "int", "list_print": "void", "list_arbitrary": "struct reload_bytes",
           "arbitrary": "void"}
STRUCT_FUNCTIONS = ("decode", "encode", "equal", "print", "arbitrary")
LIST_FUNCTIONS = ("next", "list_check", "list_print", "list_arbitrary")


def declare(out, kind, whats):
    for what in whats:
        checked = "RELOAD_CHECKED " if RESULTS[what] == "int" else ""
        space = "" if RESULTS[what].endswith("*") else " "
        out.put(0, f"{checked}{RESULTS[what]}{space}reload_{kind.snake}_{what}("
                   f"{', '.join(parameters(kind, what))});")
