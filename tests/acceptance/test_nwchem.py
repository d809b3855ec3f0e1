"""The NWChem campaign: stopped, killed and resumed, with the shieldings of each molecule in every file at its end.

Where NWChem is not installed, a campaign of the same shape compiles programs instead, which also takes seconds.
"""

from __future__ import annotations

import json
import shutil
import sqlite3
from pathlib import Path
from typing import Any

import psutil
import pytest

from benchmarks.nwchem.test_shielding import MOLECULES
from tests.acceptance.processes import PYTEST, Child, Children, wait_until
from tests.acceptance.suite import Suite

ROOT = Path(__file__).resolve().parents[2]
PICKED = MOLECULES[:3]
GCC = """
import pytest

# the shape of the campaign of NWChem: a sandbox, an input, a program of seconds, figures read from its log
@pytest.mark.benchrun(group="molecule")
@pytest.mark.parametrize("solvent", ["gas"])
@pytest.mark.parametrize("functional", ["pbe"])
@pytest.mark.parametrize("molecule", {molecules})
def test_shielding(benchrun, benchrun_sandbox, molecule, functional, solvent):
    values = ",".join(str((n * 7919) % 1000) for n in range(400_000))
    source = benchrun_sandbox / "shielding.c"
    source.write_text("static const int v[] = {{" + values + "}}; int main(void) {{ return v[3] > 999; }}")
    result = benchrun.command(["gcc", "-O2", "-v", "-o", "shielding", source],
        log="shielding.out", timeout=300, env={{"TMPDIR": str(benchrun_sandbox.path)}})
    benchrun.command([benchrun_sandbox / "shielding"])
    benchrun.metric("shielding_H_ppm", 20.0 + len(molecule), "ppm")
    benchrun.metric("wall_s", result.wall_s, "s", better="lower")
"""


class Campaign(Suite):
    """The shipped campaign, started by its path; the suite's folder only takes temporary files."""

    def __init__(self, folder: Path, children: Children, *, has_nwchem: bool) -> None:
        super().__init__(folder, children)
        self.temporary = folder / "tmp"
        self.temporary.mkdir()
        if has_nwchem:
            self.path, self.root = str(ROOT / "benchmarks" / "nwchem"), ROOT
        else:
            self.write("test_shielding.py", GCC.format(molecules=list(PICKED)))
            self.path, self.root = "test_shielding.py", folder

    def start(self, *options: str) -> Child:
        """Three units, one of each molecule, in any engine."""
        chosen = " or ".join(f"{name}-pbe-gas" for name in PICKED)
        words = [f"--bench-results={self.results}", f"--junitxml={self.folder}/junit.xml", "-k", chosen, self.path]
        return self.children.start(
            [*PYTEST, "--rootdir", str(self.root), f"--basetemp={self.folder}/pytest", *words, *options], self.root
        )


@pytest.fixture(params=["nwchem", "gcc"])
def campaign(
    request: pytest.FixtureRequest, tmp_path: Path, children: Children, monkeypatch: pytest.MonkeyPatch
) -> Campaign:
    has_nwchem = request.param == "nwchem"
    if shutil.which(request.param) is None:
        pytest.skip(f"{request.param} is not installed")
    if not has_nwchem and shutil.which("nwchem") is not None:
        pytest.skip("the campaign of NWChem itself is run")
    made = Campaign(tmp_path / "suite", children, has_nwchem=has_nwchem)
    monkeypatch.setenv("TMPDIR", str(made.temporary))
    return made


def metrics_of(campaign: Campaign) -> dict[str, dict[str, Any]]:
    """By molecule the metrics of the completed attempt."""
    ends = [event for event in campaign.events("unit_ended") if event["outcome"]["status"] == "completed"]
    return {event["unit_id"].partition("[")[2].partition("-")[0]: event["outcome"]["metrics"] for event in ends}


