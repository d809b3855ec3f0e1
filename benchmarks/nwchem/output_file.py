"""Reads energy and shieldings from NWChem's output, and doubts what it reads.

The shielding of an atom looks like this; between its lines are other tensors and blank lines:

          Atom:    1  O
            Total Shielding Tensor
        301.5710     -0.0000      0.0000
         -0.0000    350.6338      0.0000
          0.0000      0.0000    319.9346

               isotropic =     324.0465
"""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

_NUMBER = r"(-?\d+\.\d+)"
_NUMBERS = r"-?\d+\.\d+\s+"
_ENERGY = re.compile(rf"^\s*Total DFT energy =\s+{_NUMBER}\s*$", re.MULTILINE)
_SECTION = "Chemical Shielding Tensors (GIAO, in ppm)"
_ATOM = re.compile(r"^\s*Atom:\s+(\d+)\s+([A-Z][a-z]?)\s*$", re.MULTILINE)
_TENSOR = re.compile(
    r"Total Shielding Tensor\s+"
    # A 3 x 3 matrix in reading order; its diagonal is numbers 1, 5 and 9.
    rf"{_NUMBER}\s+(?:{_NUMBERS}){{3}}{_NUMBER}\s+(?:{_NUMBERS}){{3}}{_NUMBER}\s+"
    rf"isotropic =\s+{_NUMBER}"
)
# Four decimals are printed: three rounded numbers and their rounded mean agree to this.
_ROUNDING_PPM = 2e-4


class UnreadableOutput(ValueError):
    """The output lacks something, or its parts contradict each other."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shielding:
    """The isotropic shielding of one nucleus.

    Attributes:
        element: Its chemical symbol.
        isotropic_ppm: A third of the trace of the shielding tensor.
    """

    element: str
    isotropic_ppm: float


def read_energy_hartree(output: str) -> float:
    """Read the converged energy; in a solvent it includes the solvation energy.

    Raises:
        UnreadableOutput: There is none: the iterations did not come to their end.
    """
    energies = _ENERGY.findall(output)
    if not energies:
        raise UnreadableOutput("no line 'Total DFT energy =': the iterations did not converge")
    return float(energies[-1])


def is_solvated(output: str) -> bool:
    """Tell whether COSMO took part: whether there is an energy in solution."""
    return "sol phase energy =" in output


def read_shieldings(output: str, elements: Sequence[str]) -> list[Shielding]:
    """Read the isotropic shieldings of all atoms.

    Args:
        output: NWChem's output.
        elements: The chemical symbols of the atoms, in the order of the input.

    Returns:
        One shielding per atom, in that order.

    Raises:
        UnreadableOutput: Atoms are missing or others than those of the input, or a printed
            mean is not the mean of the printed tensor's diagonal.
    """
    _, found, section = output.partition(_SECTION)
    if not found:
        raise UnreadableOutput(f"no section {_SECTION!r}")
    # What the pattern splits at: text before, then number, symbol and text of each atom.
    _, *parts = _ATOM.split(section)
    numbers, symbols, texts = parts[0::3], parts[1::3], parts[2::3]
    if numbers != [str(number) for number in range(1, len(elements) + 1)] or symbols != list(elements):
        raise UnreadableOutput(f"shieldings of {symbols}, but the input has {list(elements)}")
    return [
        Shielding(element=symbol, isotropic_ppm=_read_isotropic_ppm(symbol, text))
        for symbol, text in zip(symbols, texts, strict=True)
    ]


def _read_isotropic_ppm(symbol: str, text: str) -> float:
    match = _TENSOR.search(text)
    if match is None:
        raise UnreadableOutput(f"no whole shielding tensor for {symbol}")
    *diagonal_ppm, isotropic_ppm = map(float, match.groups())
    mean_ppm = math.fsum(diagonal_ppm) / len(diagonal_ppm)
    if not math.isclose(mean_ppm, isotropic_ppm, rel_tol=0.0, abs_tol=_ROUNDING_PPM):
        raise UnreadableOutput(f"{symbol}: isotropic {isotropic_ppm}, but the tensor's mean is {mean_ppm}")
    return isotropic_ppm
