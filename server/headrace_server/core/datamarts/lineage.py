"""Which datamarts read which: in what order they are refreshed, and that none reads itself."""

from collections.abc import Iterable, Iterator, Sequence

from headrace_server.model.datamart import Datamart, MartType, Relation


class Lineage:
    """The datamarts of one tenant and what they read.

    A name with versions stands for all of them, since it may come to be any.
    """

    def __init__(self, marts: Sequence[Datamart]) -> None:
        self._marts = marts
        self._by_name: dict[Relation, list[Datamart]] = {}
        for mart in marts:
            for name in mart.names:
                self._by_name.setdefault(name, []).append(mart)

    def is_datamart(self, relation: Relation) -> bool:
        """Whether a relation is a datamart, or a name with versions."""
        return relation in self._by_name

    def read_by(self, sources: Iterable[Relation]) -> Iterator[Datamart]:
        """The datamarts among what is read."""
        for source in sources:
            yield from self._by_name.get(source, ())

    def dependants(self, mart: Datamart) -> list[Datamart]:
        """The datamarts that read one by any of its names."""
        names = set(mart.names)
        return [
            each for each in self._marts if each is not mart and names.intersection(each.sources)
        ]

    def all_dependants(self, marts: Sequence[Datamart]) -> list[Datamart]:
        """Those that read any of the datamarts, directly or not; those first that none reads."""
        found: dict[str, Datamart] = {}

        def visit(mart: Datamart) -> None:
            for reader in self.dependants(mart):
                if reader.datamart_id not in found:
                    visit(reader)
                    found[reader.datamart_id] = reader

        for mart in marts:
            visit(mart)
        return [mart for mart in found.values() if mart not in marts]

    def path_to(self, names: Sequence[Relation], sources: Sequence[Relation]) -> list[Relation]:
        """A way from what a new datamart reads to its own names; empty where none leads there."""
        ways = [[source] for source in sources]
        seen: set[Relation] = set()
        while ways:
            way = ways.pop()
            if way[-1] in names:
                return way
            if way[-1] not in seen:
                seen.add(way[-1])
                ways += [
                    [*way, source] for mart in self.read_by([way[-1]]) for source in mart.sources
                ]
        return []

    def upstream(self, mart: Datamart) -> list[Datamart]:
        """The datamarts with rows of their own that one reads, through views or directly."""
        found: dict[str, Datamart] = {}
        for source in self.read_by(mart.sources):
            if source is mart:
                continue
            if source.type is MartType.VIEW:
                found |= {each.datamart_id: each for each in self.upstream(source)}
            else:
                found[source.datamart_id] = source
        return list(found.values())

    def tables(self, mart: Datamart) -> set[Relation]:
        """The tables that are no datamarts which one reads, through views or directly."""
        found = {source for source in mart.sources if not self.is_datamart(source)}
        for source in self.read_by(mart.sources):
            if source.type is MartType.VIEW and source is not mart:
                found |= self.tables(source)
        return found

    def in_order(self, marts: Iterable[Datamart]) -> list[Datamart]:
        """Datamarts and all that have to be refreshed before them, those first that others read."""
        ordered: dict[str, Datamart] = {}

        def visit(mart: Datamart) -> None:
            if mart.datamart_id not in ordered:
                for source in self.upstream(mart):
                    visit(source)
                ordered[mart.datamart_id] = mart

        for mart in marts:
            visit(mart)
        return list(ordered.values())
