"""Secrets of webhooks: made here, shown once, kept encrypted."""

import base64
import secrets
from collections.abc import Callable, Sequence
from datetime import datetime

from headrace_server.core.vault import SecretKeyError, Vault
from headrace_server.db.trigger_secrets import SealedSecret
from headrace_server.model.errors import WrongStateError
from headrace_server.model.trigger import WebhookAuth

#: secrets that are taken at once
MOST_LIVE = 2
_BYTES = 32


class WebhookSecrets:
    """Makes, seals and opens secrets, each for the trigger that it is of."""

    def __init__(self, vault: Callable[[], Vault]) -> None:
        """Take the vault, opened when the first secret is sealed. It may raise SecretKeyError."""
        self._vault = vault

    def make(self, tenant_id: str, trigger_id: str, auth: WebhookAuth) -> tuple[str, SealedSecret]:
        """Return a new secret, and the same sealed. Raises WrongStateError without a key."""
        secret = new_secret(auth)
        try:
            key_id, sealed = self._vault().seal(secret.encode(), owner_of(tenant_id, trigger_id))
        except SecretKeyError as error:
            raise WrongStateError(f"the secret of a webhook cannot be kept: {error}") from error
        return secret, SealedSecret(key_id, sealed)

    def live(
        self, tenant_id: str, trigger_id: str, stored: Sequence[SealedSecret], now: datetime
    ) -> list[str]:
        """Open the secrets that are taken now. Raises WrongStateError where a key is missing."""
        owner = owner_of(tenant_id, trigger_id)
        return [
            self._vault().open(each.key_id, each.sealed, owner).decode()
            for each in live(stored, now)
        ]


def live(stored: Sequence[SealedSecret], now: datetime) -> list[SealedSecret]:
    """Return the secrets that are taken now."""
    return [each for each in stored if each.expires_at is None or each.expires_at > now]


def new_secret(auth: WebhookAuth) -> str:
    """Return a secret as its kind is written: "whsec_" and base64, or a token."""
    if auth is WebhookAuth.TOKEN:
        return f"whtok_{secrets.token_urlsafe(_BYTES)}"
    return f"whsec_{base64.b64encode(secrets.token_bytes(_BYTES)).decode()}"


def owner_of(tenant_id: str, trigger_id: str) -> str:
    """Whom secrets are sealed for: those of one trigger open no other."""
    return f"{tenant_id}/trigger/{trigger_id}"
