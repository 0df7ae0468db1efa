"""What coverage measures, and how little it may take.

It takes half as long again as the code itself. So processes that tests start are measured where a
test asks for it: most run what tests run in their own process too, or are killed and tell nothing.
"""

import os
import sys
import threading
from typing import Any
from weakref import WeakKeyDictionary

import greenlet
import pytest

#: by its presence coverage's start-up file in each process knows that it is to be measured
_ASKED = "COVERAGE_PROCESS_CONFIG"
_asked: pytest.StashKey[str] = pytest.StashKey()


class _Tracers:
    """Gives each greenlet of this thread a tracer of its own, which changes when greenlets do.

    Coverage by itself has one tracer look up the stack of the present greenlet, in Python, at each
    call and each return of a function: five times what it takes otherwise. And lines after an
    exception that leaves a greenlet are lost, or put down to another file.
    """

    def __init__(self, collector: Any) -> None:
        self._collector = collector
        present: Any = sys.gettrace()
        present.concur_id_func = None
        self._present = present
        self._of: WeakKeyDictionary[greenlet.greenlet, Any] = WeakKeyDictionary()
        self._of[greenlet.getcurrent()] = present
        self._idle: list[Any] = []

    def switched(self, _event: str, greenlets: tuple[greenlet.greenlet, greenlet.greenlet]) -> None:
        """Change the tracer, now that another greenlet is the present one."""
        if sys.gettrace() is not self._present:
            return  # nothing is measured any more
        before, now = greenlets
        if before.dead and before in self._of:
            self._idle.append(self._of.pop(before))
        self._present = self._of.get(now) or self._new(now)
        self._present.start()

    def _new(self, now: greenlet.greenlet) -> Any:
        if not self._idle:
            self._collector._start_tracer()
            self._idle.append(sys.gettrace())
        tracer = self._of[now] = self._idle.pop()
        return tracer


@pytest.hookimpl(trylast=True)
def pytest_sessionstart(session: pytest.Session) -> None:
    """Measure no processes, and greenlets of the main thread only, the one that runs the loops.

    Else every traced thread has a greenlet, which the main thread buries in a pending call. That
    calls back into traced Python code, which CPython 3.11 repeats for ever where another thread
    ends in the meantime.
    """
    if _ASKED in os.environ:
        session.config.stash[_asked] = os.environ.pop(_ASKED)
    collector: Any = getattr(threading.gettrace(), "__self__", None)
    if getattr(collector, "concur_id_func", None):
        collector.concur_id_func = None
        greenlet.settrace(_Tracers(collector).switched)


@pytest.fixture
def measured_processes(pytestconfig: pytest.Config, monkeypatch: pytest.MonkeyPatch) -> None:
    """Measure the processes that this test starts."""
    if asked := pytestconfig.stash.get(_asked, ""):
        monkeypatch.setenv(_ASKED, asked)
