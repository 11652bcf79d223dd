"""The blind test: which questions, what is a fair pair, and what the friends' answers say. Pure.

*Fool rate*: the share of trials in which a friend takes the twin's answer for the owner's. 50 % is what guessing gives:
there the two are indistinguishable; 0 % means the twin is always told. (Above 50 % the twin is more like the owner than
the owner; in papers that count how often judges are right, this is one minus that.)

A *trial* shows the owner's and a machine's answer to the same question: {question, owner, other, row, first}, where
`row` is "twin" or, in a catch trial, "base" (the untrained model), and `first` is 0 when the owner's is the pair's
first text, else 1. A test is {id, made, author, to, model_sha, file, trials}.

A *mark* is one trial answered by one friend: {friend, trial, row, fooled, sure, read, upper}.
"""

import math
import re
from hashlib import sha256
from typing import NamedTuple

from ...files import content_id
from ...i18n import t
from ...progress import width
from ...text import interview_questions, style
from ...text.script import SENTENCE, language_of
from ...text.statistics import bootstrap, no_narrower
from ...twin import figure
from . import codes

LONGEST = 1500  # UTF-8 bytes of an answer in the page: 500 Chinese characters, 250 English words
SLACK = 1.25  # the longer answer of a pair is at most this many times as long as the shorter
PASS = 0.5  # of the catch trials a friend must get more than this share right
TARGETS = (0.15, 0.10)  # half the width of an interval that settles something
# How often judges took the machine for the person in two studies (77 and 60 % were right), and by guessing.
ANCHORS = {"Digi-Dan": 0.23, "GPT-4": 0.40}
GUESSING = 0.50
COPIED = 0.3  # of an answer's pieces found in the owner's texts: it is no new answer
PIECE = {"zh": 12, "en": 40}  # letters in a piece


# Questions and pairs


def own_question(text):
    """A question of the owner's own, as one of the interview's kind."""
    return interview_questions.Question(f"own-{content_id(text)}-00", "friends", text, text)


def letters(text):
    """What is compared when two texts are: letters and digits alone, in small letters."""
    return "".join(re.findall(r"[^\W_]+", text.lower()))


def pool(answered, asked):
    """The interview's questions, the last first, without those of ids in `answered` and of texts in `asked`.

    The interview begins at the other end, so that the two seldom meet.
    """
    known = {letters(text) for text in asked}
    return [
        q
        for q in reversed(interview_questions.QUESTIONS)
        if q.id not in answered and not {letters(q.en), letters(q.zh)} & known
    ]


def copied(answer, texts):
    """The share of an answer's pieces that stand in the owner's texts word for word."""
    size = PIECE[language_of(answer)]
    own, corpus = letters(answer), [letters(text) for text in texts]
    pieces = [own[i : i + size] for i in range(0, len(own) - size + 1, size)]
    return (
        sum(any(piece in text for text in corpus) for piece in pieces) / len(pieces)
        if pieces
        else 0.0
    )


