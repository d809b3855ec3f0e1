"""Reading the campaign file from the disk: TOML, or YAML with the extra."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pytest_benchrun.core.errors import UsageProblem

_YAML = frozenset({".yaml", ".yml"})


def load_config_file(path: Path) -> Mapping[str, object]:
    """The document in a campaign file.

    Args:
        path: ends in `.toml`, `.yaml` or `.yml`.

    Raises:
        UsageProblem: it cannot be read, is neither TOML nor YAML, or holds no table; or the extra is missing.
    """
    if path.suffix not in {".toml", *_YAML}:
        problem = f"--bench-config={str(path)!r} is neither a .toml nor a .yaml file"
        raise UsageProblem(problem, hint="for example: --bench-config=campaign.toml")
    try:
        text = path.read_text(encoding="utf-8-sig")  # some editors begin a file with a byte order mark
    except (OSError, UnicodeDecodeError) as error:
        problem = f"--bench-config={str(path)!r} cannot be read: {getattr(error, 'strerror', None) or error}"
        raise UsageProblem(problem, hint="name a campaign file, for example --bench-config=campaign.toml") from error
    document = _yaml(text, path) if path.suffix in _YAML else _toml(text, path)
    if document is None:
        return {}
    if not isinstance(document, Mapping):
        problem = f"{path} holds no table but {type(document).__name__}"
        raise UsageProblem(problem, hint="its top level are campaign, matrix, exclude and parameters")
    return document


def _toml(text: str, path: Path) -> object:
    try:
        return tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise UsageProblem(f"{path} is no TOML: {error}", hint="mend that line; text stands in quotes") from error


def _yaml(text: str, path: Path) -> object:
    try:
        import yaml  # late: an extra, and only for those who write YAML
    except ImportError as error:
        raise UsageProblem(f"{path}: YAML needs PyYAML", hint="pip install 'pytest-benchrun[yaml]'") from error
    try:
        document: Any = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError) as error:  # ValueError: a date like 2026-13-01
        said = " ".join(str(error).split())
        raise UsageProblem(f"{path} is no YAML: {said}", hint="mend that line") from error
    return document
