"""How datamarts and their refreshes are shown to people."""

from collections.abc import Iterable, Mapping, Sequence

from headrace.v1.datamart_pb2 import Datamart, DatamartRefresh
from rich.markup import escape
from rich.tree import Tree

from headrace_client.commands.output import Output, as_dict, when
from headrace_client.commands.queries import cell
from headrace_client.progress import size_text

_STYLES: dict[Datamart.Status, str] = {Datamart.READY: "green", Datamart.FAILED: "red"}
_REFRESH_STYLES: dict[DatamartRefresh.Status, str] = {
    DatamartRefresh.COMPLETED: "green",
    DatamartRefresh.SKIPPED: "yellow",
    DatamartRefresh.FAILED: "red",
    DatamartRefresh.CANCELLED: "red",
    DatamartRefresh.UPSTREAM_FAILED: "red",
}
#: bytes of the unit of size_mb
_MB = 1_000_000


def full_name(datamart: Datamart) -> str:
    """Return what queries call a datamart."""
    return f"{datamart.schema}.{datamart.name}"


def refresh_text(refresh: DatamartRefresh) -> str:
    """Return the status of a refresh as rich markup."""
    name = DatamartRefresh.Status.Name(refresh.status)
    return f"[{_REFRESH_STYLES.get(refresh.status, 'cyan')}]{name}[/]"


def show_list(datamarts: Sequence[Datamart], output: Output) -> None:
    """Print datamarts as a table."""
    rows = [
        (
            escape(full_name(each)),
            Datamart.Type.Name(each.type).lower(),
            f"{each.rows_count:,}",
            _size(each),
            when(each, "last_refresh"),
            escape(_rhythm(each)),
            _status_text(each),
        )
        for each in datamarts
    ]
    columns = ("datamart", "type", ">rows", ">size", "last refresh", "refreshed", "status")
    spare = ("type", ">size", "refreshed", "last refresh")
    output.table(columns, rows, markup=True, spare=spare)


def show_versions(versions: Sequence[Datamart], output: Output) -> None:
    """Print the versions of a datamart as a table."""
    rows = [
        (
            each.version,
            escape(full_name(each)),
            f"{each.rows_count:,}",
            _size(each),
            when(each, "created_at"),
            _kept(each),
            _status_text(each),
        )
        for each in versions
    ]
    columns = ("version", "read as", ">rows", ">size", "created", "", "status")
    output.table(columns, rows, markup=True, spare=(">size", "created"))


def show_datamart(datamart: Datamart, output: Output) -> None:
    """Print what there is to know of a datamart itself."""
    output.line(f"[bold]{escape(full_name(datamart))}[/]  {_status_text(datamart)}")
    if datamart.description:
        output.line(escape(datamart.description))
    output.facts(_facts(datamart))
    output.line(f"\n[dim]{escape(datamart.query.strip())}[/]")


def _facts(datamart: Datamart) -> Iterable[tuple[str, str]]:
    yield "type", Datamart.Type.Name(datamart.type).lower()
    yield "rows", f"{datamart.rows_count:,}"
    yield "size", _size(datamart)
    yield "last refresh", when(datamart, "last_refresh")
    yield "refreshed", escape(_rhythm(datamart))
    if datamart.HasField("next_run"):
        yield "next", when(datamart, "next_run")
    if datamart.HasField("version"):
        yield "version", escape(_version(datamart))
    if datamart.unique_key:
        yield "key", escape(", ".join(datamart.unique_key))
    for name, value in as_dict(datamart.metadata).items():
        yield escape(name), escape(str(value))
    if datamart.HasField("error"):
        yield "error", f"[red]{escape(datamart.error)}[/]"


def _size(datamart: Datamart) -> str:
    """What the rows take; those of a view take nothing."""
    return "-" if datamart.type == Datamart.VIEW else size_text(datamart.size_mb * _MB)


def _version(datamart: Datamart) -> str:
    return f"{datamart.version} of {datamart.schema}.{datamart.versioned_name}, {_kept(datamart)}"


def _kept(datamart: Datamart) -> str:
    if not datamart.HasField("expires_at"):
        return "the newest"
    return f"kept until {when(datamart, 'expires_at')}"


def _rhythm(datamart: Datamart) -> str:
    """When the rows are brought up to date, in words."""
    if datamart.HasField("schedule"):
        return f"{datamart.schedule} {datamart.time_zone}"
    if datamart.type == Datamart.VIEW:
        return "by each reader"
    return Datamart.RefreshStrategy.Name(datamart.refresh_strategy).lower().replace("_", " ")


def _status_text(datamart: Datamart) -> str:
    name = Datamart.Status.Name(datamart.status)
    return f"[{_STYLES.get(datamart.status, 'cyan')}]{name}[/]"


def drawn(datamart: Datamart, known: Iterable[Datamart]) -> list[Tree]:
    """Draw what a datamart reads, and what reads it, each as far as it goes."""
    by_name = {full_name(each): each for each in (*known, datamart)}
    reads = {name: _sources(each) for name, each in by_name.items()}
    read_by: dict[str, list[str]] = {}
    for name, sources in reads.items():
        for source in sources:
            read_by.setdefault(source, []).append(name)
    name = full_name(datamart)
    trees = []
    for heading, below in (("reads", reads), ("is read by", read_by)):
        if name in below:
            trees.append(_branch(Tree(f"[bold]{heading}[/]"), name, below, by_name))
    return trees


def _sources(datamart: Datamart) -> list[str]:
    return [f"{source.schema}.{source.table}" for source in datamart.sources]


def _branch(
    tree: Tree, name: str, below: Mapping[str, Sequence[str]], datamarts: Mapping[str, Datamart]
) -> Tree:
    for each in below.get(name, ()):
        label = f"{escape(each)}  {_status_text(datamarts[each])}" if each in datamarts else each
        _branch(tree.add(label), each, below, datamarts)
    return tree


def show_refreshes(refreshes: Sequence[DatamartRefresh], output: Output) -> None:
    """Print refreshes as a table."""
    rows = [
        (
            each.refresh_id,
            when(each, "created_at"),
            refresh_text(each),
            DatamartRefresh.Cause.Name(each.cause).lower(),
            f"{each.rows_refreshed:,}",
            f"{each.refresh_duration_seconds:.2f} s",
            escape(cell(each.error or each.note)),
        )
        for each in refreshes
    ]
    columns = ("refresh", "asked for", "status", "for", ">rows", ">took", "")
    output.table(columns, rows, markup=True, spare=("for", "refresh", ""))


def show_refresh(refresh: DatamartRefresh, output: Output) -> None:
    """Print a refresh."""
    name = f"{refresh.schema}.{refresh.datamart_name}"
    pairs = [
        ("datamart", escape(name)),
        ("refresh", refresh.refresh_id),
        ("status", refresh_text(refresh)),
        ("rows", f"{refresh.rows_refreshed:,}, {size_text(refresh.size_mb * _MB)}"),
        ("took", f"{refresh.refresh_duration_seconds:.2f} s"),
    ]
    if refresh.HasField("note"):
        pairs.append(("note", f"[yellow]{escape(refresh.note)}[/]"))
    if refresh.HasField("error"):
        pairs.append(("error", f"[red]{escape(refresh.error)}[/]"))
    output.facts(pairs)
