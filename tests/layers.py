"""The floor plan of the package and the walk that checks every import against it.

Reads the source as text and imports nothing of it, so that a module that cannot be imported is checked too.
Each check yields one sentence per fault: where, what, and what to do about it.
"""

from __future__ import annotations

import ast
import io
import re
import sys
import tokenize
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter

PACKAGE = "pytest_benchrun"

TOP = 6
ROOMS = {
    "core": 0,
    "store": 1,
    "report": 1,
    "world": 1,
    "run": 2,
    "results": 2,
    "web": 2,
    "hooks": 3,
    "engines": 4,
    "cli": 4,
    "runner": 4,
    "plugin": 5,
    "__init__": TOP,
    "__main__": TOP,
}
"""Room (a folder or file right under the package) and its floor. A room imports lower floors and itself."""

LATE_ROOMS = frozenset({"__init__", "__main__", "plugin", "engines", "cli"})
"""Where an import may stand inside a function: what every session or a fast command would else pay for."""

NOWHERE = 99
LIBRARIES = {
    "datetime": 0,  # as a type; its clock is READS_CLOCK below
    "urllib.parse": 0,
    **dict.fromkeys(("sched", "time"), 1),  # the clock
    **dict.fromkeys(("bz2", "dbm", "fcntl", "fileinput", "glob", "gzip", "importlib", "io", "logging"), 1),  # files
    **dict.fromkeys(("lzma", "mmap", "os", "pathlib", "pickle", "shelve", "shutil", "sqlite3"), 1),
    **dict.fromkeys(("tarfile", "tempfile", "zipfile"), 1),
    **dict.fromkeys(("_thread", "asyncio", "concurrent", "queue", "threading"), 1),  # threads
    **dict.fromkeys(("ctypes", "faulthandler", "getpass", "multiprocessing", "platform"), 1),  # processes
    **dict.fromkeys(("pwd", "resource", "signal", "subprocess"), 1),
    **dict.fromkeys(("ftplib", "http", "select", "selectors", "smtplib", "socket"), 1),  # the network
    **dict.fromkeys(("socketserver", "ssl", "urllib"), 1),
    **dict.fromkeys(("random", "secrets", "uuid"), 1),  # chance
    # other people's; one that is not listed is refused, so that each gets its floor when it arrives
    **dict.fromkeys(
        (
            "apprise",
            "filelock",
            "orjson",
            "pandas",
            "polars",
            "psutil",
            "psycopg",
            "pyarrow",
            "pynvml",
            "tqdm",
            "yaml",
        ),
        1,
    ),
    **dict.fromkeys(("pluggy", "pytest", "pytest_benchmark", "pytest_timeout"), 3),
    **dict.fromkeys(("distributed", "execnet", "xdist"), 4),
    "_pytest": NOWHERE,
}
"""Library and the lowest floor that may import it; the rest of the standard library is free."""

EXTRAS = frozenset({"apprise", "pandas", "polars", "psycopg", "pyarrow", "pynvml", "pytest_benchmark", "yaml"})
"""Libraries that need not be there: imported inside the function that needs them, in any room, with the reason."""

