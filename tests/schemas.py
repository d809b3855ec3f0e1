"""Documents of a run, checked against the schemas that the package ships."""

from __future__ import annotations

import gzip
from importlib.resources import files
from pathlib import Path
from typing import Any

import orjson
from jsonschema import Draft202012Validator

DOCUMENTS = ("status.json", "run_state.json", "runstats.json")


def schema(name: str) -> dict[str, Any]:
    """A schema of the package, by the name of its file."""
    document: dict[str, Any] = orjson.loads(files("pytest_benchrun").joinpath("schemas", name).read_bytes())
    return document


def closed(part: Any) -> Any:  # noqa: ANN401  # JSON
    """The same schema, which allows no field that it does not name: what we write ourselves has no other."""
    if isinstance(part, list):
        return [closed(one) for one in part]
    if not isinstance(part, dict):
        return part
    made = {key: closed(value) for key, value in part.items()}
    return {**made, "additionalProperties": False} if isinstance(part.get("properties"), dict) else made


def faults(name: str, document: object, *, is_open: bool = False) -> list[str]:
    """What is wrong with a document; turn lines have the users' fields too."""
    validator = Draft202012Validator(schema(name) if is_open else closed(schema(name)))
    return [f"{name}: {error.json_path}: {error.message[:500]}" for error in validator.iter_errors(document)]


def faults_of_run(folder: Path) -> list[str]:
    """What is wrong with the documents and lines of a results directory; none may be missing."""
    found = [fault for name in DOCUMENTS for fault in faults(name, orjson.loads((folder / name).read_bytes()))]
    if (folder / "environment.json").exists():  # the first versions wrote none
        found += faults("environment.json", orjson.loads((folder / "environment.json").read_bytes()))
    journal = Draft202012Validator(closed(schema("journal.json")))
    for path in folder.glob("journal*.jsonl"):
        found += [error.message[:500] for line in lines_of(path) for error in journal.iter_errors(line)]
    turns = Draft202012Validator(schema("turn_metrics.json"))
    for path in [*folder.glob("turn_metrics*.jsonl"), *folder.glob("turn_metrics*.jsonl.gz")]:
        found += [error.message[:500] for line in lines_of(path) for error in turns.iter_errors(line)]
    series = Draft202012Validator(closed(schema("timeseries.json")))
    for path in folder.glob("timeseries/*.jsonl"):
        found += [error.message[:500] for line in lines_of(path) for error in series.iter_errors(line)]
    for path in folder.glob("checkpoints/*.json"):
        found += faults("checkpoint.json", orjson.loads(path.read_bytes()))
    for path in folder.glob("STOP*"):
        found += faults("stop.json", orjson.loads(path.read_bytes())) if path.stat().st_size else []
    lock = folder / ".benchrun.lock"
    return found + (faults("owner.json", orjson.loads(lock.read_bytes())) if lock.stat().st_size else [])


def lines_of(path: Path) -> list[dict[str, Any]]:
    """The whole lines of a file."""
    data = path.read_bytes()
    data = gzip.decompress(data) if path.suffix == ".gz" else data
    return [orjson.loads(line) for line in data.splitlines(keepends=True) if line.endswith(b"\n")]
