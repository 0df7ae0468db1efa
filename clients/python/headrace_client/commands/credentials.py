"""How a mount is entered: who, and a secret that no command line shows."""

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from headrace_client.storage import MountCredentials

_PANEL = "How the place is entered"
_PASSWORD = "HEADRACE_MOUNT_PASSWORD"  # noqa: S105  # where it is, not what it is
_SESSION_TOKEN = "HEADRACE_MOUNT_SESSION_TOKEN"  # noqa: S105  # the same

UserOption = Annotated[str, typer.Option(rich_help_panel=_PANEL, help="SMB: the user.")]
DomainOption = Annotated[
    str, typer.Option(rich_help_panel=_PANEL, help="SMB: the domain of the user.")
]
KeyIdOption = Annotated[
    str,
    typer.Option(
        rich_help_panel=_PANEL,
        help=f"S3: the access key id; the token of temporary keys is read from {_SESSION_TOKEN}.",
    ),
]
AccountOption = Annotated[
    str, typer.Option(rich_help_panel=_PANEL, help="Azure: the name of the account.")
]
SasOption = Annotated[
    bool,
    typer.Option(
        "--sas",
        rich_help_panel=_PANEL,
        help="Azure: the secret is a shared access signature, not the account's key.",
    ),
]
ServiceAccountOption = Annotated[
    Path | None,
    typer.Option(
        exists=True,
        dir_okay=False,
        rich_help_panel=_PANEL,
        help="GCS: the file with the key of a service account.",
    ),
]
PasswordOption = Annotated[
    str | None,
    typer.Option(
        metavar="-",
        rich_help_panel=_PANEL,
        help="Reads the password or secret key from standard input. Otherwise it is read from "
        f"{_PASSWORD}, or asked for.",
    ),
]
PasswordStdinOption = Annotated[
    bool, typer.Option("--password-stdin", rich_help_panel=_PANEL, help="The same as --password -.")
]


def credentials_of(
    *,
    user: str,
    domain: str,
    key_id: str,
    account: str,
    sas: bool,
    service_account: Path | None,
    password: str | None,
    password_stdin: bool,
) -> MountCredentials | None:
    """Return what the options say, None where they say nothing. Raises typer.BadParameter."""
    if sum(map(bool, (user, key_id, account, service_account))) > 1:
        raise typer.BadParameter("give one of --user, --key-id, --account and --service-account")
    if password not in {None, "-"}:
        raise typer.BadParameter(
            "others can read what stands on a command line: give --password -, set "
            f"{_PASSWORD}, or give none and be asked for it"
        )
    from_stdin = password_stdin or password == "-"  # noqa: S105  # where from
    if service_account:
        return {"service_account": service_account.read_text("utf-8")}
    if not (user or key_id or account):
        if from_stdin or domain or sas:
            raise typer.BadParameter("whose? Give --user, --key-id or --account")
        return None
    secret = _secret(from_stdin=from_stdin)
    if user:
        return {"username": user, "password": secret, "domain": domain}
    if key_id:
        token = os.environ.get(_SESSION_TOKEN, "")
        return {"access_key_id": key_id, "secret_access_key": secret, "session_token": token}
    if sas:
        return {"account_name": account, "sas_token": secret}
    return {"account_name": account, "account_key": secret}


def _secret(*, from_stdin: bool) -> str:
    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    known = os.environ.get(_PASSWORD)
    if known is not None:
        return known
    if sys.stdin.isatty():
        asked: str = typer.prompt(
            "Password or secret key", default="", show_default=False, hide_input=True, err=True
        )
        return asked
    raise typer.BadParameter(f"the password is missing: set {_PASSWORD}, or give --password -")