READS_CLOCK = frozenset(
    {"datetime.datetime.now", "datetime.datetime.utcnow", "datetime.datetime.today", "datetime.date.today"}
)
WORLDLY_BUILTINS = frozenset({"input", "open", "print"})
IMPORTERS = frozenset({"__import__", "importlib.import_module", "importlib.reload"})
PRAGMA = re.compile(
    r"#?\s*(?:noqa|type:\s*ignore|pragma|mypy)\b(?::?\s*[A-Z]+\d+(?:\s*,\s*[A-Z]+\d+)*)?(?:\[[^]]*])?:?"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Import:
    """One thing that one line brings in.

    Attributes:
        target: dotted name; of an import `from a import b`, `a.b`.
        module: the part of it that is surely a module; None when a name computed at run time is imported.
        line: 1-based.
        is_late: inside a function, so that it happens at a call.
        has_reason: a comment on the line (any line of it) says something beside pragmas.
        is_relative: with leading dots.
    """

    target: str
    module: str | None
    line: int
    is_late: bool
    has_reason: bool
    is_relative: bool = False


class _Reader(ast.NodeVisitor):
    """Collects what a module imports and which dotted names it uses."""

    def __init__(self, comments: Mapping[int, str]) -> None:
        self.imports: list[Import] = []
        self.uses: list[tuple[str, int]] = []
        self._comments = comments
        self._functions = 0
        self._names: dict[str, str] = {}  # local name -> dotted name it was imported as

    def visit_Import(self, node: ast.Import) -> None:
        for alias in node.names:
            self._add(node, alias.name, alias.name)
            top = alias.name.partition(".")[0]
            self._names[alias.asname or top] = alias.name if alias.asname else top

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        module = "." * node.level + (node.module or "")
        for alias in node.names:
            target = f"{module}.{alias.name}"
            self._add(node, target, module, is_relative=node.level > 0)
            self._names[alias.asname or alias.name] = target

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        self._visit_function(node)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> None:
        self._visit_function(node)

    def visit_Lambda(self, node: ast.Lambda) -> None:
        self._visit_function(node)

    def _visit_function(self, node: ast.AST) -> None:
        self._functions += 1
        self.generic_visit(node)
        self._functions -= 1

    def visit_Call(self, node: ast.Call) -> None:
        called = self._dotted(node.func)
        if called in IMPORTERS:
            first = node.args[0] if node.args else None
            name = first.value if isinstance(first, ast.Constant) and isinstance(first.value, str) else None
            self._add(node, name or ast.unparse(node), name, is_relative=bool(name and name.startswith(".")))
        self.generic_visit(node)

    def visit_Attribute(self, node: ast.Attribute) -> None:
        self._use(node)
        self.generic_visit(node)

    def visit_Name(self, node: ast.Name) -> None:
        self._use(node)

    def _use(self, node: ast.expr) -> None:
        if dotted := self._dotted(node):
            self.uses.append((dotted, node.lineno))

    def _dotted(self, node: ast.expr) -> str | None:
        """The full name an expression stands for, import aliases undone; None when it is no plain name."""
        if isinstance(node, ast.Name):
            return self._names.get(node.id, node.id)
        if isinstance(node, ast.Attribute) and (owner := self._dotted(node.value)):
            return f"{owner}.{node.attr}"
        return None

    def _add(self, node: ast.stmt | ast.expr, target: str, module: str | None, *, is_relative: bool = False) -> None:
        lines = range(node.lineno, (node.end_lineno or node.lineno) + 1)
        words = [PRAGMA.sub("", self._comments.get(line, "")) for line in lines]
        self.imports.append(
            Import(
                target=target,
                module=module,
                line=node.lineno,
                is_late=self._functions > 0,
                # two words at least: a bare "late" or "circular" is no reason
                has_reason=any(len(re.findall(r"[A-Za-z]+", text)) > 1 for text in words),
                is_relative=is_relative,
            )
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Module:
    """One file of the package as far as the floor plan cares.

    Attributes:
        path: relative to the package, with slashes.
        imports: in the order they stand.
        uses: dotted names in expressions, with their lines.
    """

    path: str
    imports: list[Import]
    uses: list[tuple[str, int]]

    @property
    def name(self) -> str:
        """Dotted, from the package on; a folder's `__init__` is the folder."""
        parts = [PACKAGE, *self.path.removesuffix(".py").split("/")]
        return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)

    @property
    def room(self) -> str:
        """The folder or file right under the package."""
        return self.path.partition("/")[0].removesuffix(".py")

    def at(self, line: int) -> str:
        """Where a message points."""
        return f"{PACKAGE}/{self.path}:{line}"


def read_modules(sources: Mapping[str, str]) -> list[Module]:
    """Parse sources, given by path relative to the package."""
    modules = []
    for path, source in sorted(sources.items()):
        tokens = tokenize.generate_tokens(io.StringIO(source).readline)
        reader = _Reader({token.start[0]: token.string for token in tokens if token.type == tokenize.COMMENT})
        reader.visit(ast.parse(source, path))
        modules.append(Module(path=path, imports=reader.imports, uses=reader.uses))
    return modules


def own_target(imported: Import, names: frozenset[str]) -> str | None:
    """The module of ours that an import reaches; None for a library and for the package's own constants.

    `__version__` and its like stand in the package's `__init__` as literals: any floor may read them.
    """
    if imported.module is None or imported.target.partition(".")[0] != PACKAGE:
        return None
    if imported.module == PACKAGE and re.fullmatch(r"__\w+__", imported.target.rpartition(".")[2]):
        return None
    if imported.target in names or imported.target.removeprefix(f"{PACKAGE}.") in ROOMS:
        return imported.target
    return imported.module


def room_of(name: str) -> str:
    """The room of a dotted name of ours."""
    return name.split(".")[1] if "." in name else "__init__"


def climbs(modules: list[Module]) -> Iterator[str]:
    """Imports of ours that run up, sideways, or from or to a room that is not on the plan."""
    names = frozenset(module.name for module in modules)
    for module in modules:
        if module.room not in ROOMS:
            yield f"{module.at(1)}: '{module.room}' is on no floor -> give it one in ROOMS, or move the file"
            continue
        floor = ROOMS[module.room]
        for imported in module.imports:
            if imported.is_relative:
                yield f"{module.at(imported.line)}: relative import of {imported.target} -> write it in full"
            target = own_target(imported, names)
            if target is None or (room := room_of(target)) == module.room:
                continue
            target_floor = ROOMS.get(room, TOP)
            if target_floor >= floor:
                way = "up" if target_floor > floor else "sideways"
                yield (
                    f"{module.at(imported.line)}: {module.room} (floor {floor}) imports {way}: {target} "
                    f"(floor {target_floor}) -> move what is needed down, or hand it in as an argument"
                )


def circles(modules: list[Module]) -> Iterator[str]:
    """The first circle of imports between modules, if there is one."""
    names = frozenset(module.name for module in modules)
    graph: dict[str, set[str]] = {}
    for module in modules:
        targets = {own_target(imported, names) for imported in module.imports}
        graph[module.name] = {target for target in targets if target in names}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        # graphlib lists each module before the one that imports it
        yield f"circle: {' imports '.join(reversed(error.args[1]))} -> move what they share below them"


def strangers(modules: list[Module]) -> Iterator[str]:
    """Libraries above whose floor they are imported, and the world that core reaches without an import."""
    for module in modules:
        floor = ROOMS.get(module.room, TOP)
        for imported in module.imports:
            if imported.module is None or imported.is_relative or imported.module.partition(".")[0] == PACKAGE:
                continue
            lowest = library_floor(imported.target)
            where = f"{module.at(imported.line)}: imports {imported.module}"
            if lowest is None:
                yield f"{where}, which has no floor -> give it one in LIBRARIES"
            elif lowest == NOWHERE:
                yield f"{where}, which is private -> use what its public package exports"
            elif lowest > floor:
                yield f"{where} (from floor {lowest}); {module.room} is floor {floor} -> hand in its result"
        if floor == 0:
            for used, line in module.uses:
                if used in READS_CLOCK or used in WORLDLY_BUILTINS:
                    yield f"{module.at(line)}: {used} reaches the world from floor 0 -> hand in its result"


def library_floor(target: str) -> int | None:
    """The lowest floor for a library, by its longest listed name; None for a stranger."""
    parts = target.split(".")
    for length in range(len(parts), 0, -1):
        if (floor := LIBRARIES.get(".".join(parts[:length]))) is not None:
            return floor
    return 0 if parts[0] in sys.stdlib_module_names else None


def late_comers(modules: list[Module]) -> Iterator[str]:
    """Imports inside functions where they may not stand, or without a reason; names no reader can follow."""
    for module in modules:
        for imported in module.imports:
            where = f"{module.at(imported.line)}: "
            may_be_late = module.room in LATE_ROOMS or imported.target.partition(".")[0] in EXTRAS
            if not may_be_late and imported.is_late:
                yield f"{where}{imported.target} is imported inside a function -> move it to the top"
            elif module.room not in LATE_ROOMS and imported.module is None:
                yield f"{where}{imported.target} hides what it imports -> write a plain import"
            elif (imported.is_late or imported.module is None) and not imported.has_reason:
                yield f"{where}{imported.target} is imported late without a reason -> say why, on the line"
