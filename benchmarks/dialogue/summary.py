"""Stands where a language model would: an extractive summary, computed for real from what was recalled.

Sentences are ranked by TextRank (Mihalcea and Tarau, 2004): TF-IDF vectors, cosine similarity, and a random
walk over the graph of sentences that begins at the words of the question.
"""

import math
import re
from collections import Counter

from benchmarks.dialogue.stores import words_of

_SENTENCE = re.compile(r"[^.!?]+[.!?]?")
_DAMPING = 0.85
_STEPS = 30


def summarise(question: str, texts: list[str], sentences: int) -> str:
    """The sentences of the texts that say most about the question, the best first."""
    candidates = [found.strip() for text in texts for found in _SENTENCE.findall(text) if found.strip()]
    if not candidates:
        return ""
    vectors = _vectors([question, *candidates])
    asked, rest = vectors[0], vectors[1:]
    start = [_cosine(asked, vector) for vector in rest]
    total = math.fsum(start) or 1.0
    start = [weight / total for weight in start]
    edges = [[_cosine(one, other) if one is not other else 0.0 for other in rest] for one in rest]
    sums = [math.fsum(row) or 1.0 for row in edges]
    ranks = start
    for _ in range(_STEPS):
        ranks = [
            (1 - _DAMPING) * start[here]
            + _DAMPING * math.fsum(ranks[there] * edges[there][here] / sums[there] for there in range(len(rest)))
            for here in range(len(rest))
        ]
    best = sorted(range(len(rest)), key=lambda here: (-(ranks[here] + start[here]), here))
    return " ".join(candidates[here] for here in best[:sentences])


def _vectors(texts: list[str]) -> list[dict[str, float]]:
    counts = [Counter(words_of(text)) for text in texts]
    documents = Counter(word for count in counts for word in count)
    weights = {word: math.log(1 + len(texts) / number) for word, number in documents.items()}
    return [{word: number * weights[word] for word, number in count.items()} for count in counts]


def _cosine(one: dict[str, float], other: dict[str, float]) -> float:
    shared = math.fsum(value * other[word] for word, value in one.items() if word in other)
    if not shared:
        return 0.0
    return shared / math.sqrt(math.fsum(v * v for v in one.values()) * math.fsum(v * v for v in other.values()))
