from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from headrace_server.core.jobs.turns import in_turn
from headrace_server.db.jobs import Head

NOW = datetime(2026, 3, 29, 1, 30, tzinfo=UTC)


@given(st.lists(st.tuples(st.sampled_from("abcd"), st.sampled_from("kl")), unique=True), st.data())
def test_turns_share_the_limit(pairs: list[tuple[str, str]], data: st.DataObject) -> None:
    served = {tenant: data.draw(st.sampled_from([None, NOW])) for tenant in "abcd"}
    ranks = st.integers(0, 9)
    heads = [Head(tenant, kind, data.draw(ranks), served[tenant]) for tenant, kind in pairs]
    limit = data.draw(st.integers(1, 6))
    turns = list(in_turn(heads, limit))
    tenants = [head.tenant_id for head, _ in turns]
    assert len(set(tenants)) == len(tenants) == min(limit, len({t for t, _ in pairs}))
    assert sum(count for _, count in turns) <= limit
    assert all(count >= 1 for _, count in turns)
    skipped = [head for head in heads if head.tenant_id not in tenants]
    # Nobody who was never served is passed over for one who was.
    if any(head.served_at is None for head in skipped):
        never = {head.tenant_id for head in heads if head.served_at is None}
        assert set(tenants) <= never