def catches(questions, most):
    """Which of the questions are catch trials: at most `most` and one in five, by the hash of their text."""
    ranked = sorted(questions, key=content_id)
    return set(ranked[: min(most, len(ranked) // 5)])


def typed(text):
    """A text with the punctuation that everybody types: quotes, dashes, dots and full width tell nothing any more."""
    text = re.sub("[“”„«»「」『』]", '"', style.punctuated_like(text, "，").strip())
    text = re.sub(r"\.{3,}|。{3,}|…+", "…", re.sub("[‘’`]", "'", text))
    dash = "——" if language_of(text) == "zh" else " — "
    return re.sub(r"\n\s*\n", "\n\n", re.sub(r" ?(?:—+|--+|(?<= )–(?= )) ?", dash, text))


def whole_sentences(text):
    """A text that broke off, up to its last whole sentence; as it is when it has none."""
    ends = [end for end in _ends(text) if end < len(text)]
    return text[: ends[-1]].rstrip() if ends else text


def same_length(one, other):
    """Both texts, the longer cut after the last sentence with which it is at most SLACK times as long as the shorter.

    At least its first sentence stays. Both are cut to LONGEST in the same way.
    """
    room = SLACK * min(width(one), width(other))
    return tuple(_cut(text, room) for text in (one, other))


def _cut(text, room):
    ends = [
        end
        for end in _ends(text)
        if width(text[:end]) <= room and len(text[:end].encode()) <= LONGEST
    ]
    kept = text[: ends[-1]] if ends else text[: (_ends(text) or [0])[0]]
    return kept.encode()[:LONGEST].decode("utf-8", "ignore").rstrip()


def _ends(text):
    """Where the sentences and lines of a text end, the last at its end."""
    found = {
        match.start()
        for pattern in (SENTENCE, re.compile(r"\n+"))
        for match in pattern.finditer(text)
    }
    return sorted((found | {len(text)}) - {0})


def new_id(trials, taken=()):
    """Four characters for a test, other than those taken."""
    seed = repr(trials)
    while True:
        digest = sha256(seed.encode()).digest()
        found = "".join(codes.ALPHABET[byte % 32] for byte in digest[:4])
        if found not in taken:
            return found
        seed += "."


# What came back


class Received(NamedTuple):
    """The friends' answers to one test: {friend: newest Reply}, sentences about codes that don't count, marks."""

    replies: dict
    notes: list
    marks: list


def received(test, text, earlier=()):
    """What the codes in a text say about a test; `earlier` are the ids of this twin's other tests."""
    replies, damaged = codes.read(text)
    notes, newest = [_broken(code) for code in damaged], {}
    for reply in replies:
        if reply.test != test["id"]:
            notes.append(_foreign(reply, earlier))
        elif len(reply.choices) != len(test["trials"]):
            notes.append(_foreign(reply, ()))
        elif reply.friend not in newest or newest[reply.friend].when <= reply.when:
            newest[reply.friend] = reply
    found = [mark for reply in newest.values() for mark in marks(test, reply)]
    return Received(newest, list(dict.fromkeys(notes)), found)


def _broken(code):
    came = "" if code.wanted is None else f" ({code.came}/{code.wanted})"
    if code.wanted is None:
        why = "its beginning is missing", "缺了开头"
    elif code.came < code.wanted:
        why = f"its end is missing{came}", f"缺了结尾{came}"
    else:
        why = "a character in it is wrong", "有字符错了"
    return t("evaluate.code_didnt_arrive_whole_ask", begins=code.begins, why=why[0], why_2=why[1])


def _foreign(reply, earlier):
    whose = f"{codes.PREFIX}-{reply.test}" + (f" ({reply.name})" if reply.name else "")
    if reply.test in earlier:
        return t("evaluate.code_earlier_test_twin_doesnt", whose=whose)
    return t("evaluate.code_another_test_doesnt_count", whose=whose)


def marks(test, reply):
    """The marks of one friend: what was picked, against the key."""
    trials = test["trials"]
    swapped = codes.shown(reply.friend, len(trials))[1]
    return [
        {
            "friend": reply.friend,
            "trial": place,
            "row": trial["row"],
            "fooled": choice.pick != trial["first"],
            "sure": choice.sure,
            "read": choice.read,
            "upper": choice.pick == int(swap),
        }
        for place, (trial, choice, swap) in enumerate(zip(trials, reply.choices, swapped))
        if choice
    ]


def random_friends(found):
    """The friends who got too few catch trials right (PASS): they answer at random, or didn't read."""
    caught = {}
    for mark in found:
        if mark["row"] == "base":
            caught.setdefault(mark["friend"], []).append(not mark["fooled"])
    return {friend for friend, right in caught.items() if sum(right) <= PASS * len(right)}


def counted(found):
    """The marks that the fool rate counts: on the twin, by friends who passed, of texts they hadn't read before.

    Random answers would draw the rate to 50 %, and whoever knows a text knows whose it is.
    """
    out = random_friends(found)
    return [
        mark
        for mark in found
        if mark["row"] == "twin" and mark["friend"] not in out and not mark["read"]
    ]


def share(found):
    """(share fooled, low, high, n) of marks, with the 95 % interval of `interval`; (None, None, None, 0) of none."""
    if not found:
        return None, None, None, 0
    return sum(mark["fooled"] for mark in found) / len(found), *interval(found), len(found)


def interval(found):
    """(low, high): the 95 % cluster bootstrap interval of the share fooled, for new friends and new questions.

    Friends are drawn again with all their answers, and so are questions: each cell of the table of friends and
    questions is in a draw as often as its friend times its question. (In simulations with 17 questions this held the
    true share in 91 to 100 % of 3 to 30 friends' tests; drawing friends alone in 79 to 84 %, because questions differ
    too.) Never narrower than Wilson's interval of so many independent answers: where all are alike, no draw differs.
    Of one friend only questions are drawn (86 %): it says nothing of other friends.
    """
    import numpy

    table = _table(found)
    friends, questions = (range(size) for size in table.shape)

    def mean(columns, rows=(0,)):
        cells = table[numpy.ix_(rows, columns)]
        return numpy.nan if numpy.isnan(cells).all() else float(numpy.nanmean(cells))

    drawn_again = (questions, friends) if len(friends) > 1 else (questions,)
    return no_narrower(
        bootstrap(mean, *drawn_again), sum(mark["fooled"] for mark in found), len(found)
    )


def _table(found):
    """(friends, questions) 1 where a friend was fooled, 0 where not, nan where there is no answer."""
    import numpy

    friends, trials = (
        {key: place for place, key in enumerate(sorted({mark[name] for mark in found}))}
        for name in ("friend", "trial")
    )
    table = numpy.full((len(friends), len(trials)), numpy.nan)
    for mark in found:
        table[friends[mark["friend"]], trials[mark["trial"]]] = mark["fooled"]
    return table


def needed(n, low, high, within):
    """How many answers more until the interval reaches `within` to both sides, if they vary as the n so far do.

    Its width shrinks with the root of their number, as long as friends and questions both grow.
    """
    return max(0, math.ceil(n * ((high - low) / 2 / within) ** 2) - n)


def beats_chance(n):
    """How many of n answers a friend must get right to be better than guessing (two-sided binomial test, p < 0.05);
    None where all of them say too little."""
    from scipy.stats import binomtest

    return next(
        (right for right in range(n // 2 + 1, n + 1) if binomtest(right, n).pvalue < 0.05), None
    )


# The figure


def fool_rate(test, text, earlier=()):
    """The figure of a test's codes: the fool rate with its interval and a sentence; a test of None is not there yet."""
    found = received(test, text, earlier) if test else Received({}, [], [])
    value, low, high, n = share(counted(found.marks))
    if value is None:
        return figure(None, note=t("evaluate.measured_no_friends_code_come"))
    return figure(value, low, high, n, sentence(found))


def sentence(found):
    """What the answers say, in one sentence for people; `found` as of `received`, with an answer that counts."""
    value, low, high, n = share(counted(found.marks))
    friends, questions = (
        len({mark[name] for mark in counted(found.marks)}) for name in ("friend", "trial")
    )
    verdict, more = _verdict(low, high), _more(n, low, high, friends, questions)
    return t(
        "evaluate.friends_took_twin_answers_95",
        value=value,
        n=n,
        low=low,
        high=high,
        friends=friends,
        value_2="s" * (friends != 1),
        verdict=verdict[0],
        more=more[0],
        verdict_2=verdict[1],
        more_2=more[1],
    )


def _verdict(low, high):
    if high < GUESSING:
        return "they can tell", "他们分得出来"
    if low > GUESSING:
        return "they take the twin for you more often than you", "分身比您本人更像您"
    if max(high - GUESSING, GUESSING - low) <= TARGETS[0]:
        return "nobody can tell, within 15 points", "误差 15 个百分点以内，分不出来"
    return "too few to say whether they can tell", "还太少，说不准他们分不分得出来"


def _more(n, low, high, friends, questions):
    """How many more answers make the interval narrow enough, and where they should come from: what is scarce."""
    wanted = [(100 * within, more) for within in TARGETS if (more := needed(n, low, high, within))]
    if not wanted:
        return (
            "the interval is within 10 points, which settles it",
            "误差在 10 个百分点以内，够准了",
        )
    who = (
        ("best by more friends", "最好多找几位朋友")
        if friends <= questions
        else ("best to new questions", "最好多出几题")
    )
    en = ", ".join(f"{more} for ±{within:.0f} points" for within, more in wanted)
    zh = "，".join(f"误差到 ±{within:.0f} 个百分点约需 {more} 次" for within, more in wanted)
    return f"answers still needed: {en} ({who[0]})", f"还需要的回答：{zh}（{who[1]}）"
