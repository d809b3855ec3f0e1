"""Makes dialogues from a seed: small talk, facts told once among it, and questions asked much later.

The same seed gives the same dialogues on every machine.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from benchmarks.prose import Prose

NAMES = ("Ada", "Bruno", "Chiara", "Dmitri", "Elif", "Farid", "Greta", "Hanna", "Ivo", "Jun", "Karim", "Lena")
RELATIONS = ("sister", "neighbour", "boss", "cousin", "dentist", "landlord", "trainer", "uncle")
TRAITS = {
    "city": ("moved to {value}", "Which city does {who} live in?", ("Oslo", "Quito", "Hanoi", "Perth", "Turin")),
    "pet": ("got a {value} as a pet", "What pet does {who} have?", ("parrot", "tortoise", "ferret", "rabbit", "gecko")),
    "food": ("cannot eat {value}", "What can {who} not eat?", ("peanuts", "shrimp", "gluten", "celery", "mustard")),
    "hobby": ("started {value} lessons", "Which lessons did {who} start?", ("cello", "judo", "sailing", "pottery")),
    "car": ("drives an old {value}", "What car does {who} drive?", ("Saab", "Fiat", "Lada", "Volvo", "Renault")),
}
SMALL_TALK_WORDS = 25
MESSAGES_BETWEEN = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One message of the user.

    Attributes:
        text: what is said.
        answer: the word that a good memory finds again; None when nothing is asked.
        told_in: text of the message that told it; None when nothing is asked.
    """

    text: str
    answer: str | None = None
    told_in: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Fact:
    who: str
    trait: str
    value: str
    text: str


def build_dialogue(seed: int, facts: int) -> list[Message]:
    """A dialogue that tells so many facts among small talk and asks for each of them later.

    Facts look alike: several people moved to a city, and one person is told of more than once. What was asked
    stands in other words than what was told.
    """
    prose = Prose(seed=seed)
    told = list(_facts(prose, facts))
    messages: list[Message] = []
    for place, fact in enumerate(told):
        messages += [Message(text=prose.paragraph(SMALL_TALK_WORDS)) for _ in range(MESSAGES_BETWEEN)]
        messages.append(Message(text=fact.text))
        if place >= facts // 2:
            messages.append(_question(told[place - facts // 2]))
    return messages + [_question(fact) for fact in told[facts - facts // 2 :]]


def _facts(prose: Prose, count: int) -> Iterator[_Fact]:
    subjects = [(name, relation, trait) for name in NAMES for relation in RELATIONS for trait in TRAITS]
    prose.rng.shuffle(subjects)
    for name, relation, trait in subjects[:count]:
        who = f"{name}, the {relation}"
        value = prose.rng.choice(TRAITS[trait][2])
        # told by the name alone or by both, as people do
        said = name if prose.rng.random() < 0.5 else f"My {relation} {name}"
        text = f"{said} {TRAITS[trait][0].format(value=value)}. {prose.paragraph(8)}"
        yield _Fact(who=who, trait=trait, value=value, text=text)


def _question(fact: _Fact) -> Message:
    text = TRAITS[fact.trait][1].format(who=fact.who)
    return Message(text=text, answer=fact.value, told_in=fact.text)
