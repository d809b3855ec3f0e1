"""Writes the tables of options and of SQL into the documentation, from the rows that the plugin itself reads.

Loaded by the documentation build, which calls `on_page_markdown` for each page. Run as a script it prints
the table.
"""

from __future__ import annotations

import html
from collections.abc import Sequence

from pytest_benchrun.core.sqltables import SQL_TABLES, Table
from pytest_benchrun.hooks.option import Option
from pytest_benchrun.hooks.options import OPTIONS

PLACE = "<!-- options table -->"
SQL_PLACE = "<!-- sql tables -->"


def on_page_markdown(markdown: str, **_: object) -> str:
    """Put the table where a page asks for it."""
    return markdown.replace(PLACE, options_table(OPTIONS)).replace(SQL_PLACE, sql_tables(SQL_TABLES))


def sql_tables(tables: Sequence[Table]) -> str:
    """The tables of a run, a heading and a Markdown table each."""
    parts: list[str] = []
    for table in tables:
        parts += [f"### `{table.name}`", "", table.about, "", "| column | kind | what it holds |", "|---|---|---|"]
        parts += [f"| `{column.name}` | {column.kind} | {column.about} |" for column in table.columns]
        indexes = "; ".join(", ".join(f"`{name}`" for name in index) for index in table.indexes)
        parts += ["", f"Indexes: {indexes}.", ""]
    return "\n".join(parts)


def options_table(options: Sequence[Option]) -> str:
    """The options as a Markdown table, in the order of their rows; a column that none fills is left out."""
    columns = {
        "option": [_code(_usage(option)) for option in options],
        "ini": [_code(option.ini) for option in options],
        "environment": [_code(option.env) for option in options],
        "default": [_code(option.default) for option in options],
        "what it does": [_prose(option.help) for option in options],
    }
    filled = {heading: cells for heading, cells in columns.items() if any(cells)}
    rows = [list(filled), ["---"] * len(filled), *zip(*filled.values(), strict=True)]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _usage(option: Option) -> str:
    """The option as it is typed; brackets around a value that may be left out."""
    if option.metavar is None:
        return option.flag
    return f"{option.flag}[={option.metavar}]" if option.bare_value is not None else f"{option.flag}={option.metavar}"


def _code(text: str | None) -> str:
    """Literal text; nothing for none. A pipe between backticks needs no escape in a table."""
    return f"`{text}`" if text else ""


def _prose(text: str) -> str:
    """A help text as a table cell."""
    return html.escape(text, quote=False).replace("|", "\\|")


if __name__ == "__main__":
    print(options_table(OPTIONS))
