"""Messages written as YAML: read with the line of every field, and printed again."""

import re
from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from math import inf, isinf
from typing import Any, NoReturn, TypeVar, cast

import yaml
from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor
from google.protobuf.json_format import MessageToDict, ParseDict, ParseError
from google.protobuf.message import Message
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from headrace_client.queries import whole

#: values of a document at most; aliases can say in a few lines what takes all memory
_MOST_VALUES = 100_000

_STRING, _NULL = "tag:yaml.org,2002:str", "tag:yaml.org,2002:null"
_BOOLEAN, _WHOLE = "tag:yaml.org,2002:bool", "tag:yaml.org,2002:int"
_FRACTION = "tag:yaml.org,2002:float"
# What JSON knows, so that `no`, 2024-06-30, 12:30 and 007 are the texts that they look like.
_WORDS: Sequence[tuple[str, str, list[str]]] = (
    (_NULL, r"^(?:~|null|)$", ["~", "n", ""]),
    (_BOOLEAN, r"^(?:true|false)$", list("tf")),
    (_WHOLE, r"^-?(?:0|[1-9][0-9]*)$", list("-0123456789")),
    (
        _FRACTION,
        r"^-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?$",
        list("-0123456789"),
    ),
)
_NUMBERS = {FieldDescriptor.CPPTYPE_DOUBLE, FieldDescriptor.CPPTYPE_FLOAT}
_LARGEST = {
    FieldDescriptor.CPPTYPE_INT32: 2**31 - 1,
    FieldDescriptor.CPPTYPE_INT64: 2**63 - 1,
}
_JSON = {"google.protobuf.Struct", "google.protobuf.Value", "google.protobuf.ListValue"}

_MessageT = TypeVar("_MessageT", bound=Message)


class _Loader(yaml.SafeLoader):
    yaml_implicit_resolvers = {}  # noqa: RUF012  # as the class above it has them


_RARE_LINE_ENDS = {"\x85", "\u2028", "\u2029"}


class _Dumper(yaml.SafeDumper):
    yaml_implicit_resolvers = {}  # noqa: RUF012  # see _Loader

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: ARG002
        """Indent lists below their names."""
        super().increase_indent(flow, False)

    def represent_str(self, data: str) -> yaml.ScalarNode:
        """Escape the line ends that only YAML knows: they would not read back."""
        style = '"' if _RARE_LINE_ENDS & {*data} else None
        return self.represent_scalar("tag:yaml.org,2002:str", data, style)


_Dumper.add_representer(str, _Dumper.represent_str)

for _tag, _pattern, _first in _WORDS:
    _Loader.add_implicit_resolver(_tag, re.compile(_pattern), _first)
    _Dumper.add_implicit_resolver(_tag, re.compile(_pattern), _first)


class YamlMessageError(ValueError):
    """What is written is not what is asked for; the message begins with the line and field."""


