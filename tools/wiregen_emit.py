# SPDX-License-Identifier: BSD-2-Clause
"""Makes the C files of all topics from the types in wiregen_types.py."""
import re

from wiregen_types import (Bytes, Enum, Integer, NODE_ID, NodeId, Registry, Select, Struct,
                           Typedef)

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


# ---- headers -----------------------------------------------------------------------------------

def emit_header(topic, earlier):
    out = File(f"gen_{topic.name}.h", f"structures of {topic.rfc}: {topic.name}.",
               "The functions' contract is in reload/wire/wire.h")
    guard = f"RELOAD_WIRE_GEN_{topic.name.upper()}_H"
    out.add(f"#ifndef {guard}", f"#define {guard}", "", '#include "reload/wire/context.h"')
    out.add(*[f'#include "reload/wire/gen_{name}.h"' for name in earlier])
    for definition in topic.definitions:
        if isinstance(definition, Enum):
            header_enum(out, definition)
        if isinstance(definition, Struct):
            header_struct(out, definition)
        if is_element(definition) and not isinstance(definition, Struct):
            out.add("")
            out.comment(0, f"{definition.name}: {definition.where}.")
            declare(out, definition, ("decode",) + LIST_FUNCTIONS)
    out.add("", "#endif")
    out.align_comments()
    return out


def header_enum(out, enum):
    out.add("")
    out.comment(0, f"{enum.name}: {enum.where}.")
    out.add(f"enum {enum.tag} {{")
    for label, value in enum.values:
        out.put(1, f"{enum.constant(label)} = {value},")
    out.add("};", "")
    out.comment(0, 'The name of a value, "unknown" when it has none.')
    out.put(0, f"const char *{enum.tag}_name({enum.c} value);")


def member(out, depth, field):
    element = field.element()
    note = field.comment
    if element is not None:
        note = (note + "; " if note else "") + f"a list of {element.name}"
    elif isinstance(field.type, Enum):
        note = (note + "; " if note else "") + f"enum {field.type.tag}"
    text = field.type.declare(field.name)
    line = "    " * depth + text + (f" /* {note} */" if note else "")
    if len(line) > WIDTH:
        out.comment(depth, note)
        line = "    " * depth + text
    out.add(line)


def header_select(out, struct, field):
    select = field.type
    out.put(1, "union {")
    seen = set()
    for arm in select.arms:
        if len(arm.fields) == 1 and arm.fields[0].name not in seen:
            seen.add(arm.fields[0].name)
            member(out, 2, arm.fields[0])
        elif len(arm.fields) > 1:
            out.put(2, "struct {")
            for inner in arm.fields:
                member(out, 3, inner)
            out.put(2, f"}} {arm.name()};")
    if select.is_open(struct):
        what = "model is 0" if select.tag == "DataModel" else f"{select.tag} is none of these"
        out.put(2, f"struct reload_bytes unknown; /* when {what} */")
    out.put(1, f"}} {field.name};" if field.name else "};")


def header_struct(out, struct):
    out.add("")
    out.comment(0, f"{struct.name}: {struct.where}.")
    out.add(f"{struct.c} {{")
    if struct.is_modelled and struct.owns_model:
        out.put(1, "uint8_t model; /* enum reload_data_model */")
    if struct.short:
        out.put(1, f"bool compressed; /* {struct.short.fields[0].name} stands alone, in two octets,"
                   " its first bit 1 */")
    for field in struct.fields:
        if isinstance(field.type, Select):
            header_select(out, struct, field)
        elif not field.is_hidden():
            member(out, 1, field)
        if field is struct.kind and struct.has_model:
            out.put(1, "uint8_t model; /* enum reload_data_model; 0: unknown Kind */")
    if not struct.fields:
        out.put(1, "uint8_t empty; /* C wants a member: nothing is on the wire */")
    out.add("};")
    declare(out, struct, STRUCT_FUNCTIONS)
    if struct.is_listed:
        declare(out, struct, LIST_FUNCTIONS)


# ---- decode ------------------------------------------------------------------------------------

def fail(depth, struct, reader, error, field):
    return (depth, f'return reload_wire_fail(wire, {reader}, {error}, "{struct.name}", "{field}");')


def rereads(struct):
    """Whether walking a list of |struct| would check lists inside of it a second time."""
    return struct.is_listed and any(f.element() is not None for f in struct.all_fields())


