import inspect
import re

import pytest

from headrace_server.model import errors
from headrace_server.model.errors import (
    AlreadyExistsError,
    FieldViolation,
    HeadraceError,
    InvalidFieldError,
    NotFoundError,
    QuotaExceededError,
    UnknownDataTypeError,
    UploadExpiredError,
    WrongOffsetError,
    WrongStateError,
)

_ERRORS = {
    name: item
    for name, item in inspect.getmembers(errors, inspect.isclass)
    if issubclass(item, Exception)
}


def _drawn_parents() -> dict[str, str]:
    """Each error's parent in the tree that the module draws."""
    parents, last = {}, {-1: "Exception"}
    for line in (errors.__doc__ or "").splitlines():
        found = re.match(r"([│ ]*)(?:[├└]── )?(\w+Error)\b", line)
        if found:
            depth = len(found[1]) // 4 + ("──" in line)
            last[depth] = found[2]
            parents[found[2]] = last[depth - 1]
    return parents


def test_the_drawn_tree_is_that_of_the_classes() -> None:
    assert _drawn_parents() == {name: item.__bases__[0].__name__ for name, item in _ERRORS.items()}
    assert len(_ERRORS) > 20


@pytest.mark.parametrize("error", _ERRORS.values())
def test_every_error_is_ours_and_has_one_parent(error: type[Exception]) -> None:
    assert issubclass(error, HeadraceError)
    assert len(error.__bases__) == 1


def test_the_error_of_one_field_names_it_thrice() -> None:
    error = UnknownDataTypeError.of("data_type", "must be orders")
    assert isinstance(error, InvalidFieldError)
    assert error.message == str(error) == "data_type: must be orders"
    assert error.violations == (FieldViolation("data_type", "must be orders"),)
    assert error.metadata == {"field": "data_type"}


@pytest.mark.parametrize("kind", [NotFoundError, AlreadyExistsError])
def test_a_named_thing_is_in_message_and_metadata(
    kind: type[NotFoundError] | type[AlreadyExistsError],
) -> None:
    error = kind("tenant", "acme")
    assert (error.resource_type, error.name) == ("tenant", "acme")
    assert "tenant 'acme'" in error.message
    assert error.metadata == {"resource_type": "tenant"}


def test_an_expired_upload_says_that_it_is_gone() -> None:
    error = UploadExpiredError("u1")
    assert "is gone" in error.message
    assert isinstance(error, NotFoundError)


def test_a_wrong_offset_says_the_right_one() -> None:
    error = WrongOffsetError(5, 12)
    assert error.offset == 12
    assert error.metadata == {"offset": "12"}
    assert "send the bytes from 12" in error.message
    assert isinstance(error, WrongStateError)


def test_a_quota_says_when_to_come_back() -> None:
    error = QuotaExceededError("too many watches", limit="watches", retry_after=2.5)
    assert error.retry_after == 2.5
    assert error.metadata == {"limit": "watches"}
