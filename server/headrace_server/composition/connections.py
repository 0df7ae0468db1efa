"""The ways out of the process, as the settings allow them."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from functools import cache, partial

from headrace_server.config import Config, ConfigError
from headrace_server.connectors.base import Connector, ConnectorError
from headrace_server.connectors.chat import Chat
from headrace_server.connectors.filesystem import FileConnector
from headrace_server.connectors.http import HttpConnector
from headrace_server.connectors.mail import Mailer, mail_server
from headrace_server.connectors.mounts.access import MountAccess
from headrace_server.connectors.mounts.opening import open_store
from headrace_server.connectors.registry import BARE, Connectors
from headrace_server.connectors.roots import Root, known_schemes, root_of
from headrace_server.connectors.simulated import SimulatedSystem
from headrace_server.connectors.stores import StoreConnector
from headrace_server.connectors.webhooks import Webhooks
from headrace_server.core.mappings.tables import TableConnector
from headrace_server.core.relationships.inference import Inference
from headrace_server.core.relationships.judgement import Judgement
from headrace_server.core.relationships.model import Model
from headrace_server.core.storage.mounts import Mounts
from headrace_server.core.vault import Vault, open_vault
from headrace_server.db.engine import ControlStore


def connectors_of(config: Config, http: HttpConnector, tables: TableConnector) -> Connectors:
    """Return what mappings read and write, by the scheme of the address."""
    simulated = SimulatedSystem(
        success_rate=config.simulated_success_rate,
        latency=config.simulated_latency_ms / 1000,
        seed=config.simulated_seed,
    )
    stores = StoreConnector(roots := roots_of(config))
    own: dict[str, Connector] = {
        BARE: simulated,
        "http": http,
        "https": http,
        "file": FileConnector(config.file_roots),
        "table": tables,
    }
    by_scheme = {**own, **{root.place.scheme: stores for root in roots}}
    return Connectors(by_scheme, without_root=known_schemes())


def roots_of(config: Config) -> list[Root]:
    """Return the roots in fsspec's stores that the settings allow. Raises ConfigError."""
    try:
        return [root_of(url, options) for url, options in config.store_roots.items()]
    except ConnectorError as error:
        raise ConfigError(f"allowed_roots: {error}") from error


def inference_of(config: Config) -> Inference:
    """Return what tells how tables belong together, with the endpoint that the settings name."""
    if not config.ai_url:
        return Inference(Model.shipped())
    chat = Chat(config.ai_url, config.ai_model, config.ai_key)
    return Inference(Model.shipped(), Judgement(chat, share_values=config.ai_share_values))


def vault_of(config: Config, store: ControlStore) -> Callable[[], Vault]:
    """Return what opens the vault of secrets when the first one is wanted."""
    shared = store.dialect == "postgresql"
    return cache(partial(open_vault, config.secret_keys, data_dir=config.data_dir, shared=shared))


@asynccontextmanager
async def open_mounts(
    config: Config,
    store: ControlStore,
    vault: Callable[[], Vault],
    clock: Callable[[], datetime],
) -> AsyncIterator[Mounts]:
    """Give the mounts; their places are closed at the end."""
    access = MountAccess(
        file_roots=config.file_roots,
        allow_private=config.allow_private_targets,
        hosts=config.private_hosts,
        mount_folder=config.data_dir / "mounts",
    )
    mounts = Mounts(store, vault, partial(open_store, access=access), clock)
    try:
        yield mounts
    finally:
        await mounts.close()


def webhooks_of(config: Config) -> Webhooks:
    """Return what posts webhooks as the settings say."""
    return Webhooks(secret=config.webhook_secret, allow_private=config.allow_private_targets)


def mailer_of(config: Config) -> Mailer | None:
    """Return what sends mail, where the settings name a server for it."""
    return Mailer(mail_server(config.smtp_url, config.smtp_from)) if config.smtp_url else None
