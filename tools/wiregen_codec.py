# SPDX-License-Identifier: BSD-2-Clause
"""Makes the headers, and the functions that decode, encode and compare structures."""
from wiregen_layout import (File, LIST_FUNCTIONS, STRUCT_FUNCTIONS, WIDTH, WIRE, declare,
                            is_element, parameters)
from wiregen_types import Enum, Select, Struct


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
    if field.element() is not None and not struct.is_checked:
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
            target = "out->" + arm_path(struct, field, arm, inner)
            body += read_field(2, struct, inner, "in", target, "out->model")
        body += [(2, "return 0;")]
    body += [(1, "default:")]
    if select.is_open(struct):
        path = f"{field.name}." if field.name else ""
        body += [(2, "return reload_reader_bytes(in, reload_reader_left(in), "
                     f"&out->{path}unknown);")]
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
    out.function("bool", f"equal_{struct.snake}_arm", parameters(struct, "equal"), body,
                 static=True)


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