def below(campaign: Campaign) -> list[str]:
    """Command lines of processes that work below the results, or have a file of them on their command line."""
    found = []
    for process in psutil.process_iter():
        try:
            words = [process.cwd(), *process.cmdline()]
        except (psutil.Error, FileNotFoundError):
            continue
        if any(str(campaign.results) in word for word in words):
            found.append(" ".join(words[1:]))
    return found


def is_computing(campaign: Campaign) -> bool:
    """Whether a program of a unit has begun to say something in a sandbox."""
    logs = list(campaign.results.glob("artifacts/*/shielding.out"))
    running = campaign.status()["running"] if (campaign.results / "status.json").exists() else 0
    return running > 0 and any(log.stat().st_size for log in logs) and (campaign.results / "sandboxes").exists()


def prove_nothing_is_left(campaign: Campaign) -> None:
    wait_until(lambda: not below(campaign), "the end of all processes", within_s=30)
    names = {path.name for path in campaign.results.iterdir()}
    assert not names & {"sandboxes", "STOP", "STOP_REQUESTED"}
    assert list(campaign.results.rglob(".benchrun-tmp*")) == []
    assert list(campaign.temporary.iterdir()) == []


@pytest.mark.parametrize("engine", [(), ("-n2",)], ids=["bare", "n2"])
def test_stopped_killed_and_resumed_it_has_the_shieldings_of_each_molecule_everywhere(
    campaign: Campaign, engine: tuple[str, ...]
) -> None:
    child = campaign.start(*engine)
    wait_until(lambda: is_computing(campaign), "the first program")
    (campaign.results / "STOP").touch()
    stopped = child.wait()
    assert stopped.code == 2, stopped.output
    assert campaign.status()["state"] == "stopped"
    early = metrics_of(campaign)
    assert 0 < len(early) < len(PICKED)
    prove_nothing_is_left(campaign)

    ends = len(campaign.events("unit_ended"))
    child = campaign.start("--bench-resume", *engine)
    wait_until(lambda: len(campaign.events("unit_started")) > ends and is_computing(campaign), "the next program")
    child.kill()
    wait_until(lambda: not below(campaign), "the end of all processes of the killed session", within_s=30)
    assert (campaign.results / "sandboxes").exists(), "the kill came too late to leave anything"

    ended = campaign.start("--bench-resume", *engine).wait()
    assert ended.code == 0, ended.output
    assert "of killed processes" in ended.output
    prove_nothing_is_left(campaign)
    check_figures(campaign)
    assert {name: metrics_of(campaign)[name] for name in early} == early, "a result of before the kill was lost"


def check_figures(campaign: Campaign) -> None:
    recorded = metrics_of(campaign)
    assert sorted(recorded) == sorted(PICKED)
    ppm = {molecule: metrics["shielding_H_ppm"]["value"] for molecule, metrics in recorded.items()}
    assert len(set(ppm.values())) == len(PICKED)
    assert all(15 < value < 45 for value in ppm.values()), ppm
    stats = json.loads((campaign.results / "runstats.json").read_bytes())
    by_group = stats["metrics_by_group"]
    assert {molecule: by_group[molecule]["shielding_H_ppm"]["p50"] for molecule in by_group} == ppm
    assert by_group[PICKED[0]]["shielding_H_ppm"]["unit"] == "ppm"
    assert stats["metrics"]["cpu_children_s"]["n"] == len(PICKED)
    assert stats["metrics"]["cpu_children_s"]["min"] > 0.05
    database = sqlite3.connect(campaign.results / "results.sqlite")
    rows = database.execute(
        "select group_name, value from metrics join units using (run_id, unit_id)"
        " where name = 'shielding_H_ppm' and metrics.status = 'completed'"
    ).fetchall()
    database.close()
    assert dict(rows) == ppm
    assert campaign.benchrun("verify").code == 0
    made = campaign.benchrun("junit", "--output", str(campaign.folder / "all.xml"))
    assert made.code == 0, made.output
    (campaign.folder / "all.xml").replace(campaign.folder / "junit.xml")
    shown = {
        case.properties["bench.group"]: float(case.properties["bench.metric.shielding_H_ppm"])
        for case in campaign.junit()
    }
    assert shown == ppm
