"""The loop that runs units one at a time without knowing the next one; bare and in workers.

After a unit only its own fixtures are torn down. Wider scopes stay warm until the next unit is
known: `settle` then tears down exactly what that one does not share.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from typing import Any

import pytest

from pytest_benchrun.hooks.stuck import StuckTimer
from pytest_benchrun.world.clock import monotonic_s


class _Keep(pytest.Item):
    """Stands for "some unit of the same parent comes next", so that wider fixtures stay.

    Attributes:
        before: the unit that it comes after. Hooks that ask whether `nextitem` has the same `cls`, `module` or
            `function` as their item get the answer that keeps what these share.
    """

    before: pytest.Item | None = None

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401  # of whatever kind the unit is
        """What only items of the unit's own kind have."""
        if name.startswith("_") or self.before is None:
            message = f"{type(self).__name__!r} object has no attribute {name!r}"
            raise AttributeError(message)
        return getattr(self.before, name)

    def runtest(self) -> None:
        """Never called: the item is never run."""
        message = "a placeholder was run"
        raise AssertionError(message)


@contextmanager
def _with_arguments(item: Any) -> Generator[None]:  # noqa: ANN401  # no public class of pytest has them
    """Give an item whose unit is over a dict of fixtures, empty: hooks of plugins that make a report look into it."""
    is_taken = getattr(item, "funcargs", {}) is None
    if is_taken:
        item.funcargs = {}
    try:
        yield
    finally:
        if is_taken:
            item.funcargs = None


class UnitLoop:
    """Runs the units of one session.

    Args:
        session: pytest's.
        stuck: looks after wide teardowns; units have theirs by `UnitHooks`.
    """

    def __init__(self, session: pytest.Session, stuck: StuckTimer) -> None:
        self._stuck = stuck
        self._session = session
        self._previous: pytest.Item | None = None
        self._keep: tuple[object, _Keep] | None = None

    def run(self, item: pytest.Item) -> float:
        """Run one unit, its own fixtures included; `settle(item)` comes first.

        Returns:
            Seconds of setup, call and teardown, by a clock that the unit cannot bend.
        """
        self._previous = item
        started_s = monotonic_s()
        item.config.hook.pytest_runtest_protocol(item=item, nextitem=self._keep_for(item))
        return monotonic_s() - started_s

    def settle(self, upcoming: pytest.Item | None) -> None:
        """Tear down what `upcoming` does not share with the previous unit; None tears down everything.

        A teardown that fails becomes a report of the previous unit, as pytest itself would have it.
        """
        previous = self._previous
        if previous is None:
            return
        if upcoming is None or upcoming.parent is not previous.parent:
            self._tear_down(previous, upcoming)
            previous.config.pluginmanager.getplugin("benchrun-guard").settle()
        previous._report_sections.clear()  # noqa: SLF001  # pytest would keep all that every unit printed to the end

    def _tear_down(self, previous: pytest.Item, upcoming: pytest.Item | None) -> None:
        setup_state = self._session._setupstate  # noqa: SLF001  # the only door to wide teardown without its hook
        needed = upcoming.listchain() if upcoming is not None else []
        stack = list(setup_state.stack)
        if stack == needed[: len(stack)]:
            return
        call: pytest.CallInfo[None]
        self._stuck.begin_teardown()
        with self._surroundings(previous):
            call = pytest.CallInfo.from_call(
                lambda: setup_state.teardown_exact(upcoming),
                when="teardown",
                reraise=(pytest.exit.Exception, KeyboardInterrupt),
            )
        self._stuck.release()
        if call.excinfo is not None:
            with _with_arguments(previous):
                report = previous.ihook.pytest_runtest_makereport(item=previous, call=call)
            previous.ihook.pytest_runtest_logreport(report=report)

    def _keep_for(self, item: pytest.Item) -> _Keep:
        if self._keep is None or self._keep[0] is not item.parent:
            parent = item.parent or self._session
            self._keep = (item.parent, _Keep.from_parent(parent, name="benchrun-keeps-fixtures"))
        self._keep[1].before = item
        return self._keep[1]

    def _surroundings(self, item: pytest.Item) -> AbstractContextManager[object]:
        """Capture and warning filters, as a teardown inside the unit would have had them."""
        plugins = item.config.pluginmanager
        stack = ExitStack()
        capture = plugins.getplugin("capturemanager")
        if capture is not None:
            stack.enter_context(capture.item_capture("teardown", item))
            guard = plugins.getplugin("benchrun-guard")
            stack.callback(guard.shrink, "teardown")
        warnings_plugin = plugins.getplugin("warnings")
        if warnings_plugin is not None:
            stack.enter_context(
                warnings_plugin.catch_warnings_for_item(config=item.config, ihook=item.ihook, when="runtest", item=item)
            )
        return stack if capture or warnings_plugin else nullcontext()
