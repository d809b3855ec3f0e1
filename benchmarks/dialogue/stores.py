"""Three memories of a dialogue: SQLite's full-text index, a scan of a plain table, and an index in memory."""

import math
import re
import sqlite3
from collections import Counter, defaultdict
from heapq import nsmallest
from pathlib import Path
from typing import Protocol

WORD = re.compile(r"\w+")
STOP_WORDS = frozenset(
    {"a", "an", "and", "as", "at", "by", "can", "did", "do", "does", "for", "has", "have", "he", "her", "his", "i"}
    | {"in", "is", "it", "not", "of", "on", "she", "the", "to", "was", "what", "which", "who"}
)


def words_of(text: str) -> list[str]:
    """The words of a text that may tell it from another, in lower case."""
    return [word for word in map(str.lower, WORD.findall(text)) if word not in STOP_WORDS]


class Store(Protocol):
    """Keeps messages and finds them again."""

    def ingest(self, text: str) -> None:
        """Keep a message."""

    def recall(self, query: str, limit: int) -> list[str]:
        """At most so many messages, the best first."""

    def close(self) -> None:
        """Let go of files."""


def _connect(path: Path) -> sqlite3.Connection:
    """A database that syncs at checkpoints, not at every message: the same for both stores on disk."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode = wal")
    connection.execute("PRAGMA synchronous = normal")
    return connection


class Fts5:
    """SQLite's FTS5: an inverted index on disk, ranked by BM25."""

    def __init__(self, path: Path) -> None:
        self._connection = _connect(path)
        self._connection.execute("CREATE VIRTUAL TABLE message USING fts5(text, tokenize = 'porter unicode61')")

    def ingest(self, text: str) -> None:
        """Keep a message."""
        self._connection.execute("INSERT INTO message VALUES (?)", (text,))

    def recall(self, query: str, limit: int) -> list[str]:
        """The best first."""
        match = " OR ".join(f'"{word}"' for word in words_of(query))
        found = self._connection.execute(
            "SELECT text FROM message WHERE message MATCH ? ORDER BY rank LIMIT ?", (match, limit)
        )
        return [text for (text,) in found]

    def close(self) -> None:
        """Let go."""
        self._connection.close()


class LikeScan:
    """A plain table: every message is looked at, those with most of the words first, then the latest."""

    def __init__(self, path: Path) -> None:
        self._connection = _connect(path)
        self._connection.execute("CREATE TABLE message (number INTEGER PRIMARY KEY, text TEXT)")

    def ingest(self, text: str) -> None:
        """Keep a message."""
        self._connection.execute("INSERT INTO message (text) VALUES (?)", (text,))

    def recall(self, query: str, limit: int) -> list[str]:
        """The best first."""
        words = words_of(query)
        hits = " + ".join("(text LIKE ?)" for _ in words)
        found = self._connection.execute(
            f"SELECT text FROM message WHERE {hits} > 0 ORDER BY {hits} DESC, number DESC LIMIT ?",  # noqa: S608  # only ours
            (*(f"%{word}%" for word in words * 2), limit),
        )
        return [text for (text,) in found]

    def close(self) -> None:
        """Let go."""
        self._connection.close()


class InMemory:
    """An inverted index in dicts: exact words, each weighed by how rare it is (TF-IDF); gone with the process."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._texts: list[str] = []
        self._numbers: defaultdict[str, Counter[int]] = defaultdict(Counter)

    def ingest(self, text: str) -> None:
        """Keep a message."""
        for word in words_of(text):
            self._numbers[word][len(self._texts)] += 1
        self._texts.append(text)

    def recall(self, query: str, limit: int) -> list[str]:
        """The best first."""
        scores: defaultdict[int, float] = defaultdict(float)
        for word in words_of(query):
            found = self._numbers.get(word, {})
            weight = math.log(1 + len(self._texts) / (1 + len(found)))
            for number, count in found.items():
                scores[number] += weight * count
        best = nsmallest(limit, scores, key=lambda number: (-scores[number], number))
        return [self._texts[number] for number in best]

    def close(self) -> None:
        """Let go."""
        self._texts.clear()


STORES: dict[str, type[Fts5] | type[LikeScan] | type[InMemory]] = {
    "fts5": Fts5,
    "like": LikeScan,
    "memory": InMemory,
}
