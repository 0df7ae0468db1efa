"""Ten sample datasets, from the best kept to the worst."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from headrace_server.core.readiness.datasets import Datasets
from headrace_server.model.dataset import (
    BreakingChange,
    CheckKind,
    CheckOutcome,
    Dataset,
    Declaration,
    DeclaredColumn,
    Owner,
    QualityCheck,
)
from headrace_server.model.tenant import Principal

_PASSED, _FAILED, _NOT_RUN = CheckOutcome.PASSED, CheckOutcome.FAILED, CheckOutcome.NOT_RUN
#: the kinds that a complete set of checks covers
_ALL_KINDS = (
    CheckKind.NOT_NULL,
    CheckKind.UNIQUE,
    CheckKind.ACCEPTED_VALUES,
    CheckKind.SCHEMA,
    CheckKind.DISTRIBUTION,
)


def sample_declarations(now: datetime) -> list[Declaration]:
    """Declare the ten, as if it was now."""
    return [make(now) for make in _SAMPLES]


class Samples:
    """Makes the ten."""

    def __init__(self, datasets: Datasets, clock: Callable[[], datetime]) -> None:
        self._datasets = datasets
        self._clock = clock

    async def ingest(self, caller: Principal) -> Sequence[Dataset]:
        """Declare all ten for the caller's tenant, or bring them up to date, and score them."""
        declarations = sample_declarations(self._clock())
        return await self._datasets.declare(caller, declarations, recorded=True)


def _columns(*lines: str) -> tuple[DeclaredColumn, ...]:
    """Columns of lines such as "user_id uuid Who it is"; the description may be missing."""
    parts = [(*line.split(" ", 2), "")[:3] for line in lines]
    return tuple(DeclaredColumn(name, kind, text) for name, kind, text in parts)


def _checks(
    now: datetime,
    key: str,
    kinds: Sequence[CheckKind] = _ALL_KINDS,
    failing: CheckKind | None = None,
) -> tuple[QualityCheck, ...]:
    whole = {CheckKind.SCHEMA, CheckKind.DISTRIBUTION, CheckKind.FRESHNESS}
    return tuple(
        QualityCheck(
            f"{key}_{kind.value.lower()}",
            kind,
            () if kind in whole else (key,),
            _FAILED if kind is failing else _PASSED,
            now - timedelta(hours=2),
        )
        for kind in kinds
    )


def _users(now: datetime) -> Declaration:
    return Declaration(
        full_name="analytics.users",
        display_name="Users Table",
        description="One row for each person who signed up; the base of all counts of users.",
        owner=Owner("Dana Whitfield", "Data Platform", "#data-platform"),
        steward="Ilya Brandt",
        documentation_url="https://docs.example.com/analytics/users",
        tags=("core", "pii"),
        columns=_columns(
            "user_id uuid Names the person for good",
            "email varchar(320) Address that was confirmed, in small letters",
            "country char(2) ISO 3166 code of the place of sign-up",
            "created_at timestamp When the person signed up, in UTC",
        ),
        primary_key=("user_id",),
        checks=_checks(now, "user_id"),
        version="3.1.0",
        freshness_hours=24 * 7,
        last_updated_at=now - timedelta(hours=3),
        update_schedule="every hour",
        upstreams=("app.accounts",),
    )


def _events(now: datetime) -> Declaration:
    return Declaration(
        full_name="analytics.events",
        display_name="Product Events",
        description="One row for each thing that a person did in the product, as it was sent.",
        owner=Owner("Marisol Vega", "Product Analytics", "#product-analytics"),
        steward="Tom Okafor",
        documentation_url="https://docs.example.com/analytics/events",
        tags=("core", "behaviour"),
        columns=_columns(
            "event_id uuid Names the event for good",
            "user_id uuid Who did it",
            "event_name varchar(100) What was done, of the tracking plan",
            "occurred_at timestamp When, by the clock of the device",
        ),
        primary_key=("event_id",),
        checks=_checks(now, "event_id", (CheckKind.NOT_NULL, CheckKind.UNIQUE, CheckKind.SCHEMA)),
        version="5.0.0",
        breaking_changes=(
            BreakingChange(
                "page_url was split into path and query",
                now - timedelta(days=20),
                announced_at=now - timedelta(days=50),
            ),
            BreakingChange("session_id became a uuid", now - timedelta(days=5)),
        ),
        freshness_hours=24,
        last_updated_at=now - timedelta(minutes=20),
        update_schedule="all the time",
        upstreams=("app.tracking",),
        retention_days=395,
    )


def _raw_logs(now: datetime) -> Declaration:
    return Declaration(
        full_name="staging.raw_logs",
        display_name="Raw Logs",
        columns=_columns(
            "line text",
            "host varchar(255)",
            "legacy_severity varchar(10)",
            "old_payload text",
            "received_at timestamp",
        ),
        last_updated_at=now - timedelta(days=2),
        update_schedule="every night",
        upstreams=("edge.syslog",),
    )


def _revenue(now: datetime) -> Declaration:
    return Declaration(
        full_name="analytics.revenue",
        display_name="Revenue",
        description="Recognised revenue by day, product and currency, as finance reports it.",
        owner=Owner("Priya Raman", "Finance", "finance-data@example.com"),
        steward="Lucas Meyer",
        documentation_url="https://docs.example.com/analytics/revenue",
        tags=("finance", "core"),
        columns=_columns(
            "day date The day of recognition",
            "product_id uuid What was sold",
            "currency char(3) ISO 4217 code",
            "amount decimal(18,4) Net of tax and refunds",
            "booking_ref varchar(40)",
        ),
        primary_key=("day", "product_id", "currency"),
        checks=_checks(now, "amount"),
        version="2.4.0",
        freshness_hours=24 * 7,
        last_updated_at=now - timedelta(hours=9),
        update_schedule="every night at 02:00 UTC",
        upstreams=("erp.invoices", "erp.refunds"),
        retention_days=3650,
    )


