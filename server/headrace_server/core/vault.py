"""Secrets of tenants, such as passwords of mounts, encrypted as long as they are at rest."""

import base64
import binascii
import hashlib
import os
import re
import secrets
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from headrace_server.model.errors import WrongStateError

_KEY_BYTES = 32
_NONCE_BYTES = 12
_KEY_ID = re.compile(r"[A-Za-z0-9_-]{1,32}")
#: name of the file of keys in the data folder
KEY_FILE = "secret_keys"


class SecretKeyError(WrongStateError):
    """Keys cannot be used, or are missing; the message says what to do and holds no key."""


class UnknownKeyError(SecretKeyError):
    """A secret was sealed with a key that is not there."""


class WrongSecretError(WrongStateError):
    """A sealed secret is not its owner's, or was changed."""


@dataclass(frozen=True, slots=True)
class Vault:
    """Seals small secrets with AES-256-GCM, each bound to its owner, and opens them."""

    #: by their ids; the first one seals, all open
    keys: Mapping[str, bytes] = field(repr=False)

    def seal(self, secret: bytes, owner: str) -> tuple[str, bytes]:
        """Encrypt a secret of an owner, such as "tenant/mount"; returns the key's id and the text.

        Raises SecretKeyError where there is no key.
        """
        key_id = self._newest
        if key_id is None:
            raise SecretKeyError(_NO_KEYS)
        nonce = os.urandom(_NONCE_BYTES)
        sealed = AESGCM(self.keys[key_id]).encrypt(nonce, secret, _bound_to(key_id, owner))
        return key_id, nonce + sealed

    def open(self, key_id: str, sealed: bytes, owner: str) -> bytes:
        """Decrypt what `seal` returned for the same owner.

        Raises UnknownKeyError, and WrongSecretError where it is another owner's or was changed.
        """
        key = self.keys.get(key_id)
        if key is None:
            raise UnknownKeyError(
                f"the secret key {key_id!r} is not there: put it back into HEADRACE_SECRET_KEYS,"
                " behind the first, or into the key file; or give the credentials anew"
            )
        nonce, text = sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:]
        try:
            return AESGCM(key).decrypt(nonce, text, _bound_to(key_id, owner))
        except (InvalidTag, ValueError):
            raise WrongSecretError("a sealed secret is not its owner's, or was changed") from None

    def needs_rotation(self, key_id: str) -> bool:
        """Whether a secret was sealed with another key than those that are sealed now."""
        return self._newest not in {key_id, None}

    @property
    def _newest(self) -> str | None:
        return next(iter(self.keys), None)


def open_vault(setting: str, *, data_dir: Path, shared: bool) -> Vault:
    """Return the vault of the keys in a setting, else of those in a file, which is made if missing.

    Where several servers share the control store, a file of one machine would not do: without the
    setting nothing is sealed or opened. Raises SecretKeyError.
    """
    if setting.strip() or shared:
        return Vault(parse_keys(setting))
    return Vault(_keys_of_file(data_dir / KEY_FILE))


def put_new_key_first(data_dir: Path) -> None:
    """Make a key and have it seal from now on; those in the file before it still open.

    A process that runs reads the file when it starts again.
    """
    file = data_dir / KEY_FILE
    before = file.read_text("ascii", errors="replace").strip() if file.exists() else ""
    parse_keys(before)
    with _beside(file, ",".join(filter(None, [new_key(), before]))) as beside:
        beside.replace(file)


def parse_keys(setting: str) -> dict[str, bytes]:
    """Read 'id:base64 of 32 bytes', joined by commas. Raises SecretKeyError, which quotes none."""
    keys: dict[str, bytes] = {}
    for number, each in enumerate(filter(None, map(str.strip, setting.split(","))), start=1):
        key_id, _, text = each.partition(":")
        key = _decoded(text)
        if not _KEY_ID.fullmatch(key_id) or len(key) != _KEY_BYTES:
            raise SecretKeyError(
                f"key {number} of secret_keys must be an id of letters, digits, - and _, a colon"
                f" and {_KEY_BYTES} bytes in base64, as headrace-server create-secret-key prints it"
            )
        if key_id in keys:
            raise SecretKeyError(f"secret_keys has two keys with the id {key_id!r}")
        keys[key_id] = key
    return keys


def new_key() -> str:
    """Return a new key, as the setting takes it."""
    key = base64.b64encode(secrets.token_bytes(_KEY_BYTES)).decode()
    return f"{secrets.token_hex(4)}:{key}"


def _keys_of_file(file: Path) -> dict[str, bytes]:
    """Read a file of keys; make it where it is missing, for its owner only."""
    if not file.exists():
        _make_key_file(file)
    keys = parse_keys(file.read_text("ascii", errors="replace"))
    if not keys:
        raise SecretKeyError(f"{file} holds no key: put it back from a copy")
    return keys


def _make_key_file(file: Path) -> None:
    """Make a file with a new key, unless another process was faster; it is never half there."""
    with _beside(file, new_key()) as beside, suppress(FileExistsError):
        os.link(beside, file)


@contextmanager
def _beside(file: Path, keys: str) -> Iterator[Path]:
    """Write keys to a file of their own, readable by its owner only, which is gone at the end."""
    file.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(dir=file.parent)
    try:
        with open(descriptor, "w", encoding="ascii") as beside:  # noqa: PTH123  # descriptor
            beside.write(f"{keys}\n")
            beside.flush()
            os.fsync(beside.fileno())
        yield Path(name)
    finally:
        Path(name).unlink(missing_ok=True)


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return b""


def _bound_to(key_id: str, owner: str) -> bytes:
    """Return what a secret is bound to, so that it opens nowhere else."""
    return hashlib.sha256(f"headrace secret {key_id}\0{owner}".encode()).digest()


_NO_KEYS = (
    "secrets need keys that all servers of the control store share: make one with"
    " headrace-server create-secret-key and give it to each of them as HEADRACE_SECRET_KEYS"
)
