"""Records of delimited text as PostgreSQL's COPY takes them in its binary format.

In one pass over the bytes, without the GIL, each value is checked to be of the form that its type
is written in: see `Kind`. The database need not parse text then, which is a third of its work.
"""

from headrace_pgcopy.forms import Field, Kind, RecordForm
from headrace_pgcopy.records import IS_BUILT, OtherFormError, Read, Taken, copy_data, take_records

__all__ = [
    "IS_BUILT",
    "Field",
    "Kind",
    "OtherFormError",
    "Read",
    "RecordForm",
    "Taken",
    "copy_data",
    "take_records",
]