def check_list(depth, struct, field, reader, target, model):
    element = field.element()
    argument = f", {model}" if element.is_modelled else ""
    conditions = [f"{model} != 0"] if element.is_modelled else []
    conditions += ["!is_checked"] if rereads(struct) else []
    call = (f"error = reload_{element.snake}_list_check(reload_reader_sub({reader}, {target}), "
            f"wire{argument});")
    if not conditions:
        return [(depth, call), (depth, "if (error)"), (depth + 1, "return error;")]
    return [(depth, f"if ({' && '.join(conditions)})"), (depth + 1, call),
            (depth, "if (error)"), (depth + 1, "return error;")]


def read_field(depth, struct, field, reader, target, model):
    """Statements that read |field| into |target|."""
    if isinstance(field.type, Struct):
        lines = [(depth, f"error = {field.type.read(reader, target, model)};"),
                 (depth, "if (error)"), (depth + 1, "return error;")]
    elif field.length_field:
        lines = [(depth, f"error = reload_reader_bytes({reader}, {field.length_field}, "
                         f"&{target});"),
                 (depth, "if (error)"), fail(depth + 1, struct, reader, "error", field.name)]
    else:
        lines = [(depth, f"error = {field.type.read(reader, target)};"),
                 (depth, "if (error)"), fail(depth + 1, struct, reader, "error", field.name)]
    if field.element() is not None:
        lines += check_list(depth, struct, field, reader, target, model)
    return lines


def arm_path(struct, field, arm, inner):
    path = f"{field.name}." if field.name else ""
    return path + (f"{arm.name()}." if len(arm.fields) > 1 else "") + inner.name


def tag_name(select):
    return "model" if select.tag == "DataModel" else select.tag


def cases(select, arm):
    return [(1, f"case {select.enum.constant(label.text)}:") for label in arm.labels]


def decode_arm(out, struct):
    field = struct.select
    select = field.type
    body = [(1, "int error;"), (0, "")] if any(a.fields for a in select.arms) else []
    body += [(1, f"switch (out->{tag_name(select)}) {{")]
    for arm in select.arms:
        body += cases(select, arm)
        for inner in arm.fields:
            body += read_field(2, struct, inner, "in", "out->" + arm_path(struct, field, arm, inner),
                               "out->model")
        body += [(2, "return 0;")]
    body += [(1, "default:")]
    if select.is_open(struct):
        path = f"{field.name}." if field.name else ""
        body += [(2, f"return reload_reader_bytes(in, reload_reader_left(in), &out->{path}unknown);")]
    else:
        error = "UNKNOWN_KIND" if select.tag == "DataModel" else "MALFORMED"
        body += [fail(2, struct, "in", f"RELOAD_E_{error}", tag_name(select))]
    body += [(1, "}")]
    formal = ["struct reload_reader *in", WIRE, f"{struct.c} *out"]
    out.function("int", f"decode_{struct.snake}_arm",
                 formal + (["bool is_checked"] if rereads(struct) else []), body, static=True)


def short_target(struct):
    """The member that the short form's octets go to, and its tag's value."""
    field = struct.select
    for arm in field.type.arms:
        for inner in arm.fields:
            if inner.name == struct.short.fields[0].name:
                return (arm_path(struct, field, arm, inner),
                        field.type.enum.constant(arm.labels[0].text))
    raise AssertionError("can_have_short found it")


def decode_short(out, struct):
    path, tag = short_target(struct)
    body = [(1, f"{struct.c} out = {{0}};"),
            (1, "out.compressed = true;"),
            (1, f"out.{struct.select.type.tag} = {tag};"),
            (1, f"int error = reload_reader_bytes(reader, 2, &out.{path});"),
            (1, "if (error)"), fail(2, struct, "reader", "error", struct.short.fields[0].name),
            (1, "*value = out;"), (1, "return 0;")]
    out.function("int", f"decode_{struct.snake}_short", parameters(struct, "decode"), body,
                 static=True)


