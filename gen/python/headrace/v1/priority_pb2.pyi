from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from typing import ClassVar as _ClassVar

DESCRIPTOR: _descriptor.FileDescriptor

class Priority(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    PRIORITY_UNSPECIFIED: _ClassVar[Priority]
    HIGH: _ClassVar[Priority]
    MEDIUM: _ClassVar[Priority]
    LOW: _ClassVar[Priority]
PRIORITY_UNSPECIFIED: Priority
HIGH: Priority
MEDIUM: Priority
LOW: Priority
