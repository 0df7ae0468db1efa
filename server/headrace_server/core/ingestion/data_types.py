"""Which table a file holds."""

from headrace_server.files.formats import data_type_of
from headrace_server.model.errors import FieldViolation, UnknownDataTypeError
from headrace_server.model.warehouse import Catalog


def resolve_data_type(file_name: str, data_type: str, catalog: Catalog) -> str:
    """Return the named data type, or the one read off the file name.

    Raises UnknownDataTypeError, which lists the known ones.
    """
    found = data_type if data_type in catalog else None
    if not data_type:
        found = data_type_of(file_name, catalog)
    if found is not None:
        return found
    known = ", ".join(sorted(catalog))
    if data_type:
        message = f"data_type: {data_type!r} is declared by no contract; known are {known}"
        violation = FieldViolation("data_type", message)
    else:
        message = (
            f"file_name: no data type can be read off {file_name!r}; name the file "
            f"<data type>_*.ndjson or give data_type, one of {known}"
        )
        violation = FieldViolation("file_name", message)
    raise UnknownDataTypeError(message, violation, file_name=file_name, known=known)
