"""Measures NMR shieldings of small molecules, and what they cost, with NWChem."""

from collections import defaultdict
from statistics import fmean

import pytest

from benchmarks.nwchem.geometry import GEOMETRIES, read_geometry
from benchmarks.nwchem.input_file import FUNCTIONALS, SOLVENTS, shielding_input
from benchmarks.nwchem.output_file import (
    Shielding,
    is_solvated,
    read_energy_hartree,
    read_shieldings,
)
from benchmarks.nwchem.program import CHILD_ENVIRONMENT, TIME_LIMIT_S
from pytest_benchrun import BenchRun, Sandbox

# Ten electrons each. Another molecule is another file in geometries/ and its name here.
MOLECULES = ("hydrogen_fluoride", "water", "ammonia", "methane")


@pytest.mark.benchrun(group="molecule", inputs=[str(GEOMETRIES / f"{name}.xyz") for name in MOLECULES])
@pytest.mark.parametrize("solvent", list(SOLVENTS))
@pytest.mark.parametrize("functional", list(FUNCTIONALS))
@pytest.mark.parametrize("molecule", MOLECULES)
def test_shielding(benchrun: BenchRun, benchrun_sandbox: Sandbox, molecule: str, functional: str, solvent: str) -> None:
    """Compute the isotropic shieldings of one molecule in one way; scratch files go with the sandbox."""
    atoms = read_geometry(molecule)
    input_path = benchrun.artifact("shielding.nw")
    input_path.write_text(shielding_input(atoms, functional=functional, solvent=solvent), encoding="utf-8")

    result = benchrun.command(
        ["nwchem", input_path.absolute()],
        log="shielding.out",
        timeout=TIME_LIMIT_S,
        env=CHILD_ENVIRONMENT,
        missing="skip",
    )

    output = result.log.read_text(encoding="utf-8", errors="replace")
    assert is_solvated(output) == (solvent != "gas")
    benchrun.metric("scf_energy_hartree", read_energy_hartree(output), "hartree")
    shieldings = read_shieldings(output, [atom.element for atom in atoms])
    for element, mean_ppm in mean_by_element(shieldings).items():
        benchrun.metric(f"shielding_{element}_ppm", mean_ppm, "ppm")
    benchrun.metric("wall_s", result.wall_s, "s", better="lower")
    benchrun.metric("cpu_s", result.cpu_s, "s", better="lower")
    benchrun.metric("rss_bytes", result.rss_bytes, "bytes", better="lower")


def mean_by_element(shieldings: list[Shielding]) -> dict[str, float]:
    """Average over the nuclei of each element; in these molecules they are all equivalent."""
    by_element: dict[str, list[float]] = defaultdict(list)
    for shielding in shieldings:
        by_element[shielding.element].append(shielding.isotropic_ppm)
    return {element: fmean(values_ppm) for element, values_ppm in by_element.items()}
