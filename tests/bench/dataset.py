"""Writes the data set that loads are measured on: NDJSON, and the equivalent clean CSV.

Rows obey the contract `commerce` and are shaped like the sample that ships with the server. The
same seed and sizes give the same bytes.
"""
# ruff: noqa: S311  # random here means repeatable, not secret

import argparse
import json
import sys
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from random import Random

TABLES = ("customers", "products", "orders", "order_items")

_BATCH = 10_000
_EPOCH = datetime(2010, 12, 1, 8, tzinfo=UTC)
_SECONDS = 373 * 86_400
_COUNTRIES = ("United Kingdom", "Germany", "France", "EIRE", "Spain", "Netherlands", "Belgium")
_STATUSES = ("completed", "completed", "completed", "cancelled", "pending")
_CURRENCIES = ("GBP", "GBP", "EUR")
_WORDS = ("RED", "WHITE", "PINK", "GLASS", "STAR", "LANTERN", "NESTING", "BOXES", "HEART", "TEA")

Row = tuple[str, str]
"""One row as a line of NDJSON and as a line of CSV, without their ends."""


@dataclass(frozen=True, slots=True)
class Sizes:
    """Rows of each table."""

    customers: int = 100_000
    products: int = 20_000
    orders: int = 250_000
    order_items: int = 1_000_000

    @classmethod
    def scaled(cls, scale: float) -> "Sizes":
        """The sizes of loading.md times `scale`, at least one row each."""
        whole = cls()
        return cls(*(max(1, round(getattr(whole, table) * scale)) for table in TABLES))


@dataclass(frozen=True, slots=True)
class Dataset:
    """The files of a data set."""

    folder: Path
    sizes: Sizes

    def ndjson(self, table: str) -> Path:
        """The file that is ingested."""
        return self.folder / f"{table}_0001.ndjson"

    def csv(self, table: str) -> Path:
        """The file that the peer loads; begins with the column names."""
        return self.folder / f"{table}.csv"

    def rows(self, table: str) -> int:
        """Rows of the table."""
        count: int = getattr(self.sizes, table)
        return count


def write_dataset(
    folder: Path, sizes: Sizes, *, seed: int = 1, shuffled_items: bool = False, csv: bool = True
) -> Dataset:
    """Write every file into the folder.

    The items of an order stand together, as in the sample; `shuffled_items` scatters them.
    """
    dataset = Dataset(folder, sizes)
    customers = _uuids(Random(f"{seed}:customer_ids"), sizes.customers)
    products = _uuids(Random(f"{seed}:product_ids"), sizes.products)
    orders = _uuids(Random(f"{seed}:order_ids"), sizes.orders)
    prices = Random(f"{seed}:prices").choices(range(15, 4_000), k=sizes.products)
    totals, counts = [0] * sizes.orders, [0] * sizes.orders
    basket = _orders_of_items(Random(f"{seed}:baskets"), sizes, shuffled=shuffled_items)
    tables: dict[str, Iterable[Row]] = {
        "customers": _customers(Random(f"{seed}:customers"), customers),
        "products": _products(Random(f"{seed}:products"), products, prices),
        # Before the orders, which hold the sums.
        "order_items": _order_items(
            Random(f"{seed}:order_items"), basket, orders, products, prices, totals, counts
        ),
        "orders": _orders(Random(f"{seed}:orders"), orders, customers, totals, counts),
    }
    for table, rows in tables.items():
        _write(dataset, table, rows, csv=csv)
    return dataset


def _write(dataset: Dataset, table: str, rows: Iterable[Row], *, csv: bool) -> None:
    iterator = iter(rows)
    header = next(iterator)
    with (
        dataset.ndjson(table).open("w", encoding="utf-8", newline="\n") as ndjson_file,
        (dataset.csv(table) if csv else Path("/dev/null")).open(
            "w", encoding="utf-8", newline="\n"
        ) as csv_file,
    ):
        csv_file.write(header[1] + "\n")
        while batch := list(islice(iterator, _BATCH)):
            lines, records = zip(*batch, strict=True)
            ndjson_file.write("\n".join(lines) + "\n")
            csv_file.write("\n".join(records) + "\n")


def _uuids(random: Random, count: int) -> list[str]:
    """Random UUIDs of version 4, as text."""
    digits = random.randbytes(16 * count).hex()
    return [
        f"{h[:8]}-{h[8:12]}-4{h[13:16]}-{'89ab'[int(h[16], 16) & 3]}{h[17:20]}-{h[20:]}"
        for h in (digits[at : at + 32] for at in range(0, 32 * count, 32))
    ]


def _orders_of_items(random: Random, sizes: Sizes, *, shuffled: bool) -> list[int]:
    """The number of each item's order; every order has an item where there are enough."""
    numbers = list(range(min(sizes.orders, sizes.order_items)))
    numbers += random.choices(range(sizes.orders), k=sizes.order_items - len(numbers))
    if shuffled:
        random.shuffle(numbers)
    else:
        numbers.sort()
    return numbers


def _header(*names: str) -> Row:
    return "", ",".join(names)


