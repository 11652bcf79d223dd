"""Computes the fool rate of a blind test from the result codes that friends sent back.

*Fool rate*: the share of trials in which a friend takes the twin's answer for the owner's. At 50 %,
the rate of guessing, the two are indistinguishable; at 0 % the twin is always recognised; above
50 % judges prefer the twin. (Papers that report how often judges are right give one minus that.)

A test is {id, made, author, to, file, model_sha, trials}. A *trial* shows the owner's and a
machine's answer to the same question: {question, owner, other, row, first}, where `row` is "twin"
or, in a catch trial, "base" (the untrained model), and `first` is 0 when the owner's is the pair's
first text, else 1.
"""

import math
from collections.abc import Container
from typing import NamedTuple

from ...i18n import Texts, both, listed, t
from ...text.statistics import bootstrap, no_narrower
from ...twin import figure
from . import codes

_PASS = 0.5  # a friend must get more than this share of the catch trials right
# Half widths of the interval: narrow enough for a verdict, and narrow enough to stop.
_MARGINS_OF_ERROR = (0.15, 0.10)
# Published fool rates: judges were right in 77 % (Digi-Dan) and 60 % (GPT-4) of the trials.
ANCHORS = {"Digi-Dan": 0.23, "GPT-4": 0.40}
GUESSING = 0.50


class Vote(NamedTuple):
    """One trial answered by one friend.

    `sure` is from 1 to 3; `read`: the friend had read the owner's text before; `upper`: the text
    that the page showed first was picked.
    """

    friend: int
    trial: int
    variant: str
    fooled: bool
    sure: int
    read: bool
    upper: bool


class Received(NamedTuple):
    """The answers to one test: the newest Reply of each friend, and the votes in them.

    `notes` are sentences about codes that were not counted.
    """

    replies: dict[int, codes.Reply]
    notes: list[str]
    votes: list[Vote]


def received(test: dict, text: str, earlier: Container[str] = ()) -> Received:
    """The answers to a test in a text with codes; `earlier` are the ids of this twin's other tests.

    If a friend sent several codes, the newest one counts.
    """
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
    """The votes of one friend: each choice compared with the test's key."""
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
    """The friends who got half of their catch trials or more wrong: they probably guess."""
    right = {}
    for vote in votes:
        if vote.variant == "base":
            right.setdefault(vote.friend, []).append(not vote.fooled)
    return {friend for friend, trials in right.items() if sum(trials) <= _PASS * len(trials)}


def counted(votes: list[Vote]) -> list[Vote]:
    """The votes that the fool rate is computed from.

    Left out are catch trials, texts that the friend had read before (they know whose it is), and
    the friends of `random_friends` (guessing moves the rate towards 50 %).
    """
    guessing = random_friends(votes)
    on_twin = [vote for vote in votes if vote.variant == "twin"]
    return [vote for vote in on_twin if vote.friend not in guessing and not vote.read]


def share(votes: list[Vote]) -> tuple[float | None, float | None, float | None, int]:
    """(share fooled, low, high, n) with the 95 % interval; (None, None, None, 0) without votes."""
    if not votes:
        return None, None, None, 0
    return _fooled(votes) / len(votes), *interval(votes), len(votes)


def _fooled(votes):
    return sum(vote.fooled for vote in votes)


def interval(votes: list[Vote]) -> tuple[float, float]:
    """(low, high): the 95 % two-way cluster bootstrap interval of the share fooled.

    Friends and questions are both drawn with replacement; a vote counts as often as its friend was
    drawn times as often as its question was. In simulations with 17 questions and 3 to 30 friends
    this interval contained the true share in 91 to 100 % of tests, one that draws friends alone in
    79 to 84 %, because questions differ too. It is never narrower than Wilson's interval for as
    many independent answers. With one friend only questions are drawn (contained in 86 %), so the
    interval does not extend to other friends.
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
    """An array (friends, questions): 1 for fooled, 0 for not fooled, NaN without an answer."""
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
    """About how many more answers narrow the interval (low, high) of n answers to ± `within`.

    Its width is assumed to shrink with the square root of n, as it does while the numbers of
    friends and of questions both grow.
    """
    return max(0, math.ceil(n * ((high - low) / 2 / within) ** 2) - n)


def beats_chance(n: int) -> int | None:
    """The least number of right answers among n that is better than guessing; None if even n isn't.

    Two-sided binomial test, p < 0.05.
    """
    from scipy.stats import binomtest

    numbers = range(n // 2 + 1, n + 1)
    return next((right for right in numbers if binomtest(right, n).pvalue < 0.05), None)


# The figure


def fool_rate(test: dict | None, text: str, earlier: Container[str] = ()) -> dict:
    """The fool rate of a test from a text with codes; `test` is None before the first one.

    `earlier` are the ids of this twin's other tests.
    """
    answers = received(test, text, earlier) if test else Received({}, [], [])
    rate = share(counted(answers.votes))
    if rate[0] is None:
        return figure(None, note=both("evaluate.no_code"))
    return figure(*rate, note=sentence(answers), level=level(rate[1], rate[2]))


def sentence(answers: Received) -> Texts:
    """The note of the fool rate: rate, verdict and answers still needed.

    At least one vote must be counted.
    """
    votes = counted(answers.votes)
    value, low, high, n = share(votes)
    friends, questions = len({vote.friend for vote in votes}), len({vote.trial for vote in votes})
    rate = {"value": value, "low": low, "high": high, "n": n}
    return both(
        "evaluate.fool_rate",
        **rate,
        friends=both("evaluate.friend") if friends == 1 else both("evaluate.friends", n=friends),
        verdict=_verdict(low, high),
        more=_answers_needed(n, low, high, friends, questions),
    )


def _verdict(low, high):
    if high < GUESSING:
        return both("evaluate.they_can_tell")
    if low > GUESSING:
        return both("evaluate.they_prefer_the_twin")
    if max(high - GUESSING, GUESSING - low) <= _MARGINS_OF_ERROR[0]:
        return both("evaluate.nobody_can_tell")
    return both("evaluate.too_few_answers")


def level(low: float, high: float) -> str:
    """The level of a fool rate with this 95 % interval, which the sentence on it says too.

    Friends who can tell are bad, and so-so where GPT-4's rate is within reach; a twin that they
    prefer to the author is a caricature, and so-so too.
    """
    if high < GUESSING:
        return "bad" if high < ANCHORS["GPT-4"] else "so-so"
    if low > GUESSING:
        return "so-so"
    near = max(high - GUESSING, GUESSING - low) <= _MARGINS_OF_ERROR[0]
    return "good" if near else "unsure"


def _answers_needed(n, low, high, friends, questions):
    """How many more answers are needed, by friends or questions, whichever are fewer so far."""
    missing = [
        both("evaluate.more_answers", count=count, points=f"{100 * margin:.0f}")
        for margin in _MARGINS_OF_ERROR
        if (count := needed(n, low, high, margin))
    ]
    if not missing:
        return both("evaluate.narrow_enough")
    more = listed(missing, "core.clause_separator")
    if friends <= questions:
        return both("evaluate.more_by_friends", more=more)
    return both("evaluate.more_to_questions", more=more)