def decode_struct(out, struct):
    body = []
    if struct.short:
        body += [(1, "if (reload_reader_left(reader) && *reader->at & 0x80)"),
                 (2, f"return decode_{struct.snake}_short(reader, wire, value);")]
    if struct.fields:
        body += [(1, "struct reload_reader in = *reader;")]
    body += [(1, f"{struct.c} out = {{0}};")]
    if struct.fields:
        body += [(1, "int error;"), (0, "")]
    model = "out.model" if struct.owns_model else "model"
    if struct.owns_model and struct.is_modelled:
        body += [(1, "out.model = model;")]
    reader = "&in"
    for field in struct.fields:
        if field.is_rest:
            body += [(1, "struct reload_bytes rest;"),
                     (1, f"error = reload_reader_vector({reader}, {field.type.width}, &rest);"),
                     (1, "if (error)"), fail(2, struct, reader, "error", field.name),
                     (1, f"struct reload_reader body = reload_reader_sub({reader}, rest);")]
            reader = "&body"
        elif field.counts:
            body += [(1, field.type.declare(field.name)),
                     (1, f"error = {field.type.read(reader, field.name)};"),
                     (1, "if (error)"), fail(2, struct, reader, "error", field.name)]
        elif isinstance(field.type, Select):
            extra = ", is_checked" if rereads(struct) else ""
            body += [(1, f"error = decode_{struct.snake}_arm({reader}, wire, &out{extra});"),
                     (1, "if (error)"), (2, "return error;")]
        else:
            body += read_field(1, struct, field, reader, f"out.{field.name}", model)
        if field is struct.kind and struct.has_model:
            body += [(1, "out.model = reload_wire_kind_model(wire, out.kind);")]
    if struct.rest:
        body += [(1, "if (reload_reader_left(&body))"),
                 fail(2, struct, "&body", "RELOAD_E_TRAILING", struct.rest.name)]
    if struct.is_checked:
        body += [(1, f"error = reload_{struct.snake}_check(reader, wire, &out);"),
                 (1, "if (error)"), (2, "return error;")]
    if struct.fields:
        body += [(0, ""), (1, "*reader = in;")]
    body += [(1, "*value = out;"), (1, "return 0;")]
    formal = parameters(struct, "decode")
    if not rereads(struct):
        out.function("int", f"reload_{struct.snake}_decode", formal, body)
        return
    out.function("int", f"read_{struct.snake}", formal + ["bool is_checked"], body, static=True)
    actual = "reader, wire, " + ("model, " if struct.is_modelled else "") + "value"
    out.function("int", f"reload_{struct.snake}_decode", formal,
                 [(1, f"return read_{struct.snake}({actual}, false);")])


def list_functions(out, kind):
    """decode of an element that is no structure, next, and the check of a whole list."""
    name = f"reload_{kind.snake}"
    model = "model, " if kind.is_modelled else ""
    if not isinstance(kind, Struct):
        body = [(1, f"int error = {kind.read('reader', '*value').replace('&*', '')};"),
                (1, "if (error)"), fail(2, kind, "reader", "error", "value"), (1, "return 0;")]
        out.function("int", f"{name}_decode", parameters(kind, "decode"), body)
    read = f"{name}_decode(list, wire, {model}value)"
    if isinstance(kind, Struct) and rereads(kind):
        read = f"read_{kind.snake}(list, wire, {model}value, true)"
    body = [(1, f"return reload_reader_left(list) != 0 && {read} == 0;")]
    out.function("bool", f"{name}_next", parameters(kind, "next"), body)
    body = [(1, f"{kind.c} element;"), (1, "while (reload_reader_left(&list)) {"),
            (2, f"int error = {name}_decode(&list, wire, {model}&element);"),
            (2, "if (error)"), (3, "return error;"), (1, "}"), (1, "return 0;")]
    out.function("int", f"{name}_list_check", parameters(kind, "list_check"), body)


# ---- encode and equal --------------------------------------------------------------------------

def write_field(depth, field, source):
    if field.length_field:
        return (depth, f"reload_writer_bytes(writer, {source});")
    return (depth, field.type.write(source))


def encode_arm(out, struct):
    field = struct.select
    select = field.type
    body = [(1, f"switch (value->{tag_name(select)}) {{")]
    for arm in select.arms:
        body += cases(select, arm)
        for inner in arm.fields:
            body += [write_field(2, inner, "value->" + arm_path(struct, field, arm, inner))]
        body += [(2, "return;")]
    body += [(1, "default:")]
    if select.is_open(struct):
        path = f"{field.name}." if field.name else ""
        body += [(2, f"reload_writer_bytes(writer, value->{path}unknown);")]
    else:
        body += [(2, "writer->failed = true;")]
    body += [(1, "}")]
    out.function("void", f"encode_{struct.snake}_arm", parameters(struct, "encode"), body,
                 static=True)


