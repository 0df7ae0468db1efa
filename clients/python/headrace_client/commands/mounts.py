"""mounts."""

from enum import Enum
from typing import Annotated

import typer
from headrace.v1.storage_pb2 import Mount
from rich.markup import escape

from headrace_client.client import Client
from headrace_client.commands.credentials import (
    AccountOption,
    DomainOption,
    KeyIdOption,
    PasswordOption,
    PasswordStdinOption,
    SasOption,
    ServiceAccountOption,
    UserOption,
    credentials_of,
)
from headrace_client.commands.output import Output, when
from headrace_client.commands.session import CLEAN, EPILOG, run, usage_errors

app = typer.Typer(
    no_args_is_help=True, help="Mounts: shares, buckets and folders, where files lie."
)

_STYLES: dict[Mount.Status, str] = {Mount.MOUNTED: "green", Mount.UNREACHABLE: "red"}


class TypeName(Enum):
    """The names of the kinds of place, as typed."""

    SMB = "smb"
    NFS = "nfs"
    S3 = "s3"
    GCS = "gcs"
    AZURE = "azure"
    LOCAL = "local"


_TYPES: dict[TypeName, Mount.StorageType] = {
    TypeName.SMB: Mount.SMB,
    TypeName.NFS: Mount.NFS,
    TypeName.S3: Mount.S3,
    TypeName.GCS: Mount.GCS,
    TypeName.AZURE: Mount.AZURE,
    TypeName.LOCAL: Mount.LOCAL,
}


@app.command("list", epilog=EPILOG)
def list_mounts(context: typer.Context) -> None:
    """List the mounts, and whether they can be reached. With --json each is one line."""

    async def work(client: Client, output: Output) -> int:
        mounts = [mount async for mount in client.list_mounts()]
        if output.json:
            for mount in mounts:
                output.document(mount)
        elif mounts:
            _show_list(mounts, output)
        else:
            output.say(f"no mounts yet: {output.command('mounts add LOCAL_PATH NETWORK_PATH')}")
        return CLEAN

    run(context, work)


@app.command("add", epilog=EPILOG)
def add(
    context: typer.Context,
    local_path: Annotated[
        str,
        typer.Argument(metavar="LOCAL_PATH", help="What the place is called, such as /mnt/share."),
    ],
    network_path: Annotated[
        str,
        typer.Argument(
            metavar="NETWORK_PATH",
            help="//host/share, host:/export, s3://bucket/folder, gs://bucket, abfs://container, "
            "or a folder of the server's machine that its operator allows.",
        ),
    ],
    *,
    user: UserOption = "",
    domain: DomainOption = "",
    key_id: KeyIdOption = "",
    account: AccountOption = "",
    sas: SasOption = False,
    service_account: ServiceAccountOption = None,
    password: PasswordOption = None,
    password_stdin: PasswordStdinOption = False,
    storage_type: Annotated[
        TypeName | None,
        typer.Option("--type", case_sensitive=False, help="Told by NETWORK_PATH if not given."),
    ] = None,
    endpoint_url: Annotated[
        str, typer.Option(help="S3, GCS, Azure: a service that is not the provider's own.")
    ] = "",
    region: Annotated[str, typer.Option(help="S3: the region.")] = "",
    port: Annotated[int, typer.Option(min=0, max=65535, help="SMB: the port, if not 445.")] = 0,
) -> None:
    """Mount a place, or replace what is mounted at that path. It must answer.

    The server keeps passwords and keys encrypted, and never shows them.

    Examples:
    - `headrace mounts add /mnt/share //files.example.com/data --user etl --domain SHOP`
    - `headrace mounts add /exports s3://shop/exports --key-id AKIA... --region eu-central-1`
    - `headrace mounts add /inbox /srv/inbox`

    """
    credentials = credentials_of(
        user=user,
        domain=domain,
        key_id=key_id,
        account=account,
        sas=sas,
        service_account=service_account,
        password=password,
        password_stdin=password_stdin,
    )
    kind = _TYPES[storage_type] if storage_type else Mount.STORAGE_TYPE_UNSPECIFIED

    async def work(client: Client, output: Output) -> int:
        with usage_errors(client.address):
            mount = await client.mount(
                local_path,
                network_path,
                credentials=credentials,
                storage_type=kind,
                endpoint_url=endpoint_url,
                region=region,
                port=port,
            )
        if output.json:
            output.document(mount)
        else:
            _show(mount, output)
        return CLEAN

    run(context, work)


@app.command("remove", epilog=EPILOG)
def remove(
    context: typer.Context,
    mount: Annotated[str, typer.Argument(metavar="MOUNT", help="Its LOCAL_PATH, or its id.")],
) -> None:
    """Take a mount away, with its credentials. Refused while a folder of it is watched."""

    async def work(client: Client, output: Output) -> int:
        await client.unmount(await _mount_id(client, mount))
        output.say(f"removed {escape(mount)}")
        return CLEAN

    run(context, work)


async def _mount_id(client: Client, named: str) -> str:
    if not named.startswith("/"):
        return named
    async for mount in client.list_mounts():
        if mount.local_path == named.rstrip("/"):
            return mount.mount_id
    raise typer.BadParameter(f"nothing is mounted at {named}; see `headrace mounts list`")


def _show_list(mounts: list[Mount], output: Output) -> None:
    rows = [
        (
            escape(mount.local_path),
            escape(mount.network_path),
            Mount.StorageType.Name(mount.storage_type),
            _status(mount),
            _free(mount),
            when(mount, "mount_time"),
            mount.mount_id,
        )
        for mount in mounts
    ]
    columns = ("path", "place", "kind", "status", ">free", "mounted", "id")
    output.table(columns, rows, markup=True, spare=("mounted", "kind", "id", ">free"))
    for mount in mounts:
        if mount.HasField("error"):
            output.line(f"[red]{escape(f'{mount.local_path}: {mount.error}')}[/]")


def _show(mount: Mount, output: Output) -> None:
    pairs = [
        ("id", mount.mount_id),
        ("path", escape(mount.local_path)),
        ("place", f"{escape(mount.network_path)}, {Mount.StorageType.Name(mount.storage_type)}"),
        ("status", _status(mount)),
        ("free", _free(mount)),
        ("next", escape(output.command(f"folders watch {mount.local_path}/FOLDER"))),
    ]
    output.facts(pairs)


def _status(mount: Mount) -> str:
    return f"[{_STYLES.get(mount.status, 'cyan')}]{Mount.Status.Name(mount.status)}[/]"


def _free(mount: Mount) -> str:
    return f"{mount.available_space_gb:,.1f} GiB" if mount.HasField("available_space_gb") else "-"
