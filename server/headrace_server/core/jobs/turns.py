"""Whose turn it is: fair among tenants, by rank within one."""

from collections.abc import Iterable, Iterator

from headrace_server.db.jobs import Head


def in_turn(heads: Iterable[Head], limit: int) -> Iterator[tuple[Head, int]]:
    """Whose turn it is, and for how many jobs; `limit` in all."""
    kinds: dict[str, list[Head]] = {}
    for head in sorted(heads, key=lambda head: head.rank):
        kinds.setdefault(head.tenant_id, []).append(head)
    order = sorted(
        kinds.values(),
        key=lambda own: (own[0].served_at is not None, own[0].served_at or 0, own[0].rank),
    )
    for position, own in enumerate(order[:limit]):
        share = limit // len(order) + (position < limit % len(order))
        # With several kinds, the rank decides anew after each job.
        yield own[0], max(1, share) if len(own) == 1 else 1
