"""Makes text from a seed: words of syllables, some frequent and most rare.

The same seed gives the same text on every machine and every Python version: only
``Random.random``, ``choice`` and ``choices`` are used, no float function of the C
library takes part.
"""

import random
from itertools import accumulate

SYLLABLES = tuple(first + second for first in "bdfgklmnprstvz" for second in "aeiou")
ACCENTED_SYLLABLES = ("é", "ñu", "ö", "çã", "žo", "λό", "мы", "東", "에")
VOCABULARY_SIZE = 4_000
LONGEST_WORD_SYLLABLES = 4


class Prose:
    """A source of words whose frequency falls with their rank, after Zipf's law."""

    def __init__(self, seed: int, *, accented_share: float = 0.0) -> None:
        """Invent a vocabulary.

        Args:
            seed: Same seed, same text.
            accented_share: Share of words that end outside ASCII, 0 to 1.
        """
        self.rng = seeded(seed)
        self._words = [self._new_word(accented_share) for _ in range(VOCABULARY_SIZE)]
        self._weights = list(accumulate(1.0 / rank for rank in range(1, VOCABULARY_SIZE + 1)))

    def words(self, count: int) -> list[str]:
        """Draw so many words."""
        return self.rng.choices(self._words, cum_weights=self._weights, k=count)

    def paragraph(self, words: int) -> str:
        """Write one paragraph of so many words."""
        return " ".join(self.words(words)).capitalize() + "."

    def _new_word(self, accented_share: float) -> str:
        length = 1 + int(self.rng.random() * LONGEST_WORD_SYLLABLES)
        word = "".join(self.rng.choice(SYLLABLES) for _ in range(length))
        if self.rng.random() < accented_share:
            word += self.rng.choice(ACCENTED_SYLLABLES)
        return word


def seeded(seed: int) -> random.Random:
    """Return a generator of its own: no other code can draw from it or reseed it."""
    return random.Random(seed)
