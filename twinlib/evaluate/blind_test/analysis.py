"""What the friends' answers to the blind test say.

*Fool rate*: the share of trials in which a friend takes the twin's answer for the owner's. 50 % is
what guessing gives: there the two are indistinguishable; 0 % means the twin is always recognised;
above 50 % judges prefer the twin. (In papers that count how often judges are right, this is one
minus that.)

A test is {id, made, author, to, file, model_sha, trials}. A *trial* shows the owner's and a
machine's answer to the same question: {question, owner, other, row, first}, where `row` is "twin"
or, in a catch trial, "base" (the untrained model), and `first` is 0 when the owner's is the pair's
first text, else 1.
"""

import math
from typing import NamedTuple

from ...i18n import both, t
from ...text.statistics import bootstrap, no_narrower
from ...twin import figure
from . import codes

PASS = 0.5  # a friend must get more than this share of the catch trials right
WANTED_ERRORS = (0.15, 0.10)  # half the width of an interval that settles something
# How often judges took the machine for the person in two studies (77 and 60 % were right).
ANCHORS = {"Digi-Dan": 0.23, "GPT-4": 0.40}
GUESSING = 0.50


class Vote(NamedTuple):
    """One trial answered by one friend; `upper` says whether the text shown first was picked."""

    friend: int
    trial: int
    variant: str
    fooled: bool
    sure: int
    read: bool
    upper: bool


class Received(NamedTuple):
    """The answers to one test: {friend: newest Reply}, sentences about codes that don't count, votes."""

    replies: dict
    notes: list
    votes: list


def received(test: dict, text: str, earlier=()) -> Received:
    """What the codes in a text say about a test; `earlier` are the ids of this twin's other tests."""
    replies, damaged = codes.read(text)
    notes, newest = [_damaged(code) for code in damaged], {}
    for reply in replies:
        if reply.test != test["id"]:
            notes.append(_of_another_test(reply, earlier))
        elif len(reply.choices) != len(test["trials"]):
            notes.append(_of_another_test(reply, ()))
        elif reply.friend not in newest or newest[reply.friend].when <= reply.when:
            newest[reply.friend] = reply
    cast = [vote for reply in newest.values() for vote in votes(test, reply)]
    return Received(newest, list(dict.fromkeys(notes)), cast)


def _damaged(code):
    if code.expected is None:
        why = both("evaluate.code_without_beginning")
    elif code.letters < code.expected:
        why = both("evaluate.code_without_end", letters=code.letters, expected=code.expected)
    else:
        why = both("evaluate.code_with_wrong_character")
    return t("evaluate.code_damaged", begins=code.begins, why=why)


def _of_another_test(reply, earlier):
    code = f"{codes.PREFIX}-{reply.test}" + (f" ({reply.name})" if reply.name else "")
    if reply.test in earlier:
        return t("evaluate.code_of_earlier_test", code=code)
    return t("evaluate.code_of_another_test", code=code)


def votes(test: dict, reply: codes.Reply) -> list[Vote]:
    """The votes of one friend: what was picked, against the key."""
    trials = test["trials"]
    swapped = codes.shown(reply.friend, len(trials))[1]
    return [
        Vote(
            friend=reply.friend,
            trial=number,
            variant=trial["row"],
            fooled=choice.pick != trial["first"],
            sure=choice.sure,
            read=choice.read,
            upper=choice.pick == int(swap),
        )
        for number, (trial, choice, swap) in enumerate(zip(trials, reply.choices, swapped))
        if choice
    ]


def random_friends(votes: list[Vote]) -> set[int]:
    """The friends who got too few catch trials right: they answer at random, or didn't read."""
    right = {}
    for vote in votes:
        if vote.variant == "base":
            right.setdefault(vote.friend, []).append(not vote.fooled)
    return {friend for friend, some in right.items() if sum(some) <= PASS * len(some)}


def counted(votes: list[Vote]) -> list[Vote]:
    """The votes of the fool rate: on the twin, of texts not read before, by friends who passed.

    Random answers would draw the rate to 50 %, and who knows a text knows whose it is.
    """
    out = random_friends(votes)
    return [
        vote
        for vote in votes
        if vote.variant == "twin" and vote.friend not in out and not vote.read
    ]


