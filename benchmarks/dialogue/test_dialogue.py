"""Measures memories of a dialogue, turn by turn: what storing and recalling cost, and whether it is found again.

Each message of the user is a turn: it is answered from what the memory recalls, then kept. The unit's metrics
say how often the message that told the fact was recalled, and how often the answer held it.
"""

from pathlib import Path

import pytest

from benchmarks.dialogue.dialogues import build_dialogue
from benchmarks.dialogue.stores import STORES, words_of
from benchmarks.dialogue.summary import summarise
from pytest_benchrun import BenchRun

RECALLED = 4
SENTENCES = 2


@pytest.mark.benchrun(group="store")
@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("facts", [20, 100])
@pytest.mark.parametrize("store", list(STORES))
def test_dialogue(benchrun: BenchRun, tmp_path: Path, store: str, facts: int, seed: int) -> None:
    """Hold one dialogue with one memory."""
    memory = STORES[store](tmp_path / "memory.sqlite")
    recall = benchrun.wrap(memory.recall, "storage_ms", adapter=f"{store} recall")
    ingest = benchrun.wrap(memory.ingest, "storage_ms", adapter=f"{store} ingest")
    asked = recalled = answered = history = 0
    for message in build_dialogue(seed, facts):
        is_question = message.answer is not None
        with benchrun.turn(session_id=f"{facts}-{seed}", role="user", asks=is_question, history=history) as turn:
            found = recall(message.text, RECALLED)
            with turn.time("llm_ms"):
                answer = summarise(message.text, found, SENTENCES)
            ingest(message.text)
            turn.tokens(input=sum(len(words_of(text)) for text in found), output=len(words_of(answer)))
        history += 1
        if message.answer is not None:
            asked += 1
            recalled += message.told_in in found
            answered += message.answer.lower() in words_of(answer)
    memory.close()
    assert asked == facts
    benchrun.metric("recall", recalled / asked, better="higher")
    benchrun.metric("answered", answered / asked, better="higher")
    benchrun.metric("messages", history)
