import itertools

import pytest

from headrace_server.model.tenant import Principal, Scope


@pytest.mark.parametrize(("held", "asked"), [*itertools.product(Scope, Scope)])
def test_a_scope_allows_itself_and_admin_all(held: Scope, asked: Scope) -> None:
    principal = Principal("default", frozenset({held}), None)
    assert principal.may(asked) is (held in {asked, Scope.ADMIN})


def test_no_scope_allows_nothing() -> None:
    principal = Principal("default", frozenset(), None)
    assert not any(principal.may(scope) for scope in Scope)