def _ab_test_results(now: datetime) -> Declaration:
    return Declaration(
        full_name="experiments.ab_test_results",
        display_name="A/B Test Results",
        description="One row for each variant of an experiment with its measured effect.",
        owner=Owner("Noor Haddad", "Experimentation", "#experiments"),
        documentation_url="https://docs.example.com/experiments",
        tags=("experiments",),
        columns=_columns(
            "experiment_id varchar(40) Names the experiment",
            "variant varchar(40) Name of the variant",
            "exposures bigint",
            "effect double",
            "p_value double",
        ),
        primary_key=("experiment_id", "variant"),
        version="1.2.0",
        freshness_hours=24 * 7,
        last_updated_at=now - timedelta(days=1),
        update_schedule="when an experiment ends",
        upstreams=("analytics.events",),
    )


def _page_views(now: datetime) -> Declaration:
    return Declaration(
        full_name="analytics.page_views",
        display_name="Page Views",
        description="One row for each page that a visitor saw, robots left out.",
        owner=Owner("Marisol Vega", "Product Analytics", "#product-analytics"),
        documentation_url="https://docs.example.com/analytics/page_views",
        tags=("web", "behaviour"),
        columns=_columns(
            "view_id uuid Names the view for good",
            "visitor_id uuid Who saw it, by cookie",
            "path varchar(2000) Page without host and query",
            "seen_at timestamp When the page was shown, in UTC",
        ),
        primary_key=("view_id",),
        checks=_checks(
            now,
            "view_id",
            (CheckKind.NOT_NULL, CheckKind.UNIQUE, CheckKind.SCHEMA, CheckKind.FRESHNESS),
        ),
        version="2.0.1",
        breaking_changes=(
            BreakingChange(
                "robots are left out",
                now - timedelta(days=40),
                announced_at=now - timedelta(days=60),
            ),
        ),
        freshness_hours=24,
        last_updated_at=now - timedelta(hours=1),
        update_schedule="every hour",
        upstreams=("analytics.events",),
        retention_days=395,
    )


def _inventory(now: datetime) -> Declaration:
    return Declaration(
        full_name="warehouse.inventory",
        display_name="Inventory",
        description="Pieces on stock by article and place, counted each night.",
        owner=Owner("Sven Lindqvist", "Operations", "operations@example.com"),
        tags=("operations",),
        columns=_columns(
            "sku varchar(100) Article",
            "place varchar(20) Shelf and bin",
            "pieces integer Counted pieces",
            "reserved integer",
            "counted_at timestamp",
        ),
        primary_key=("sku", "place"),
        checks=_checks(now, "sku", failing=CheckKind.DISTRIBUTION),
        version="1.8.0",
        breaking_changes=(
            BreakingChange(
                "places have a bin",
                now - timedelta(days=60),
                announced_at=now - timedelta(days=80),
            ),
        ),
        freshness_hours=48,
        last_updated_at=now - timedelta(hours=7),
        update_schedule="every night",
        upstreams=("wms.stock",),
    )


def _campaigns(now: datetime) -> Declaration:
    return Declaration(
        full_name="marketing.campaigns",
        display_name="Campaigns",
        description="Campaigns with budget, channel and time of running.",
        columns=_columns(
            "campaign_id varchar(40) Names the campaign",
            "channel varchar(40)",
            "budget decimal(12,2)",
            "starts_on date",
        ),
        primary_key=("campaign_id",),
        checks=(QualityCheck("campaign_id_unique", CheckKind.UNIQUE, ("campaign_id",), _NOT_RUN),),
        version="1.0.0",
        last_updated_at=now - timedelta(days=4),
        update_schedule="by hand",
    )


def _conversions(now: datetime) -> Declaration:
    return Declaration(
        full_name="analytics.conversions",
        display_name="Conversions",
        description="One row for each visit that ended in a sign-up or an order.",
        owner=Owner("Kwame Asante", "Growth", "#growth-data"),
        steward="Elena Petrova",
        documentation_url="https://docs.example.com/analytics/conversions",
        tags=("growth",),
        columns=_columns(
            "conversion_id uuid Names the conversion for good",
            "visitor_id uuid Who converted, by cookie",
            "goal varchar(40) What was reached",
            "value decimal(12,2) What it is worth, in EUR",
            "converted_at timestamp When, in UTC",
        ),
        primary_key=("conversion_id",),
        checks=_checks(now, "conversion_id", (*_ALL_KINDS, CheckKind.RANGE)),
        version="4.0.0",
        freshness_hours=24 * 7,
        last_updated_at=now - timedelta(hours=2),
        update_schedule="every hour",
        upstreams=("analytics.events", "analytics.page_views"),
        retention_days=730,
    )


def _old_transactions(now: datetime) -> Declaration:
    return Declaration(
        full_name="legacy.old_transactions",
        display_name="Old Transactions",
        description="Exported from the old shop.",
        owner=Owner(team="Finance"),
        columns=_columns(
            "id integer",
            "legacy_customer_code varchar(20)",
            "amount_old decimal(10,2)",
            "tmp_flag char(1)",
        ),
        last_updated_at=now - timedelta(days=900),
    )


_SAMPLES = (
    _users,
    _events,
    _raw_logs,
    _revenue,
    _ab_test_results,
    _page_views,
    _inventory,
    _campaigns,
    _conversions,
    _old_transactions,
)
