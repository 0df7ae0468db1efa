import hashlib
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace_server.core.api_secrets import hash_of, is_secret_of, key_id_of, new_secret


def test_a_secret_names_its_key_and_is_never_the_same() -> None:
    made = [new_secret() for _ in range(100)]
    for key_id, secret in made:
        assert re.fullmatch(r"hr_[0-9a-f]{16}_[A-Za-z0-9_-]{43}", secret)
        assert key_id_of(secret) == key_id
    assert len({secret for _, secret in made}) == len({key_id for key_id, _ in made}) == 100


def test_only_the_secret_itself_fits_its_hash() -> None:
    _, secret = new_secret()
    stored = hash_of(secret)
    assert stored == hashlib.sha256(secret.encode()).hexdigest()
    assert is_secret_of(secret, stored)
    assert not is_secret_of(secret[:-1] + ("a" if secret[-1] != "a" else "b"), stored)
    assert not is_secret_of(stored, stored)


@pytest.mark.parametrize(
    "text", ["", "hr_", "hr_0123456789abcdef_", "hr_0123456789ABCDEF_" + 43 * "a", 65 * "a"]
)
def test_what_is_no_secret_names_no_key(text: str) -> None:
    assert key_id_of(text) is None


@given(st.text())
def test_any_text_is_looked_at(text: str) -> None:
    assert key_id_of(text) is None
    assert is_secret_of(f"x{text}", hash_of("x")) is (text == "")
