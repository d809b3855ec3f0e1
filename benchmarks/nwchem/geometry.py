"""Reads the molecules of the NWChem campaign: the .xyz files in ``geometries``."""

from dataclasses import dataclass
from pathlib import Path

GEOMETRIES = Path(__file__).parent / "geometries"


@dataclass(frozen=True, slots=True, kw_only=True)
class Atom:
    """One atom of a molecule.

    Attributes:
        element: Its chemical symbol.
        position: x, y and z in angstrom.
    """

    element: str
    position: tuple[float, float, float]


def read_geometry(molecule: str) -> list[Atom]:
    """Read ``geometries/<molecule>.xyz``: a count, a comment, one atom a line.

    Args:
        molecule: The file's name without its ending.

    Returns:
        The atoms in the order of the file.

    Raises:
        ValueError: The file has more or fewer atoms than its first line says.
    """
    path = GEOMETRIES / f"{molecule}.xyz"
    count, _comment, *lines = path.read_text(encoding="utf-8").splitlines()
    atoms = [_read_atom(line) for line in lines if line.strip()]
    if len(atoms) != int(count):
        raise ValueError(f"{path} has {len(atoms)} atoms, its first line says {count}")
    return atoms


def _read_atom(line: str) -> Atom:
    element, x, y, z = line.split()
    return Atom(element=element, position=(float(x), float(y), float(z)))