def encode_struct(out, struct):
    body = []
    if struct.short:
        path, _ = short_target(struct)
        body += [(1, "if (value->compressed) {"),
                 (2, f"struct reload_bytes octets = value->{path};"),
                 (2, "if (octets.size == 2 && octets.data[0] & 0x80)"),
                 (3, "reload_writer_bytes(writer, octets);"),
                 (2, "else"), (3, "writer->failed = true;"), (2, "return;"), (1, "}")]
    for field in struct.fields:
        if field.is_rest:
            body += [(1, f"size_t {field.name} = reload_writer_begin(writer, {field.type.width});")]
        elif field.counts:
            body += [(1, f"reload_writer_uint(writer, {field.type.width}, "
                         f"value->{field.counts.name}.size);")]
        elif isinstance(field.type, Select):
            body += [(1, f"encode_{struct.snake}_arm(writer, wire, value);")]
        else:
            body += [write_field(1, field, f"value->{field.name}")]
    if struct.rest:
        body += [(1, f"reload_writer_end(writer, {struct.rest.name}, {struct.rest.type.width});")]
    out.function("void", f"reload_{struct.snake}_encode", parameters(struct, "encode"), body)


def equal_arm(out, struct):
    field = struct.select
    select = field.type
    body = [(1, f"switch (a->{tag_name(select)}) {{")]
    for arm in select.arms:
        body += cases(select, arm)
        for inner in arm.fields:
            path = arm_path(struct, field, arm, inner)
            body += [(2, f"if ({inner.type.differ('a->' + path, 'b->' + path)})"),
                     (3, "return false;")]
        body += [(2, "return true;")]
    path = f"{field.name}." if field.name else ""
    body += [(1, "default:")]
    if select.is_open(struct):
        body += [(2, f"return reload_bytes_equal(a->{path}unknown, b->{path}unknown);")]
    else:
        body += [(2, "return true;")]
    body += [(1, "}")]
    out.function("bool", f"equal_{struct.snake}_arm", parameters(struct, "equal"), body, static=True)


def equal_struct(out, struct):
    body = []
    for name in (["model"] if struct.owns_model else []) + (["compressed"] if struct.short else []):
        body += [(1, f"if (a->{name} != b->{name})"), (2, "return false;")]
    for field in struct.fields:
        if isinstance(field.type, Select):
            body += [(1, f"if (!equal_{struct.snake}_arm(a, b))"), (2, "return false;")]
        elif not field.is_hidden():
            body += [(1, f"if ({field.type.differ('a->' + field.name, 'b->' + field.name)})"),
                     (2, "return false;")]
    body += [(1, "return true;")]
    out.function("bool", f"reload_{struct.snake}_equal", parameters(struct, "equal"), body)


def emit_codec(topic):
    out = File(f"gen_{topic.name}.c", f"decodes, encodes and compares structures: {topic.name}.",
               topic.rfc)
    out.add(f'#include "reload/wire/gen_{topic.name}.h"', "", '#include "reload/wire/support.h"')
    for definition in topic.definitions:
        if isinstance(definition, Enum):
            name_function(out, definition)
        if isinstance(definition, Struct):
            if definition.select:
                decode_arm(out, definition)
                encode_arm(out, definition)
                equal_arm(out, definition)
            if definition.short:
                decode_short(out, definition)
            decode_struct(out, definition)
            encode_struct(out, definition)
            equal_struct(out, definition)
        if is_element(definition):
            list_functions(out, definition)
    return out


def name_function(out, enum):
    body = [(1, "switch (value) {")]
    for label, _ in enum.values:
        body += [(1, f"case {enum.constant(label)}:"), (2, f'return "{label}";')]
    body += [(1, "default:"), (2, "return reload_wire_unknown;"), (1, "}")]
    out.function("const char *", f"{enum.tag}_name", [f"{enum.c} value"], body)


# ---- print -------------------------------------------------------------------------------------

def show_field(depth, field, source, model):
    """Statements that print |field|."""
    lines = [(depth, f'reload_json_key(json, "{field.name}");')]
    element = field.element()
    if element is None or not element.is_modelled:
        return lines + [(depth, field.type.show(source))]
    return lines + [(depth, f"if ({model} == 0)"),
                    (depth + 1, f"reload_json_hex(json, {source});"), (depth, "else"),
                    (depth + 1, f"reload_{element.snake}_list_print(json, wire, {model}, "
                                f"{source});")]


