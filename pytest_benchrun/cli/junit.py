"""`benchrun junit DIR`: JUnit XML from the journal, at any time; reads only, needs no lock."""

from __future__ import annotations

from pytest_benchrun.cli.reading import is_live, made_of, put_out, run_in
from pytest_benchrun.report.junit import junit_xml


def junit(directory: str, output: str | None) -> int:
    """Write the JUnit file of the run in `directory`.

    Args:
        directory: the results directory.
        output: the file, replaced in one step; None for the standard output.

    Raises:
        DirectoryProblem: there is no run, or its journal is damaged.
        UsageProblem: the file cannot be written.
    """
    rundir = run_in(directory)
    lives = is_live(rundir)
    text = made_of(rundir, lambda events: junit_xml(events, is_live=lives))
    put_out(rundir, output, text.encode("utf-8") + (b"\n" if output is None else b""), "junit.xml")
    return 0
