"""What a unit's result depends on beside its parameters: its function's own source, and its input files."""

from __future__ import annotations

import ast
import hashlib
import inspect
import linecache
import tokenize
from pathlib import Path

DIGEST_LENGTH = 12
"""Hex digits kept of a digest: at 100,000 units the chance of any two being equal by accident is below 1e-4."""


def source_digest(function: object) -> str:
    """Digest of a function's own source; `""` where there is none to read (C code, doctests).

    Comments, blank lines and layout do not count, since the syntax tree has none of them; nor do
    decorators: adding a value to a parametrization must not make the other units stale.
    """
    try:
        code = inspect.unwrap(function).__code__  # type: ignore[arg-type]  # anything callable; others raise
        # What inspect.getsource does, but for its search of all modules (30 ms): the code knows its file.
        lines = linecache.getlines(code.co_filename)
        block = inspect.getblock(lines[code.co_firstlineno - 1 :])
        # A method stands indented, and text inside it may not: it cannot be dedented, only put under something.
        is_indented = not block[0][:1].strip()
        tree = ast.parse("if True:\n" + "".join(block) if is_indented else "".join(block))
    except (tokenize.TokenError, AttributeError, IndexError, TypeError, ValueError, SyntaxError):
        return ""
    function_node = tree.body[0].body[0] if isinstance(tree.body[0], ast.If) and is_indented else tree.body[0]
    if isinstance(function_node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        function_node.decorator_list = []
    return _hex(ast.dump(function_node).encode("utf-8", "backslashreplace"))


def inputs_digest(paths: list[Path]) -> str:
    """Digest of the names and contents of files; a folder stands for all files below it.

    Raises:
        OSError: a file is missing or cannot be read; its `filename` says which.
    """
    digest = hashlib.sha256()
    for path in paths:
        below = sorted(part for part in path.rglob("*") if part.is_file()) if path.is_dir() else [path]
        for file in below:
            digest.update(file.name.encode("utf-8", "backslashreplace") + b"\0")
            with file.open("rb") as opened:
                digest.update(hashlib.file_digest(opened, "sha256").digest())
    return digest.hexdigest()[:DIGEST_LENGTH]


def _hex(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:DIGEST_LENGTH]
