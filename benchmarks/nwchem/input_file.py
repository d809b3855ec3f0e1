"""Writes NWChem's input for an NMR shielding calculation.

What NWChem 7.0.2 can combine with ``shielding`` was found by trying, in the gas phase and in COSMO
(mPW1K and HCTH407 in the gas phase only). Good: Hartree-Fock (``xc hfexch``), LDA, the common GGAs
and hybrids (PBE, BLYP, B3LYP, PBE0, BHLYP, mPW1K, HCTH407), and CAM-B3LYP if its ``cam`` line is
there: without it the energy is wrong by 9 hartree and nothing warns. An error: functionals without
second derivatives, which are M06 and its kin (``xm06: d2 not coded``), TPSS and PBEOP. Open shells
run through and print figures, but wrong ones without a warning: -4057 ppm for the oxygen of the
hydroxyl radical.
"""

from collections.abc import Sequence

from benchmarks.nwchem.geometry import Atom

# Small, for the sake of time. For figures to be compared with an experiment: pcSseg-2.
BASIS = "6-31g*"
# NWChem's words for the exchange and correlation parts of a functional.
FUNCTIONALS = {
    "pbe": "xpbe96 cpbe96",
    "pbe0": "pbe0",
}
# Dielectric constants; None is the gas phase.
SOLVENTS = {
    "gas": None,
    "water": 78.4,
}


def shielding_input(atoms: Sequence[Atom], *, functional: str, solvent: str) -> str:
    """Write the input of one calculation.

    Symmetry is not used (``noautosym``): the molecule then stays as its file has it, and COSMO
    cuts the cavity around it, which is not quite invariant to rotation, in the same way each time.

    Args:
        atoms: The molecule, uncharged and with an even number of electrons.
        functional: A key of ``FUNCTIONALS``.
        solvent: A key of ``SOLVENTS``.

    Returns:
        The text of the input file.
    """
    dielectric = SOLVENTS[solvent]
    blocks = [
        "start molecule",
        "memory total 500 mb",
        _block("geometry units angstroms noautosym", *map(_geometry_line, atoms)),
        _block("basis spherical", f"* library {BASIS}"),
        _block("dft", f"xc {FUNCTIONALS[functional]}", "direct"),
    ]
    if dielectric is not None:
        blocks.append(_block("cosmo", f"dielec {dielectric}"))
    blocks += [_block("property", "shielding"), "task dft property"]
    return "\n\n".join(blocks) + "\n"


def _geometry_line(atom: Atom) -> str:
    return " ".join([f"{atom.element:2}", *(f"{value:12.6f}" for value in atom.position)])


def _block(head: str, *lines: str) -> str:
    return "\n".join([head, *(f"  {line}" for line in lines), "end"])
