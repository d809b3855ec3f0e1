"""Tables as Parquet: read back, they say what JSON lines say."""

from __future__ import annotations

import io
import json
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_benchrun.core.errors import UsageProblem
from pytest_benchrun.core.tables import Row
from pytest_benchrun.core.turns import TURN_FIELDS
from pytest_benchrun.report import parquet
from pytest_benchrun.report.export import as_jsonl
from pytest_benchrun.report.parquet import as_parquet

CELLS: st.SearchStrategy[Any] = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text()
    | st.just([1, "x"])
    | st.just({"a": None})
)
ROWS = st.lists(st.dictionaries(st.sampled_from("abcd"), CELLS), max_size=8)


def test_without_the_extra_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(UsageProblem, match="--format 'parquet' needs pyarrow") as caught:
        as_parquet([])
    assert caught.value.hint == "pip install 'pytest-benchrun[parquet]'"


class TestWithTheExtra:
    @pytest.fixture(autouse=True)
    def _extra(self) -> None:
        pytest.importorskip("pyarrow")

    @staticmethod
    def table(rows: list[Row], *first: str) -> Any:  # noqa: ANN401  # of pyarrow
        import pyarrow.parquet as pq  # noqa: PLC0415  # an extra

        return pq.read_table(io.BytesIO(b"".join(as_parquet(rows, first))))

    @given(rows=ROWS)
    def test_every_value_comes_back(self, rows: list[Row]) -> None:
        read = self.table(rows).to_pylist()
        assert len(read) == (len(rows) if any(rows) else 0)
        lines = [json.loads(line) for line in b"".join(as_jsonl(rows)).splitlines()]
        for row, was in zip(read, lines, strict=False):
            for name, value in row.items():
                expected = was.get(name)
                if isinstance(value, str) and not isinstance(expected, str):
                    value = json.loads(value)  # noqa: PLW2901  # what text stands for
                assert value == (float(expected) if isinstance(value, float) else expected)

    def test_a_column_has_the_one_type_that_holds_all_of_its_values(self) -> None:
        rows: list[Row] = [
            {"int": 1, "float": 1, "bool": True, "text": "=1", "mixed": 1, "big": 1, "tokens_in": None, "x_ms": None},
            {"float": 0.5, "mixed": "a", "big": 2**63, "list": [1], "nothing": None},
        ]
        types = {field.name: str(field.type) for field in self.table(rows).schema}
        assert types == {
            "int": "int64",
            "float": "double",
            "bool": "bool",
            "text": "string",
            "mixed": "string",
            "big": "double",
            "tokens_in": "int64",
            "x_ms": "double",
            "list": "string",
            "nothing": "string",
        }

    def test_no_turns_are_a_table_with_the_columns_of_turns(self) -> None:
        table = self.table([], *TURN_FIELDS)
        assert (table.num_rows, tuple(table.column_names)) == (0, TURN_FIELDS)

    def test_many_rows_are_written_group_by_group(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(parquet, "GROUP_ROWS", 10)
        rows: list[Row] = [{"n": number} for number in range(95)]
        pieces = as_parquet(rows)
        assert next(pieces)
        import pyarrow.parquet as pq  # noqa: PLC0415  # an extra

        data = b"".join(as_parquet(rows))
        assert pq.ParquetFile(io.BytesIO(data)).num_row_groups == 10
        assert pq.read_table(io.BytesIO(data)).to_pylist() == rows