class YamlDocument:
    """One document of a file: a message that has not been read."""

    def __init__(self, node: MappingNode) -> None:
        self._node = node
        self._lines: dict[str, int] = {"": _line(node)}
        self._values = 0

    @property
    def names(self) -> set[str]:
        """The names of its fields."""
        return {key.value for key, _ in self._node.value if isinstance(key, ScalarNode)}

    def read(self, message: _MessageT) -> _MessageT:
        """Fill a message. Raises YamlMessageError."""
        try:
            # The generated types name another class for the same thing.
            fields = self._message(self._node, cast("Descriptor", message.DESCRIPTOR), "")
        except RecursionError:
            raise YamlMessageError(f"line {self.line_of('')}: nested too deep") from None
        try:
            return ParseDict(fields, message)
        except (ParseError, ValueError) as error:  # a text that UTF-8 cannot hold
            raise YamlMessageError(f"line {self.line_of('')}: {error}") from None

    def line_of(self, path: str) -> int:
        """Return the line of a field such as `steps[0].id`, or of what is nearest around it."""
        while path not in self._lines:
            path = path[: max(path.rfind("."), path.rfind("["), 0)]
        return self._lines[path]

    def _message(self, node: Node, descriptor: Descriptor, path: str) -> dict[str, Any]:
        fields: dict[str, Any] = {}
        chosen: dict[str, str] = {}
        for name, place, value in self._pairs(node, path):
            field = descriptor.fields_by_name.get(name)
            if field is None:
                self._refuse(place, _unknown(name, descriptor))
            oneof = field.containing_oneof
            is_nothing = value.tag == _NULL and not _is_json(field)
            if is_nothing and not (oneof and field.message_type):
                continue
            if oneof and (first := chosen.setdefault(oneof.name, name)) != name:
                self._refuse(place, f"stands beside {first}; only one of the two may")
            # A choice that is named without more, such as `approval:`, is made.
            fields[name] = {} if is_nothing else self._field(value, field, place)
        return fields

    def _field(self, node: Node, field: FieldDescriptor, path: str) -> Any:
        if field.message_type and field.message_type.GetOptions().map_entry:
            value = field.message_type.fields_by_name["value"]
            pairs = self._pairs(node, path)
            return {name: self._value(each, value, place) for name, place, each in pairs}
        if field.is_repeated:
            return [self._value(each, field, place) for place, each in self._items(node, path)]
        return self._value(node, field, path)

    def _value(self, node: Node, field: FieldDescriptor, path: str) -> Any:
        self._count(path)
        if field.message_type:
            if _is_json(field):
                return self._json(node, path, field.message_type.name)
            return self._message(node, field.message_type, path)
        if not isinstance(node, ScalarNode):
            self._refuse(path, "must be one value")
        if field.enum_type:
            return self._enum(node, field.enum_type, path)
        if field.cpp_type == FieldDescriptor.CPPTYPE_STRING:
            return node.value  # as it was written
        return self._scalar(node, field, path)

    def _enum(self, node: ScalarNode, kind: EnumDescriptor, path: str) -> str:
        names = [value.name for value in kind.values if value.number]
        name = str(node.value).upper().replace("-", "_")
        if name not in names:
            known = ", ".join(names).lower()
            self._refuse(path, f"{node.value!r} is none of {known}")
        return name

    def _scalar(self, node: ScalarNode, field: FieldDescriptor, path: str) -> Any:
        if field.cpp_type == FieldDescriptor.CPPTYPE_BOOL:
            if node.tag != _BOOLEAN:
                self._refuse(path, f"{node.value!r} is neither true nor false")
        elif field.cpp_type in _NUMBERS:
            if node.tag not in {_WHOLE, _FRACTION}:
                self._refuse(path, f"{node.value!r} is no number")
        elif node.tag != _WHOLE:
            self._refuse(path, f"{node.value!r} is no whole number")
        value = self._plain(node, path)
        if abs(value) > _LARGEST.get(field.cpp_type, inf):
            self._refuse(path, "is too large a number")
        return value

    def _json(self, node: Node, path: str, kind: str = "Value") -> Any:
        if kind == "Struct" and not isinstance(node, MappingNode):
            self._refuse(path, "must be names with values")
        if kind == "ListValue" and not isinstance(node, SequenceNode):
            self._refuse(path, "must be a list")
        self._count(path)
        if isinstance(node, MappingNode):
            return {
                name: self._json(value, place) for name, place, value in self._pairs(node, path)
            }
        if isinstance(node, SequenceNode):
            return [self._json(value, place) for place, value in self._items(node, path)]
        return self._plain(node, path)

    def _plain(self, node: Node, path: str) -> Any:
        text = str(node.value)
        if node.tag == _NULL:
            return None
        if node.tag == _BOOLEAN:
            return text == "true"
        if node.tag in {_WHOLE, _FRACTION}:
            if isinf(float(text)):
                self._refuse(path, "is too large a number")
            return int(text) if node.tag == _WHOLE else float(text)
        if node.tag != _STRING:
            self._refuse(path, f"the tag {node.tag} means nothing here")
        return text

    def _pairs(self, node: Node, path: str) -> Iterator[tuple[str, str, Node]]:
        """Yield the name, the path and the value of each field."""
        if not isinstance(node, MappingNode):
            self._refuse(path, "must be fields with values")
        seen: set[str] = set()
        for key, value in node.value:
            name = str(key.value) if isinstance(key, ScalarNode) else ""
            place = f"{path}.{name}" if path else name
            self._lines[place] = _line(key)
            if name in seen:
                self._refuse(place, "is there twice")
            seen.add(name)
            yield name, place, value

    def _items(self, node: Node, path: str) -> Iterator[tuple[str, Node]]:
        if not isinstance(node, SequenceNode):
            self._refuse(path, "must be a list")
        for number, value in enumerate(node.value):
            place = f"{path}[{number}]"
            self._lines[place] = _line(value)
            yield place, value

    def _count(self, path: str) -> None:
        self._values += 1
        if self._values > _MOST_VALUES:
            self._refuse(path, f"is beyond the {_MOST_VALUES:,} values of a document")

    def _refuse(self, path: str, why: str) -> NoReturn:
        name = f" {path}:" if path else ""
        raise YamlMessageError(f"line {self.line_of(path)}:{name} {why}")


def read_yaml(text: str) -> list[YamlDocument]:
    """Read the documents of a file; JSON is YAML too. Raises YamlMessageError."""
    documents = []
    try:
        for node in yaml.compose_all(text, _Loader):
            if node is None or node.tag == _NULL:  # nothing between two lines of dashes
                continue
            if not isinstance(node, MappingNode):
                raise YamlMessageError(f"line {_line(node)}: must be fields with values")
            documents.append(YamlDocument(node))
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise YamlMessageError(f"line {line}: not YAML: {error.problem}") from None
    except yaml.YAMLError as error:
        raise YamlMessageError(f"line 1: not YAML: {' '.join(str(error).split())}") from None
    except RecursionError:
        raise YamlMessageError("line 1: nested too deep") from None
    return documents


def as_yaml(message: Message) -> str:
    """Print the fields of a message that are set, in the order of their numbers."""
    return yaml.dump(
        fields_of(message), Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=100
    )


def fields_of(message: Message) -> dict[str, Any]:
    """Return the fields of a message that are set as they are written in YAML."""
    return {field.name: _written(field, value) for field, value in message.ListFields()}


def _written(field: FieldDescriptor, value: Any) -> Any:
    if field.message_type and field.message_type.GetOptions().map_entry:
        each = field.message_type.fields_by_name["value"]
        return {name: _written_one(each, found) for name, found in sorted(value.items())}
    if field.is_repeated:
        return [_written_one(field, each) for each in value]
    return _written_one(field, value)


def _written_one(field: FieldDescriptor, value: Any) -> Any:
    if field.enum_type:
        return field.enum_type.values_by_number[value].name.lower()
    if field.message_type:
        return whole(MessageToDict(value)) if _is_json(field) else fields_of(value)
    return whole(value)


def _is_json(field: FieldDescriptor) -> bool:
    kind = field.message_type
    return kind is not None and kind.full_name in _JSON


def _unknown(name: str, descriptor: Descriptor) -> str:
    known = list(descriptor.fields_by_name)
    close = get_close_matches(name, known, 1)
    return f"no such field; {close[0]}?" if close else f"no such field among {', '.join(known)}"


def _line(node: Node) -> int:
    return int(node.start_mark.line) + 1