def _instants(random: Random, count: int) -> Iterator[str]:
    for seconds in random.choices(range(_SECONDS), k=count):
        yield (_EPOCH + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")


def _money(cents: int) -> str:
    return f"{cents // 100}.{cents % 100:02d}"


def _quoted(text: str) -> str:
    """A CSV field with commas or quotes in it."""
    doubled = text.replace('"', '""')
    return f'"{doubled}"'


def _customers(random: Random, ids: list[str]) -> Iterator[Row]:
    yield _header("customer_id", "name", "email", "metadata", "created_at")
    for number, (key, created) in enumerate(
        zip(ids, _instants(random, len(ids)), strict=True), 10_000
    ):
        metadata = (
            f'{{"source":"bench","source_customer_id":"{number}.0",'
            f'"countries":["{random.choice(_COUNTRIES)}"],'
            f'"invoice_lines":{random.randrange(1, 900)}}}'
        )
        name, email = f"Customer {number}", f"customer-{number}@example.com"
        line = (
            f'{{"customer_id":"{key}","name":"{name}","email":"{email}",'
            f'"metadata":{metadata},"created_at":"{created}"}}'
        )
        record = f"{key},{name},{email},{_quoted(metadata)},{created}"
        yield line, record


def _products(random: Random, ids: list[str], prices: list[int]) -> Iterator[Row]:
    yield _header("product_id", "sku", "name", "price", "category_id", "active", "created_at")
    categories = _uuids(random, 200)
    for number, (key, cents, created) in enumerate(
        zip(ids, prices, _instants(random, len(ids)), strict=True), 20_000
    ):
        name, price = " ".join(random.choices(_WORDS, k=4)), _money(cents)
        category, active = random.choice(categories), "true" if random.random() < 0.9 else "false"
        line = (
            f'{{"product_id":"{key}","sku":"{number}","name":"{name}","price":{price},'
            f'"category_id":"{category}","active":{active},"created_at":"{created}"}}'
        )
        record = f"{key},{number},{name},{price},{category},{active},{created}"
        yield line, record


def _order_items(
    random: Random,
    basket: list[int],
    orders: list[str],
    products: list[str],
    prices: list[int],
    totals: list[int],
    counts: list[int],
) -> Iterator[Row]:
    """Yield the items; adds up the amounts and items of each order on the way."""
    yield _header("order_item_id", "order_id", "product_id", "quantity", "unit_price", "line_total")
    for start in range(0, len(basket), _BATCH):
        numbers = basket[start : start + _BATCH]
        keys = _uuids(random, len(numbers))
        chosen = random.choices(range(len(products)), k=len(numbers))
        quantities = random.choices(range(1, 25), k=len(numbers))
        for key, order, product, quantity in zip(keys, numbers, chosen, quantities, strict=True):
            cents = prices[product] * quantity
            totals[order] += cents
            counts[order] += 1
            order_id, product_id = orders[order], products[product]
            price, total = _money(prices[product]), _money(cents)
            line = (
                f'{{"order_item_id":"{key}","order_id":"{order_id}","product_id":"{product_id}",'
                f'"quantity":{quantity},"unit_price":{price},"line_total":{total}}}'
            )
            record = f"{key},{order_id},{product_id},{quantity},{price},{total}"
            yield line, record


def _orders(
    random: Random, ids: list[str], customers: list[str], totals: list[int], counts: list[int]
) -> Iterator[Row]:
    yield _header(
        "order_id",
        "external_order_id",
        "customer_id",
        "customer_name_snapshot",
        "customer_email_snapshot",
        "total_amount",
        "currency",
        "order_status",
        "order_date",
        "raw_payload",
        "created_at",
    )
    buyers = random.choices(range(len(customers)), k=len(ids))
    instants = _instants(random, len(ids))
    for number, (key, buyer, instant) in enumerate(zip(ids, buyers, instants, strict=True)):
        external, total = f"{500_000 + number}", _money(totals[number])
        name, email = f"Customer {10_000 + buyer}", f"customer-{10_000 + buyer}@example.com"
        currency, status = random.choice(_CURRENCIES), random.choice(_STATUSES)
        payload = (
            f'{{"InvoiceNo":"{external}","InvoiceDate":"{instant[:10]} {instant[11:19]}",'
            f'"CustomerID":"{10_000 + buyer}.0","Country":"{random.choice(_COUNTRIES)}",'
            f'"line_count":{counts[number]}}}'
        )
        line = (
            f'{{"order_id":"{key}","external_order_id":"{external}",'
            f'"customer_id":"{customers[buyer]}","customer_name_snapshot":"{name}",'
            f'"customer_email_snapshot":"{email}","total_amount":{total},'
            f'"currency":"{currency}","order_status":"{status}","order_date":"{instant}",'
            f'"raw_payload":{payload},"created_at":"{instant}"}}'
        )
        record = (
            f"{key},{external},{customers[buyer]},{name},{email},{total},{currency},{status},"
            f"{instant},{_quoted(payload)},{instant}"
        )
        yield line, record


def main() -> None:
    """Write the data set that the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path, help="where the files are written")
    parser.add_argument("--scale", type=float, default=1.0, help="1 is 1.37 million rows")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--shuffled-items", action="store_true", help="scatter an order's items")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    started = time.perf_counter()
    dataset = write_dataset(
        options.folder,
        Sizes.scaled(options.scale),
        seed=options.seed,
        shuffled_items=options.shuffled_items,
    )
    for table in TABLES:
        path = dataset.ndjson(table)
        report = {"file": path.name, "rows": dataset.rows(table), "bytes": path.stat().st_size}
        sys.stdout.write(json.dumps(report) + "\n")
    sys.stdout.write(f"written in {time.perf_counter() - started:.1f} s\n")


if __name__ == "__main__":
    main()
