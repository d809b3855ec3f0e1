"""Compiles the `.pyx` files of the package; where that cannot be done the wheel is pure Python, which does the same.

An editable install puts what it has compiled beside its source: install it again after a change to a `.pyx` file.
"""

from __future__ import annotations

import shutil
import sysconfig
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

PACKAGE = "pytest_benchrun"
DIRECTIVES = {
    "language_level": 3,
    "binding": False,  # methods as C functions: a third of the time of a call
    "boundscheck": False,
    "cdivision": True,
    "embedsignature": True,
    "wraparound": False,
}


class CompiledParts(BuildHookInterface[Any]):
    """Adds the compiled modules to the wheel, or puts them into the checkout."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compile; what goes wrong is told, and costs speed alone."""
        if self.target_name != "wheel":
            return
        self._folder = Path(tempfile.mkdtemp(prefix="benchrun-build-"))
        root = Path(self.root)
        if version == "editable":
            for stale in (root / PACKAGE).rglob(f"*{sysconfig.get_config_var('EXT_SUFFIX')}"):
                stale.unlink()  # a process that has it in its memory keeps it
        try:
            compiled = compile_into(self._folder, root)
        except (Exception, SystemExit) as error:  # noqa: BLE001  # whatever a compiler does, the package installs
            self.app.display_warning(f"the compiled parts could not be built, pure Python does their work: {error}")
            return
        build_data["pure_python"] = False
        build_data["infer_tag"] = True
        for path in compiled:
            place = path.relative_to(self._folder / "lib")
            if version == "editable":
                shutil.copy2(path, root / place)
            else:
                build_data["force_include"][str(path)] = str(place)

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:  # noqa: ARG002
        """Clear up."""
        if self.target_name == "wheel":
            shutil.rmtree(self._folder, ignore_errors=True)


def compile_into(folder: Path, root: Path) -> list[Path]:
    """Compile every `.pyx` file of the package.

    Args:
        folder: takes all that is made.
        root: of the source.

    Returns:
        The modules, below `lib` in the folder.
    """
    from Cython.Build import cythonize  # noqa: PLC0415  # needed for a wheel, not for a source archive
    from setuptools import Distribution, Extension  # noqa: PLC0415  # as above

    sources = sorted((root / PACKAGE).rglob("*.pyx"))
    extensions = [
        Extension(
            ".".join(path.relative_to(root).with_suffix("").parts), [str(path)], extra_compile_args=["-O3", "-g0"]
        )
        for path in sources
    ]
    made = cythonize(
        extensions,
        build_dir=str(folder / "c"),
        compiler_directives=DIRECTIVES,
        include_path=[str(root)],
        force=True,
        quiet=True,
    )
    command: Any = Distribution({"ext_modules": made}).get_command_obj("build_ext")
    command.build_lib, command.build_temp = str(folder / "lib"), str(folder / "temp")
    command.ensure_finalized()
    command.run()
    return sorted(path for path in (folder / "lib").rglob("*") if path.is_file())
