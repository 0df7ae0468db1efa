"""Seeded commerce files with faults in them, and what the contract makes of them.

Within a file the latest row of a key wins; a broken row is a reject of its line; every reference is
to a key that some file holds. Nothing here uses the server's code.
"""

import json
import random
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

Record = dict[str, Any]

#: primary key by table, children before their parents: the order in which the files are sent
KEYS = {
    "order_items": "order_item_id",
    "orders": "order_id",
    "customers": "customer_id",
    "products": "product_id",
}
_DECIMALS = {"price", "total_amount", "unit_price", "line_total"}
_INSTANTS = {"created_at", "order_date"}
_OBJECTS = {"metadata", "raw_payload"}


@dataclass(slots=True)
class File:
    """One file of a shipment and what must become of it."""

    path: Path
    table: str
    #: rows by key as the table must hold them
    rows: dict[str, Record] = field(default_factory=dict)
    #: numbers of the lines that must be rejected
    bad_lines: set[int] = field(default_factory=set)
    lines: int = 0

    @property
    def good_lines(self) -> int:
        return self.lines - len(self.bad_lines)


def plain(record: Mapping[str, Any]) -> Record:
    """A record with values that compare, however a database or JSON spelt them."""
    return {name: _plain(name, value) for name, value in record.items()}


def _plain(name: str, value: Any) -> Any:
    if value is None:
        return None
    if name in _DECIMALS:
        return Decimal(str(value))
    if name in _INSTANTS:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else value
        return moment.astimezone(UTC)
    if name in _OBJECTS:
        return json.loads(value) if isinstance(value, str) else value
    if name == "active":
        return bool(value)
    return str(value) if isinstance(value, uuid.UUID) else value


class Shipper:
    """Writes the files of a shipment."""

    def __init__(self, folder: Path, seed: int) -> None:
        self._folder = folder
        self._random = random.Random(seed)  # noqa: S311  # it guards nothing
        self._keys: dict[str, list[str]] = {}

    def ship(self, scale: int = 100) -> list[File]:
        """Write `scale` customers, twice and four times as many orders and items."""
        self._folder.mkdir(parents=True, exist_ok=True)
        sizes = {
            "customers": scale,
            "products": scale // 2,
            "orders": scale * 2,
            "order_items": scale * 4,
        }
        for table, size in sizes.items():
            self._keys[table] = [self._uuid() for _ in range(size)]
        return [self._write(table) for table in KEYS]

    def ship_customers(self, size: int) -> File:
        """Write one file of customers, about 180 bytes each."""
        self._folder.mkdir(parents=True, exist_ok=True)
        self._keys["customers"] = [self._uuid() for _ in range(size)]
        return self._write("customers")

    def _write(self, table: str) -> File:
        file = File(self._folder / f"{table}_1.ndjson", table)
        keys = list(self._keys[table])
        # One in ten comes again later, with other values and other parents.
        keys += self._random.sample(keys, len(keys) // 10)
        self._random.shuffle(keys)
        with file.path.open("wb") as output:
            for key in keys:
                record = getattr(self, f"_{table}")(key)
                file.rows[key] = plain(record)
                file.lines += 1
                output.write(json.dumps(record).encode() + b"\n")
                # Products stay clean, so that one file ends without errors.
                if table != "products" and self._random.random() < 0.05:
                    file.lines += 1
                    file.bad_lines.add(file.lines)
                    output.write(self._broken(table, record) + b"\n")
        return file

    def _broken(self, table: str, record: Record) -> bytes:
        key = KEYS[table]
        other: Callable[..., bytes] = lambda **values: json.dumps(record | values).encode()  # noqa: E731
        return self._random.choice(
            [
                json.dumps(record).encode()[:-9],
                other(**{key: "not-a-uuid"}),
                other(**{key: None}),
                b'["no", "object"]',
                other(**dict.fromkeys(_DECIMALS & record.keys(), "12,5") or {"created_at": "?"}),
            ]
        )

    def _customers(self, key: str) -> Record:
        number = self._random.randrange(10**6)
        return {
            "customer_id": key,
            "name": f"Customer {number}",
            "email": f"c{number}@example.com",
            "metadata": {"source": "faults", "number": number},
            "created_at": self._instant(),
        }

    def _products(self, key: str) -> Record:
        return {
            "product_id": key,
            "sku": f"{self._random.randrange(10**5):05}",
            "name": self._random.choice(["Lamp", 'Ca"ble', "Tab\tle", "Bäll\\e"]),
            "price": self._money(),
            "category_id": self._random.choice([None, self._uuid()]),
            "active": self._random.random() < 0.5,
            "created_at": self._instant(),
        }

    def _orders(self, key: str) -> Record:
        number = self._random.randrange(10**6)
        return {
            "order_id": key,
            "external_order_id": str(number),
            "customer_id": self._random.choice(self._keys["customers"]),
            "customer_name_snapshot": None,
            "customer_email_snapshot": f"c{number}@example.com",
            "total_amount": self._money(),
            "currency": self._random.choice(["GBP", "EUR"]),
            "order_status": "shipped",
            "order_date": self._instant(),
            "raw_payload": {"InvoiceNo": str(number)},
            "created_at": self._instant(),
        }

    def _order_items(self, key: str) -> Record:
        return {
            "order_item_id": key,
            "order_id": self._random.choice(self._keys["orders"]),
            "product_id": self._random.choice(self._keys["products"]),
            "quantity": self._random.randrange(1, 100),
            "unit_price": self._money(),
            "line_total": self._money(),
        }

    def _uuid(self) -> str:
        return str(uuid.UUID(int=self._random.getrandbits(128), version=4))

    def _money(self) -> float:
        return self._random.randrange(10**6) / 100

    def _instant(self) -> str:
        moment = datetime(2011, 1, 1, tzinfo=UTC) + timedelta(
            seconds=self._random.randrange(3 * 10**7)
        )
        return moment.isoformat().replace("+00:00", "Z")
