"""Secrets of API keys: `hr_<key id>_<43 random characters>`, kept as a SHA-256 only."""

import hashlib
import hmac
import re
import secrets

_FORM = re.compile(r"hr_([0-9a-f]{16})_[A-Za-z0-9_-]{43}")


def new_secret() -> tuple[str, str]:
    """Return the id of a new key and its secret."""
    key_id = secrets.token_hex(8)
    return key_id, f"hr_{key_id}_{secrets.token_urlsafe(32)}"


def key_id_of(secret: str) -> str | None:
    """Return the id of the key that a secret claims to be of; None where it is no secret."""
    found = _FORM.fullmatch(secret)
    return found[1] if found else None


def hash_of(secret: str) -> str:
    """Return what is stored: the SHA-256 in hexadecimal.

    No salt and no slow hash: the secret is 256 random bits, which nobody guesses.
    """
    return hashlib.sha256(secret.encode()).hexdigest()


def is_secret_of(secret: str, stored_hash: str) -> bool:
    """Whether the hash is that of the secret, in a time that tells nothing about either."""
    return hmac.compare_digest(hash_of(secret), stored_hash)
