"""`@pytest.mark.benchrun_matrix("molecule", "functional")`: parameters from the campaign file's matrix."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest

from pytest_benchrun.core.campaign_file import CampaignFile
from pytest_benchrun.core.errors import UsageProblem
from pytest_benchrun.core.jsonsafe import safe_repr
from pytest_benchrun.core.model import JsonValue

MARKER = "benchrun_matrix"


class MatrixHooks:
    """Parametrizes what carries the mark; registered in every process that collects.

    Args:
        file: the campaign file.
        raises: whether an error ends the session here; a worker hands it to its controller instead.
        is_alone: whether nobody asks for the problem: it is shown as a module that cannot be collected.

    Attributes:
        problem: the first thing that was wrong with a mark; None so far.
    """

    def __init__(self, file: CampaignFile, *, raises: bool, is_alone: bool = False) -> None:
        self._file = file
        self._is_alone = is_alone
        self._raises = raises
        self.problem: UsageProblem | None = None

    @property
    def parameters(self) -> Mapping[str, JsonValue]:
        """The free values of the campaign file."""
        return self._file.parameters

    @pytest.hookimpl
    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """Give the function its combinations, of all its marks together, so that exclusions see every parameter.

        An error raised here would be shown as a module that cannot be collected, with our own traceback.
        """
        marks = list(metafunc.definition.iter_markers(MARKER))
        if not marks:
            return
        where = f"@pytest.mark.{MARKER} at {metafunc.definition.nodeid}"
        try:
            names = self._names(marks, where)
            rows = self._file.combinations(names, where)
        except UsageProblem as error:
            if self._is_alone:
                raise pytest.Collector.CollectError(str(error)) from error
            self.problem = self.problem or error
            return
        metafunc.parametrize(names, rows)

    @staticmethod
    def _names(marks: Sequence[pytest.Mark], where: str) -> list[str]:
        """All names that the marks give, the outermost mark's first.

        Raises:
            UsageProblem: a mark gives none, or something else.
        """
        wrong = [name for mark in marks for name in mark.args if not isinstance(name, str)]
        if wrong or any(mark.kwargs or not mark.args for mark in marks):
            problem = f"{where} takes names of parameters" + (f", not {safe_repr(wrong[0], 60)}" if wrong else "")
            raise UsageProblem(problem, hint=f'for example: @pytest.mark.{MARKER}("molecule", "functional")')
        return list(dict.fromkeys(name for mark in reversed(marks) for name in mark.args))

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(self) -> None:
        """Refuse the session for what was wrong, before a plan is made of units that lack their parameters."""
        if self.problem is not None and self._raises:
            raise pytest.UsageError(str(self.problem))
