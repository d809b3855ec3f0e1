"""The views of a run at rest, compared with what its journal gives."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson

from pytest_benchrun.core.campaign import Campaign
from pytest_benchrun.core.events import SCHEMA_VERSION
from pytest_benchrun.core.sequence import BAD_VALUES
from pytest_benchrun.store.findings import Finding, command, unreadable
from pytest_benchrun.store.publisher import views_at_rest
from pytest_benchrun.store.rundir import RunDir
from pytest_benchrun.store.turnstats import figures_of


class ViewCheck:
    """Looks at each file of `views_at_rest`.

    A directory may have been moved since its files were written, into the history or by hand. So the one
    difference that is none is `results_dir`: a file must be, byte for byte, what the journal gives for this
    place, or for the place that the files themselves name.

    Args:
        rundir: the directory; nobody owns it.
        campaign: what its journal comes to.
        has_ended: whether the last session wrote its end: only then are the files at rest.
    """

    def __init__(self, rundir: RunDir, campaign: Campaign, *, has_ended: bool) -> None:
        self._rundir = rundir
        self._campaign = campaign
        self._has_ended = has_ended
        self._cure = command("rebuild", rundir)
        self.findings: list[Finding] = []

    def run(self) -> None:
        """Look; once.

        Raises:
            ArithmeticError, AttributeError, LookupError, TypeError, ValueError: the journal has values that
                no view can show.
        """
        expected = self._expected_at(self._rundir)
        read = {path: data for path in expected if (data := self._read(path)) is not None}
        documents = {path: document for path, data in read.items() if (document := self._document(path, data))}
        if not self._has_ended:
            return
        there = self._expected_there(documents)
        for path in documents:
            if read[path] not in {expected[path], there.get(path.name)}:
                self._find(path, "differs from what the journal gives")

    def _expected_at(self, rundir: RunDir) -> dict[Path, bytes]:
        return views_at_rest(rundir, self._campaign, figures_of(rundir, self._campaign))

    def _expected_there(self, documents: dict[Path, dict[str, Any]]) -> dict[str, bytes]:
        """By name, what the files were where they say that they were written; nothing when that is here."""
        named = [document["results_dir"] for document in documents.values() if "results_dir" in document]
        place = next((name for name in named if isinstance(name, str)), None)
        if place is None or place == str(self._rundir.path):
            return {}
        return {path.name: data for path, data in self._expected_at(RunDir(Path(place))).items()}

    def _read(self, path: Path) -> bytes | None:
        if not path.exists():
            if self._has_ended:
                self._find(path, "is missing")
            return None
        blocked = unreadable(path, self._cure)
        if blocked is not None:
            self.findings.append(blocked)
            return None
        return path.read_bytes()

    def _document(self, path: Path, data: bytes) -> dict[str, Any] | None:
        try:
            document = orjson.loads(data)
            version = document["schema_version"]
            if version > SCHEMA_VERSION:
                problem = f"has schema_version {version}; this version reads up to {SCHEMA_VERSION}"
                self.findings.append(Finding(path=path, problem=problem, hint="pip install --upgrade pytest-benchrun"))
                return None
        except BAD_VALUES as error:
            self._find(path, f"is damaged: {error}")
            return None
        return document if isinstance(document, dict) else None

    def _find(self, path: Path, problem: str) -> None:
        hint = f"{self._cure}   (makes it again from the journal)"
        self.findings.append(Finding(path=path, problem=problem, hint=hint))