def share(votes: list[Vote]) -> tuple:
    """(share fooled, low, high, n), with the 95 % interval of `interval`; (None, None, None, 0)."""
    if not votes:
        return None, None, None, 0
    return _fooled(votes) / len(votes), *interval(votes), len(votes)


def _fooled(votes):
    return sum(vote.fooled for vote in votes)


def interval(votes: list[Vote]) -> tuple[float, float]:
    """(low, high): the 95 % cluster bootstrap of the share fooled, for new friends and questions.

    Friends are drawn again with all their answers, and so are questions: each cell of the table of
    friends and questions is in a draw as often as its friend times its question. (In simulations
    with 17 questions this held the true share in 91 to 100 % of 3 to 30 friends' tests; drawing
    friends alone in 79 to 84 %, because questions differ too.) Never narrower than Wilson's interval
    of so many independent answers. Of one friend only questions are drawn (86 %): it says nothing of
    other friends.
    """
    import numpy

    table = _table(votes)
    friends, questions = (range(size) for size in table.shape)

    def mean(columns, rows=(0,)):
        cells = table[numpy.ix_(rows, columns)]
        return numpy.nan if numpy.isnan(cells).all() else float(numpy.nanmean(cells))

    samples = (questions, friends) if len(friends) > 1 else (questions,)
    return no_narrower(bootstrap(mean, *samples), _fooled(votes), len(votes))


def _table(votes):
    """(friends, questions): 1 where a friend was fooled, 0 where not, nan without an answer."""
    import numpy

    rows, columns = (
        {key: index for index, key in enumerate(sorted({getattr(vote, name) for vote in votes}))}
        for name in ("friend", "trial")
    )
    table = numpy.full((len(rows), len(columns)), numpy.nan)
    for vote in votes:
        table[rows[vote.friend], columns[vote.trial]] = vote.fooled
    return table


def needed(n: int, low: float, high: float, within: float) -> int:
    """How many answers more until the interval reaches `within` to both sides.

    Its width shrinks with the root of their number, if they vary as the n so far do and as long as
    friends and questions both grow.
    """
    return max(0, math.ceil(n * ((high - low) / 2 / within) ** 2) - n)


def beats_chance(n: int) -> int | None:
    """How many of n answers must be right to be better than guessing (two-sided binomial, p < 0.05).

    None where all of them say too little.
    """
    from scipy.stats import binomtest

    return next(
        (right for right in range(n // 2 + 1, n + 1) if binomtest(right, n).pvalue < 0.05), None
    )


# The figure


def fool_rate(test: dict | None, text: str, earlier=()) -> dict:
    """The figure of a test's codes, with a sentence; `test` is None before the first one."""
    answers = received(test, text, earlier) if test else Received({}, [], [])
    rate = share(counted(answers.votes))
    if rate[0] is None:
        return figure(None, note=t("evaluate.no_code"))
    return figure(*rate, sentence(answers))


def sentence(answers: Received) -> str:
    """What the answers say; at least one of them must count."""
    votes = counted(answers.votes)
    value, low, high, n = share(votes)
    friends, questions = len({vote.friend for vote in votes}), len({vote.trial for vote in votes})
    return t(
        "evaluate.fool_rate",
        value=value,
        n=n,
        low=low,
        high=high,
        friends=both("evaluate.friend") if friends == 1 else both("evaluate.friends", n=friends),
        verdict=_verdict(low, high),
        more=_more(n, low, high, friends, questions),
    )


def _verdict(low, high):
    if high < GUESSING:
        return both("evaluate.they_can_tell")
    if low > GUESSING:
        return both("evaluate.they_prefer_the_twin")
    if max(high - GUESSING, GUESSING - low) <= WANTED_ERRORS[0]:
        return both("evaluate.nobody_can_tell")
    return both("evaluate.too_few_answers")


def _more(n, low, high, friends, questions):
    """How many answers more make the interval narrow enough, and from where: what is scarce."""
    counts = {100 * within: needed(n, low, high, within) for within in WANTED_ERRORS}
    missing = [
        both("evaluate.more_answers", count=count, points=f"{points:.0f}")
        for points, count in counts.items()
        if count
    ]
    if not missing:
        return both("evaluate.narrow_enough")
    more = {
        "en": ", ".join(one["en"] for one in missing),
        "zh": "，".join(one["zh"] for one in missing),
    }
    if friends <= questions:
        return both("evaluate.more_by_friends", more=more)
    return both("evaluate.more_to_questions", more=more)
