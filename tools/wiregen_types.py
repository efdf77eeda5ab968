# SPDX-License-Identifier: BSD-2-Clause
"""The types of a spec, and how one value of each is read, written, compared, shown and made up in
C. Only single statements are made here; wiregen_emit.py makes functions and files of them."""
import re


class SpecError(Exception):
    def __init__(self, path, line, message):
        super().__init__(f"{path}:{line}: {message}")


def snake(name):
    """StoreKindData -> store_kind_data, IPv4AddrPort -> ipv4_addr_port."""
    name = name.replace("IPv", "Ipv").replace("-", "_")
    name = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name)
    return re.sub(r"(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()


class Topic:
    def __init__(self, name, rfc):
        self.name, self.rfc, self.definitions = name, rfc, []


class Type:
    """A type of values. |is_leaf|: a failed read of it is told by the structure around it.
    |is_modelled|: it can only be read when the Kind's data model is known (7.2)."""
    is_leaf = True
    is_modelled = False
    c = ""

    def declare(self, name):
        return f"{self.c} {name};"


class Integer(Type):
    def __init__(self, width):
        self.width, self.c = width, f"uint{8 * width}_t"

    def read(self, reader, target):
        return f"reload_reader_u{8 * self.width}({reader}, &{target})"

    def write(self, source):
        return f"reload_writer_u{8 * self.width}(writer, {source});"

    def differ(self, a, b):
        return f"{a} != {b}"

    def show(self, source):
        return f"reload_json_uint(json, {source});"

    def vary(self, target):
        cast = f"({self.c})" if self.width < 8 else ""
        return f"{target} = {cast}reload_arbitrary_uint(prng, {self.width});"


class Boolean(Type):
    c = "bool"

    def read(self, reader, target):
        return f"reload_reader_boolean({reader}, &{target})"

    def write(self, source):
        return f"reload_writer_u8(writer, {source});"

    def differ(self, a, b):
        return f"{a} != {b}"

    def show(self, source):
        return f"reload_json_boolean(json, {source});"

    def vary(self, target):
        return f"{target} = reload_prng_below(prng, 2) == 1;"


class Octets(Type):
    """A fixed number of octets."""

    def __init__(self, size):
        self.size = size

    def declare(self, name):
        return f"uint8_t {name}[{self.size}];"

    def read(self, reader, target):
        return f"reload_reader_octets({reader}, {self.size}, {target})"

    def write(self, source):
        return f"reload_writer_bytes(writer, (struct reload_bytes){{{source}, {self.size}}});"

    def differ(self, a, b):
        return f"memcmp({a}, {b}, {self.size}) != 0"

    def show(self, source):
        return f"reload_json_hex(json, (struct reload_bytes){{{source}, {self.size}}});"

    def vary(self, target):
        return f"reload_prng_fill(prng, {target}, {self.size});"


class NodeId(Type):
    c = "struct reload_node_id"
    name, snake = "NodeId", "node_id"

    def read(self, reader, target):
        return f"reload_node_id_read({reader}, wire, &{target})"

    def write(self, source):
        return f"reload_node_id_encode(writer, wire, &{source});"

    def differ(self, a, b):
        return f"!reload_node_id_equal(&{a}, &{b})"

    def show(self, source):
        return f"reload_node_id_print(json, wire, &{source});"

    def vary(self, target):
        return f"{target} = reload_arbitrary_node_id(prng, wire);"


BOOLEAN = Boolean()
NODE_ID = NodeId()


class Bytes(Type):
    """<low..high>: a length and so many octets, opaque or a list of |element|s."""
    c = "struct reload_bytes"

    def __init__(self, low, high, element=None):
        self.low, self.high, self.element = low, high, element
        self.width = (high.bit_length() + 7) // 8

    def is_bounded(self):
        return self.low > 0 or self.high != 2 ** (8 * self.width) - 1

    def read(self, reader, target):
        if self.is_bounded():
            return (f"reload_reader_vector_within({reader}, {self.width}, {self.low}, {self.high}, "
                    f"&{target})")
        return f"reload_reader_vector({reader}, {self.width}, &{target})"

    def write(self, source):
        if self.is_bounded():
            return (f"reload_writer_vector_within(writer, {self.width}, {self.low}, {self.high}, "
                    f"{source});")
        return f"reload_writer_vector(writer, {self.width}, {source});"

    def differ(self, a, b):
        return f"!reload_bytes_equal({a}, {b})"

    def show(self, source):
        if self.element:
            return f"reload_{self.element.snake}_list_print(json, wire, {source});"
        return f"reload_json_hex(json, {source});"

    def vary(self, target):
        if self.element:
            return (f"{target} = reload_{self.element.snake}_list_arbitrary(prng, arena, wire, "
                    f"{self.low});")
        return f"{target} = reload_arbitrary_bytes(prng, arena, {self.low}, {self.high});"


class Enum(Type):
    """|refuses_zero|: its first value is called invalid..., and no message may have it. |largest|:
    the largest possible value, when the width alone allows larger ones."""

    def __init__(self, name, values, width, largest):
        self.name, self.snake, self.width = name, snake(name), width
        self.largest = largest if largest < 2 ** (8 * width) - 1 else None
        self.refuses_zero = any(value == 0 and label.startswith("invalid")
                                for label, value in values)
        self.values = [(label, value) for label, value in values
                       if not label.startswith("invalid")]
        self.c = f"uint{8 * width}_t"
        self.tag = f"reload_{self.snake}"
        self.prefix = self.tag.upper()

    def constant(self, label):
        return f"{self.prefix}_{label.replace('-', '_').upper()}"

    def read(self, reader, target):
        if self.largest is not None:
            return f"reload_wire_tag{8 * self.width}_up_to({reader}, {self.largest}, &{target})"
        if self.refuses_zero:
            return f"reload_wire_tag{8 * self.width}({reader}, &{target})"
        return f"reload_reader_u{8 * self.width}({reader}, &{target})"

    def write(self, source):
        return f"reload_writer_u{8 * self.width}(writer, {source});"

    def differ(self, a, b):
        return f"{a} != {b}"

    def show(self, source):
        return f"reload_wire_print_name(json, {self.tag}_name({source}), {source});"

    def vary(self, target):
        if self.refuses_zero:
            return (f"{target} = ({self.c})(1 + reload_prng_below(prng, "
                    f"{2 ** (8 * self.width) - 1}));")
        if self.largest is not None:
            return f"{target} = ({self.c})reload_prng_below(prng, {self.largest + 1});"
        return f"{target} = ({self.c})reload_arbitrary_uint(prng, {self.width});"


class Registry(Enum):
    """Values that fields of a plain integer type hold."""

    def __init__(self, name, values, width, largest):
        super().__init__(name, values, width, largest)
        self.tag += "_code"


class Typedef(Type):
    """Another name for |base|."""

    def __init__(self, name, base):
        self.name, self.snake, self.base, self.c = name, snake(name), base, base.c
        self.element = getattr(base, "element", None)

    def __getattr__(self, name):
        return getattr(self.base, name)

    def read(self, reader, target):
        return self.base.read(reader, target)

    def write(self, source):
        return self.base.write(source)

    def differ(self, a, b):
        return self.base.differ(a, b)

    def show(self, source):
        return self.base.show(source)

    def vary(self, target):
        return self.base.vary(target)


class Field:
    """|is_rest|: this integer counts the octets of the fields behind it; |length_field|: the field
    that counts this one's octets. Both have no place in the C structure. |printer|: what prints
    it, when its type does not say enough."""

    def __init__(self, name, kind, line):
        self.name, self.type, self.line, self.comment = name, kind, line, ""
        self.is_rest, self.length_field, self.counts = False, None, None
        self.printer = None

    def is_hidden(self):
        return self.is_rest or self.counts is not None

    def element(self):
        return getattr(self.type, "element", None)


class Arm:
    """The fields for some values of the tag. |labels| are tokens."""

    def __init__(self, labels, fields):
        self.labels, self.fields = labels, fields

    def name(self):
        return snake(self.labels[0].text)


class Select:
    is_modelled = False

    def __init__(self, tag, line):
        self.tag, self.line, self.arms = tag, line, []
        self.enum = None

    def is_open(self, struct):
        """Whether octets for an unknown tag can be kept: something counts them."""
        return struct.rest is not None and not (self.tag == "DataModel" and not struct.kind)


class Struct(Type):
    is_leaf = False

    def __init__(self, name, fields, line):
        self.name, self.snake, self.fields, self.line = name, snake(name), fields, line
        self.c = f"struct reload_{self.snake}"
        self.is_checked, self.short, self.is_listed = False, None, False
        self.rest = self.select = self.kind = None
        self.has_model = False

    def can_have_short(self, other):
        """A second definition: one uint16 whose first bit tells it from a first field, the tag."""
        return (self.short is None and self.select is not None and len(other.fields) == 1
                and isinstance(other.fields[0].type, Integer) and other.fields[0].type.width == 2
                and other.fields[0].name in [f.name for arm in self.select.type.arms
                                             for f in arm.fields])

    def resolve(self, parser):
        """Ties lengths and tags to what they speak of, and refuses what does not fit."""
        seen = {}
        for field in self.fields:
            if field.name in seen:
                parser.fail(f"{self.name} has two fields {field.name}", field.line)
            if field.length_field:
                counter = seen.get(field.length_field)
                if counter is None or not isinstance(counter.type, Integer):
                    parser.fail(f"no length field {field.length_field} before {field.name}",
                                field.line)
                counter.counts = field
            if field.is_rest:
                self.rest = field
            if isinstance(field.type, Typedef) and field.type.name == "KindId":
                self.kind = field
            if isinstance(field.type, Select):
                self.tie(parser, field, seen)
            seen[field.name] = field
        members = [f for f in self.all_fields()]
        for field in members:
            self.note(parser, field)
        inner = any(f.type.is_modelled or (f.element() is not None and f.element().is_modelled)
                    for f in members)
        inner = inner or (self.select is not None and self.select.type.tag == "DataModel")
        self.has_model = inner and self.kind is not None
        self.is_modelled = inner and self.kind is None
        self.owns_model = self.has_model or (self.is_modelled and self.select is not None)

    def all_fields(self):
        for field in self.fields:
            if isinstance(field.type, Select):
                for arm in field.type.arms:
                    yield from arm.fields
            else:
                yield field

    def note(self, parser, field):
        element = field.element()
        if element is None:
            return
        if isinstance(element, (Integer, Octets, Select)) or not hasattr(element, "snake"):
            parser.fail(f"a list of {field.name} needs a named element type", field.line)
        element.is_listed = True

    def tie(self, parser, field, seen):
        """Finds the enum of a select's tag."""
        select = field.type
        if self.select:
            parser.fail(f"{self.name} has two selects", field.line)
        self.select = field
        if select.tag == "DataModel":
            select.enum = parser.names.get("DataModel")
        elif select.tag in seen:
            select.enum = seen[select.tag].type
        if not isinstance(select.enum, Enum):
            parser.fail(f"select needs a tag: {select.tag} is no enum field before it", select.line)
        known = {label for label, _ in select.enum.values}
        for arm in select.arms:
            for label in arm.labels:
                if label.text not in known:
                    parser.fail(f"{select.enum.name} has no value {label.text}", label.line)

    def model(self, target):
        """The argument that hands on a data model, when this type needs it."""
        return f"{target}, " if self.is_modelled else ""

    def read(self, reader, target, model="model"):
        return f"reload_{self.snake}_decode({reader}, wire, {self.model(model)}&{target})"

    def write(self, source):
        return f"reload_{self.snake}_encode(writer, wire, &{source});"

    def differ(self, a, b):
        return f"!reload_{self.snake}_equal(&{a}, &{b})"

    def show(self, source):
        return f"reload_{self.snake}_print(json, wire, &{source});"

    def vary(self, target, model="model"):
        return f"reload_{self.snake}_arbitrary(prng, arena, wire, {self.model(model)}&{target});"
