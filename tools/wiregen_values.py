# SPDX-License-Identifier: BSD-2-Clause
"""Makes the functions that print structures as JSON and that make random ones."""
from wiregen_layout import File, WIRE, is_element, parameters
from wiregen_codec import arm_path, cases, short_target, tag_name
from wiregen_types import Enum, Select, Struct


# ---- print -------------------------------------------------------------------------------------

def show_field(depth, field, source, model):
    """Statements that print |field|."""
    lines = [(depth, f'reload_json_key(json, "{field.name}");')]
    element = field.element()
    if field.printer:
        return lines + [(depth, f"{field.printer}(json, {source});")]
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
