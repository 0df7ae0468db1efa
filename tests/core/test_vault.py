import base64
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from headrace_server.core.vault import (
    KEY_FILE,
    SecretKeyError,
    UnknownKeyError,
    Vault,
    WrongSecretError,
    new_key,
    open_vault,
    parse_keys,
    put_new_key_first,
)

SECRET = b'{"password": "hush"}'


@pytest.fixture
def vault() -> Vault:
    return Vault(parse_keys(new_key()))


@pytest.mark.parametrize("secret", [b"", SECRET, os.urandom(100_000)])
def test_what_is_sealed_is_opened(vault: Vault, secret: bytes) -> None:
    key_id, sealed = vault.seal(secret, "acme/m1")
    assert vault.open(key_id, sealed, "acme/m1") == secret
    assert not secret or secret not in sealed


def test_equal_secrets_look_different(vault: Vault) -> None:
    assert vault.seal(SECRET, "acme/m1") != vault.seal(SECRET, "acme/m1")


@pytest.mark.parametrize("owner", ["other/m1", "acme/m2", "", "acme/m1\0"])
def test_another_owner_opens_nothing(vault: Vault, owner: str) -> None:
    with pytest.raises(WrongSecretError):
        vault.open(*vault.seal(SECRET, "acme/m1"), owner)


def test_what_was_changed_is_not_opened(vault: Vault) -> None:
    key_id, sealed = vault.seal(SECRET, "acme/m1")
    for wrong in (sealed[:-1], sealed[:5], b"", sealed[:20] + b"\0" + sealed[21:], sealed + b"\0"):
        with pytest.raises(WrongSecretError, match="not its owner's, or was changed"):
            vault.open(key_id, wrong, "acme/m1")


def test_keys_of_equal_id_and_other_bytes_open_nothing() -> None:
    first, second = (parse_keys(f"a:{new_key().partition(':')[2]}") for _ in range(2))
    key_id, sealed = Vault(first).seal(SECRET, "acme/m1")
    with pytest.raises(WrongSecretError):
        Vault(second).open(key_id, sealed, "acme/m1")


def test_rotation() -> None:
    old, new = new_key(), new_key()
    key_id, sealed = Vault(parse_keys(old)).seal(SECRET, "acme/m1")
    vault = Vault(parse_keys(f"{new},{old}"))
    assert vault.needs_rotation(key_id)
    again, resealed = vault.seal(vault.open(key_id, sealed, "acme/m1"), "acme/m1")
    assert not vault.needs_rotation(again)
    assert Vault(parse_keys(new)).open(again, resealed, "acme/m1") == SECRET
    with pytest.raises(
        UnknownKeyError, match=f"'{key_id}' is not there: put it back into HEADRACE"
    ):
        Vault(parse_keys(new)).open(key_id, sealed, "acme/m1")


def test_no_key_is_shown() -> None:
    key = new_key()
    vault = Vault(parse_keys(key))
    assert key.partition(":")[2] not in repr(vault)
    assert str(next(iter(vault.keys.values()))) not in repr(vault)


@pytest.mark.parametrize(
    "wrong",
    [
        "hush",
        "a:hush",
        ":" + base64.b64encode(bytes(32)).decode(),
        "a b:" + base64.b64encode(bytes(32)).decode(),
        "a:" + base64.b64encode(bytes(31)).decode(),
        "a:" + base64.b64encode(bytes(33)).decode(),
        "a:\N{SNOWMAN}",
    ],
)
def test_a_wrong_key_is_counted_and_not_quoted(wrong: str) -> None:
    with pytest.raises(SecretKeyError, match="key 2 of secret_keys must be an id") as caught:
        parse_keys(f"{new_key()}, {wrong}")
    assert "hush" not in str(caught.value)


def test_keys_have_ids_of_their_own() -> None:
    with pytest.raises(SecretKeyError, match="two keys with the id 'a'"):
        parse_keys(",".join(f"a:{new_key().partition(':')[2]}" for _ in range(2)))


def test_a_key_file_is_made_once_and_for_its_owner(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    with ThreadPoolExecutor(8) as threads:
        asked = [threads.submit(open_vault, "", data_dir=folder, shared=False) for _ in range(8)]
    keys = [dict(each.result().keys) for each in asked]
    assert keys == [keys[0]] * 8
    assert [each.name for each in folder.iterdir()] == [KEY_FILE]
    assert (folder / KEY_FILE).stat().st_mode & 0o777 == 0o600


def test_the_setting_goes_before_the_file(tmp_path: Path) -> None:
    key = new_key()
    assert open_vault(key, data_dir=tmp_path, shared=False).keys == parse_keys(key)
    assert open_vault(key, data_dir=tmp_path, shared=True).keys == parse_keys(key)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("text", "words"), [("", "holds no key"), ("\xe9\n", "key 1 of")])
def test_a_damaged_file_is_not_replaced(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / KEY_FILE).write_text(text, "latin-1")
    with pytest.raises(SecretKeyError, match=words):
        open_vault("", data_dir=tmp_path, shared=False)
    assert (tmp_path / KEY_FILE).read_text("latin-1") == text


def test_servers_that_share_a_store_need_the_setting(tmp_path: Path) -> None:
    vault = open_vault("", data_dir=tmp_path, shared=True)
    with pytest.raises(SecretKeyError, match="headrace-server create-secret-key"):
        vault.seal(SECRET, "acme/m1")
    with pytest.raises(UnknownKeyError, match="'a' is not there"):
        vault.open("a", b"", "acme/m1")
    assert not vault.needs_rotation("a")
    assert list(tmp_path.iterdir()) == []


def test_a_new_key_comes_before_those_of_the_file(tmp_path: Path) -> None:
    before = open_vault("", data_dir=tmp_path, shared=False)
    key_id, sealed = before.seal(SECRET, "acme/m1")
    put_new_key_first(tmp_path)
    after = open_vault("", data_dir=tmp_path, shared=False)
    assert after.needs_rotation(key_id)
    assert after.open(key_id, sealed, "acme/m1") == SECRET
    assert (tmp_path / KEY_FILE).stat().st_mode & 0o777 == 0o600
    assert [path.name for path in tmp_path.iterdir()] == [KEY_FILE]


def test_a_file_that_is_no_longer_one_of_keys_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / KEY_FILE).write_text("rubbish")
    with pytest.raises(SecretKeyError):
        put_new_key_first(tmp_path)
    assert (tmp_path / KEY_FILE).read_text() == "rubbish"
