"""What a figure was measured on, and how it is printed."""

import os
import platform
import sqlite3
import statistics
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path

import psutil

_PACKAGES = ("grpcio", "protobuf", "uvloop", "asyncpg", "aiosqlite", "sqlalchemy", "msgspec")


def say(*words: object) -> None:
    """Print one line at once."""
    sys.stdout.write(" ".join(map(str, words)) + "\n")
    sys.stdout.flush()


def say_machine() -> None:
    """Print cores, processor, memory, load and versions."""
    memory = psutil.virtual_memory().total / 2**30
    say(f"machine: {os.cpu_count()} cores, {_processor()}, {memory:.0f} GiB, {platform.platform()}")
    say(f"load before: {', '.join(f'{load:.2f}' for load in os.getloadavg())}")
    packages = ", ".join(f"{name} {version(name)}" for name in _PACKAGES)
    say(
        f"versions: Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}, {packages}"
    )


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor()


def cpu_seconds(pid: int) -> float:
    """Seconds of processor time of a process, its descendants and those that have ended."""
    process = psutil.Process(pid)
    total = 0.0
    for member in (process, *process.children(recursive=True)):
        with suppress(psutil.NoSuchProcess):
            total += sum(member.cpu_times()[:4])  # user, system, and both of ended children
    return total


class CpuTimes:
    """Processor time spent in some processes since it was made, which neighbours hardly change."""

    def __init__(self, **pids: int) -> None:
        self._pids = pids
        self._before = {name: cpu_seconds(pid) for name, pid in pids.items()}

    def say(self) -> None:
        """Print the seconds of each."""
        spent = {name: cpu_seconds(pid) - self._before[name] for name, pid in self._pids.items()}
        parts = ", ".join(f"{name} {seconds:.1f}" for name, seconds in spent.items())
        say(f"       processor time, s: {parts}; in all {sum(spent.values()):.1f}")


def alternate(
    runs: int, peer: tuple[str, Callable[[], float]], ours: tuple[str, Callable[[], float]]
) -> tuple[list[float], list[float]]:
    """Measure peer and ours in turns; returns the figures of each."""
    figures: tuple[list[float], list[float]] = ([], [])
    for run in range(1, runs + 1):
        for (name, measure), taken in zip((peer, ours), figures, strict=True):
            taken.append(measure())
            say(f"run {run}  {name:<34} {taken[-1]:>9.2f}")
    return figures


def say_ratio(peer: Sequence[float], ours: Sequence[float], unit: str, target: str) -> None:
    """Print the medians, ours over the peer's, and how far the pairs lie apart."""
    ratios = sorted(b / a for a, b in zip(peer, ours, strict=True))
    middle = statistics.median(ours) / statistics.median(peer)
    say(f"median peer {statistics.median(peer):.2f} {unit}, ours {statistics.median(ours):.2f}")
    say(f"ratio ours/peer {middle:.2f} (pairs {ratios[0]:.2f} to {ratios[-1]:.2f}); {target}")