def print_arm(out, struct):
    field = struct.select
    select = field.type
    body = [(1, f"switch (value->{tag_name(select)}) {{")]
    for arm in select.arms:
        body += cases(select, arm)
        for inner in arm.fields:
            body += show_field(2, inner, "value->" + arm_path(struct, field, arm, inner), None)
        body += [(2, "return;")]
    body += [(1, "default:")]
    if select.is_open(struct):
        path = f"{field.name}." if field.name else ""
        body += [(2, 'reload_json_key(json, "unknown");'),
                 (2, f"reload_json_hex(json, value->{path}unknown);")]
    else:
        body += [(2, "return;")]
    body += [(1, "}")]
    out.function("void", f"print_{struct.snake}_arm", parameters(struct, "print"), body,
                 static=True)


def print_struct(out, struct):
    body = [(1, "reload_json_begin_object(json);")]
    if struct.short:
        body += [(1, 'reload_json_key(json, "compressed");'),
                 (1, "reload_json_boolean(json, value->compressed);")]
    model = [(1, 'reload_json_key(json, "model");'),
             (1, "reload_wire_print_name(json, reload_data_model_name(value->model), "
                 "value->model);")]
    if struct.owns_model and not struct.kind:
        body += model
    for field in struct.fields:
        if isinstance(field.type, Select):
            if field.name:
                body += [(1, f'reload_json_key(json, "{field.name}");'),
                         (1, "reload_json_begin_object(json);")]
            body += [(1, f"print_{struct.snake}_arm(json, wire, value);")]
            if field.name:
                body += [(1, "reload_json_end_object(json);")]
        elif not field.is_hidden():
            body += show_field(1, field, f"value->{field.name}", "value->model")
        if field is struct.kind and struct.has_model:
            body += model
    body += [(1, "reload_json_end_object(json);")]
    out.function("void", f"reload_{struct.snake}_print", parameters(struct, "print"), body)


def print_list(out, kind):
    model = "model, " if kind.is_modelled else ""
    body = [(1, "struct reload_reader rest = reload_reader_of(list);"), (1, f"{kind.c} element;"),
            (1, "reload_json_begin_array(json);"),
            (1, f"while (reload_{kind.snake}_next(&rest, wire, {model}&element))"),
            (2, kind.show("element")),
            (1, "reload_json_end_array(json);")]
    out.function("void", f"reload_{kind.snake}_list_print", parameters(kind, "list_print"), body)


def emit_print(topic):
    out = File(f"gen_{topic.name}_print.c", f"prints structures as JSON: {topic.name}.", topic.rfc)
    out.add(f'#include "reload/wire/gen_{topic.name}.h"', "", '#include "reload/base/json.h"',
            '#include "reload/wire/support.h"')
    for definition in topic.definitions:
        if isinstance(definition, Struct):
            if definition.select:
                print_arm(out, definition)
            print_struct(out, definition)
        if is_element(definition):
            print_list(out, definition)
    return out


# ---- arbitrary ---------------------------------------------------------------------------------

def vary_field(depth, field, target, model):
    element = field.element()
    if isinstance(field.type, Struct):
        return [(depth, field.type.vary(target, model))]
    if isinstance(field.type, Enum):
        return [(depth, field.type.vary(target))]
    if element is None or not element.is_modelled:
        return [(depth, field.type.vary(target))]
    return [(depth, f"if ({model} == 0)"),
            (depth + 1, f"{target} = reload_arbitrary_bytes(prng, arena, 0, 100);"),
            (depth, "else"),
            (depth + 1, f"{target} = reload_{element.snake}_list_arbitrary(prng, arena, wire, "
                        f"{model}, 0);")]


def arbitrary_arm(out, struct):
    field = struct.select
    select = field.type
    body = [(1, f"switch (value->{tag_name(select)}) {{")]
    for arm in select.arms:
        body += cases(select, arm)
        for inner in arm.fields:
            body += vary_field(2, inner, "value->" + arm_path(struct, field, arm, inner), None)
        body += [(2, "return;")]
    body += [(1, "default:")]
    if select.is_open(struct):
        path = f"{field.name}." if field.name else ""
        body += [(2, f"value->{path}unknown = reload_arbitrary_bytes(prng, arena, 0, 200);")]
    else:
        body += [(2, "return;")]
    body += [(1, "}")]
    out.function("void", f"make_{struct.snake}_arm",
                 ["struct reload_prng *prng", "struct reload_writer *arena", WIRE,
                  f"{struct.c} *value"], body, static=True)


