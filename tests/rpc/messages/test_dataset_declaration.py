from datetime import UTC, datetime

import pytest
from headrace.v1.dataset_pb2 import DatasetDeclaration

from headrace_server.core.readiness.samples import sample_declarations
from headrace_server.model.dataset import CheckKind, CheckOutcome, Declaration
from headrace_server.model.errors import InvalidFieldError
from headrace_server.rpc.messages.dataset_declaration import declaration_message, declaration_of

NOW = datetime(2026, 3, 29, 1, 30, tzinfo=UTC)


@pytest.mark.parametrize("declaration", sample_declarations(NOW), ids=lambda d: d.full_name)
def test_what_is_shown_is_read_as_the_same(declaration: Declaration) -> None:
    assert declaration_of(declaration_message(declaration)) == declaration


def test_what_is_not_said_of_a_check() -> None:
    (check,) = declaration_of(DatasetDeclaration(checks=[{"name": "c"}])).checks
    assert (check.kind, check.outcome) == (CheckKind.CUSTOM, CheckOutcome.NOT_RUN)


def test_instants_beyond_the_calendar() -> None:
    message = DatasetDeclaration(full_name="a.b")
    message.last_updated_at.seconds = 1 << 60
    with pytest.raises(InvalidFieldError, match="last_updated_at: is no instant"):
        declaration_of(message)