def vary_tag(struct):
    """Statements that choose a select's tag among its arms."""
    select = struct.select.type
    known = [select.enum.constant(label.text) for arm in select.arms for label in arm.labels]
    is_open = "true" if select.is_open(struct) else "false"
    lines = [(1, "static const uint8_t tags[] = {")]
    lines += [(2, f"{name},") for name in known]
    return lines + [(1, "};"),
                    (1, f"value->{select.tag} = reload_arbitrary_tag(prng, tags, sizeof tags, "
                        f"{is_open});")]


def arbitrary_struct(out, struct):
    body = [(1, f"*value = ({struct.c}){{0}};")]
    model = "value->model" if struct.owns_model else "model"
    if struct.owns_model and not struct.kind:
        body += [(1, "value->model = model;")]
    select = struct.select.type if struct.select else None
    if struct.short:
        path, tag = short_target(struct)
        body += [(1, "if (reload_prng_below(prng, 8) == 0) {"),
                 (2, "uint8_t octets[2];"),
                 (2, "reload_prng_fill(prng, octets, sizeof octets);"),
                 (2, "octets[0] |= 0x80;"),
                 (2, "value->compressed = true;"), (2, f"value->{select.tag} = {tag};"),
                 (2, f"value->{path} = (struct reload_bytes){{arena->data + arena->size, 2}};"),
                 (2, "reload_writer_bytes(arena, (struct reload_bytes){octets, 2});"),
                 (2, "return;"), (1, "}")]
    for field in struct.fields:
        if isinstance(field.type, Select):
            body += [(1, f"make_{struct.snake}_arm(prng, arena, wire, value);")]
        elif select and field.name == select.tag:
            body += vary_tag(struct)
        elif field is struct.kind and struct.has_model:
            body += [(1, "value->kind = reload_arbitrary_kind(prng);"),
                     (1, "value->model = reload_wire_kind_model(wire, value->kind);")]
        elif not field.is_hidden():
            body += vary_field(1, field, f"value->{field.name}", model)
    if struct.is_checked:
        body += [(1, f"reload_{struct.snake}_settle(prng, arena, wire, value);")]
    out.function("void", f"reload_{struct.snake}_arbitrary", parameters(struct, "arbitrary"), body)


def arbitrary_list(out, kind):
    made = vary_field(2, _Named(kind), "element", "model")
    body = [(1, "struct reload_writer list = reload_arbitrary_split(arena);"),
            (1, "size_t count = reload_prng_below(prng, 4);"),
            (1, "for (size_t i = 0; i < count || list.size < size_min; i++) {"),
            (2, "size_t size = list.size;"), (2, f"{kind.c} element;")]
    body += made
    body += [(2, kind.write("element")[:-1].replace("(writer,", "(&list,") + ";"),
             (2, "if (list.failed || list.size > LIST_SIZE_MAX) {"), (3, "list.size = size;"),
             (3, "break;"), (2, "}"), (1, "}"), (1, "return reload_writer_written(&list);")]
    out.function("struct reload_bytes", f"reload_{kind.snake}_list_arbitrary",
                 parameters(kind, "list_arbitrary"), body)


class _Named:
    """A field that holds one element of a list."""

    def __init__(self, kind):
        self.type = kind

    @staticmethod
    def element():
        return None


def emit_arbitrary(topic):
    out = File(f"gen_{topic.name}_arbitrary.c", f"makes random structures: {topic.name}.",
               topic.rfc)
    out.add(f'#include "reload/wire/gen_{topic.name}.h"', "", '#include "reload/wire/arbitrary.h"',
            '#include "reload/wire/support.h"')
    if any(is_element(definition) for definition in topic.definitions):
        out.add("", "/* Longer lists might not fit into a length of one octet. */",
                "enum { LIST_SIZE_MAX = 240 };")
    for definition in topic.definitions:
        if isinstance(definition, Struct):
            if definition.select:
                arbitrary_arm(out, definition)
            arbitrary_struct(out, definition)
        if is_element(definition):
            arbitrary_list(out, definition)
    return out


# ---- tables, tests, fuzzing ---------------------------------------------------------------------

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
        out.add("    {", f'        .name = "{struct.name}",', f"        .size = sizeof({struct.c}),",
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
