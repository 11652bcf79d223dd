"""The blind test: codes that survive chats, fair pairs, the fool rate's arithmetic, and a twin that
answers once.
"""

import json
import random
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_blind_page import made, trial

from twinlib import TwinError
from twinlib import settings as declared
from twinlib.evaluate.blind_test import analysis, pairs
from twinlib.evaluate.blind_test import codes as blind_codes
from twinlib.evaluate.blind_test import step as step
from twinlib.evaluate.blind_test.codes import ID_ALPHABET, Choice, Damaged, Reply
from twinlib.files import write_records
from twinlib.gguf import writer
from twinlib.models import gguf_vocabulary, load
from twinlib.progress import Progress
from twinlib.text import interview_questions

ROOT = Path(__file__).parent.parent
SAMPLE = Reply(
    "7F3K",
    12345,
    blind_codes.START + 60 * 963_360,
    tuple(Choice(n % 2, n % 3 + 1, n == 4) for n in range(20)),
    "小明",
)

replies = st.builds(
    Reply,
    st.text(ID_ALPHABET, min_size=4, max_size=4),
    st.integers(1, 2**30 - 1),
    st.integers(0, 2**25 - 1).map(lambda minute: blind_codes.START + 60 * minute),
    st.lists(
        st.none() | st.builds(Choice, st.integers(0, 1), st.integers(1, 3), st.booleans()),
        max_size=63,
    ).map(tuple),
    st.text(max_size=15).filter(
        lambda name: len(name.encode("utf-8", "replace")) <= 15 and name.isprintable()
    ),
)


# Codes


def test_a_code_of_twenty_trials_is_some_tens_of_characters():
    code = blind_codes.write(SAMPLE._replace(name=""))
    assert len(code) == 56 and code.startswith("AMU2-7F3K-")
    assert blind_codes.read(code) == ([SAMPLE._replace(name="")], [])


@given(replies)
def test_whatever_is_written_is_read(reply):
    assert blind_codes.read(blind_codes.write(reply)) == ([reply], [])


def full_width(text):
    return "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in text)


MANGLES = {
    "small letters": str.lower,
    "full width": full_width,
    "no hyphens": lambda code: code.replace("-", ""),
    "spaces": lambda code: " ".join(code),
    "line breaks": lambda code: "\r\n".join(code[i : i + 7] for i in range(0, len(code), 7)),
    "a quoted mail": lambda code: (
        "> " + "\n> ".join(code[i : i + 20] for i in range(0, len(code), 20))
    ),
    "letters that look alike": lambda code: (
        code[:4] + code[4:9].replace("0", "O").replace("1", "l") + code[9:].replace("O", "0")
    ),
    "long hyphens": lambda code: code.replace("-", "—"),
    "quotes and a full stop": lambda code: f"“{code}”。",
    "zero-width and no-break blanks": lambda code: "\u200b".join(code.replace("-", "-\u00a0")),
    "a chat before and after": lambda code: (
        f"[10:32] Anna: hi!! here: {code}, that was fun :) 好难啊"
    ),
    "Chinese right behind": lambda code: f"我的代码是{code}谢谢",
    "bold": lambda code: f"**{code}**",
}


@pytest.mark.parametrize("mangle", MANGLES.values(), ids=MANGLES)
def test_a_code_survives_what_chats_do_to_it(mangle):
    assert blind_codes.read(mangle(blind_codes.write(SAMPLE))) == ([SAMPLE], [])


@given(
    st.lists(replies, max_size=4),
    st.lists(st.sampled_from(list(MANGLES.values())), min_size=4, max_size=4),
)
@settings(max_examples=60)
def test_many_codes_in_one_paste_are_all_read(several, mangles):
    text = "\nthen: ".join(
        mangle(blind_codes.write(reply)) for reply, mangle in zip(several, mangles)
    )
    assert blind_codes.read(text) == (several, [])


@given(st.text(max_size=300))
def test_any_text_can_be_read_and_holds_no_code(text):
    assert blind_codes.read(text)[0] == []


def test_a_chat_without_codes_complains_of_nothing():
    assert blind_codes.read(
        "I am 1 of 20, call +86-138-0013-8000 on 2026-03-01, well-known HEART-BREAK things. "
        "我是一。"
    ) == ([], [])


@given(replies, st.data())
def test_one_wrong_character_is_found(reply, data):
    code = blind_codes.write(reply).replace("-", "")
    place = data.draw(st.integers(4, len(code) - 1))
    alphabet = ID_ALPHABET if place < 8 else "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
    wrong = data.draw(st.sampled_from([c for c in alphabet if c != code[place]]))
    found, damaged = blind_codes.read(code[:place] + wrong + code[place + 1 :])
    assert found == [] and len(damaged) == 1


def test_a_code_without_its_end_or_its_beginning_is_named():
    code = blind_codes.write(SAMPLE)
    assert blind_codes.read(code[:40]) == ([], [Damaged("AMU2-7F3K-CQDAA", 29, 52)])
    assert blind_codes.read(f"{code[:40]} 谢谢 THANKS")[1][0].letters == 29, (
        "words of another script end it"
    )
    assert blind_codes.read(f"so: {code[10:]}!") == ([], [Damaged("CQDAA-ABQHE", 48, None)])
    assert blind_codes.read(f"后半段是{code[10:]}谢谢") == (
        [],
        [Damaged("CQDAA-ABQHE", 48, None)],
    ), "beside Chinese"
    assert blind_codes.read(f"{code[:20]} … {code}")[0] == [SAMPLE], (
        "a whole one after a broken one"
    )


OLD_CODE = "AMU1-7F3KA-6000C-1S0XC-S03PE-ADDBX-T3PE8-8RWPR-8ZSMR-HREZA-R0"


def test_codes_of_pages_made_before_are_still_read():
    assert blind_codes.read(OLD_CODE) == ([SAMPLE], [])
    mangled = full_width(OLD_CODE.lower().replace("0", "o").replace("-", "\n> "))
    assert blind_codes.read(f"{mangled}，谢谢 {blind_codes.write(SAMPLE)}") == (
        [SAMPLE, SAMPLE],
        [],
    )
    assert blind_codes.read(OLD_CODE[:40]) == ([], [Damaged("AMU1-7F3K-A6000", 30, 47)])
    wrong = OLD_CODE[:20] + "Z" + OLD_CODE[21:]
    assert blind_codes.read(wrong) == ([], [Damaged("AMU1-7F3K-A6000", 47, 47)])
    without_beginning = blind_codes.read(OLD_CODE[11:])
    assert without_beginning == ([], [Damaged("6000C-1S0XC", 42, None)])
    nobody = SAMPLE._replace(name="", choices=(None, Choice(1, 3, True)))
    assert blind_codes.read("AMU1-7F3K1-0000C-1S0XC-S01ZC-4X0TE") == ([nobody], [])


def test_the_two_sides_and_the_order_are_the_pages():
    """Park and Miller's generator with the multiplier 48271, as C++'s minstd_rand: its 10,000th
    number is known.
    """
    state = 1
    for _ in range(10_000):
        state = blind_codes.next_random(state)
    assert state == 399268537
    assert sorted(blind_codes.shown(77, 20)[0]) == list(range(20))


# Questions and pairs


def test_the_pool_leaves_out_what_was_answered_or_asked():
    first = interview_questions.QUESTIONS[0]
    last = interview_questions.QUESTIONS[-1]
    pool = pairs.pool({last.id}, [first.zh.upper() + "  !"])
    assert len(pool) == 94 and first not in pool and last not in pool
    assert pool[0] == interview_questions.QUESTIONS[-2], "the interview starts at the other end"


@pytest.mark.parametrize(
    "answer, share",
    [
        (
            "I fixed trams for twenty-six years and now I mend bicycles on Pier Three, with tea.",
            1.0,
        ),
        (
            "Nobody has ever written this sentence anywhere, which is the whole point of writing "
            "it.",
            0.0,
        ),
        ("我在电车厂修了二十六年车，领了一笔钱，领导跟我握了手，握得很松。", 1.0),
        ("这句话从来没有人写过，所以它不可能出现在任何一篇文章里面，对吧。", 0.0),
        ("short", 0.0),
    ],
)
def test_an_answer_out_of_ones_own_texts_is_noticed(answer, share):
    corpus = [
        "Hello. I FIXED trams for twenty six years, and now I mend bicycles on Pier Three with "
        "tea!",
        "我姓宁，我在电车厂修了二十六年车。领了一笔钱，领导跟我握了手，握得很松，差半圈。",
    ]
    assert pairs.copied(answer, corpus) == share


@pytest.mark.parametrize(
    "one, other, expected",
    [
        (
            "One two three. Four five six. Seven.",
            "One two three.",
            ("One two three.", "One two three."),
        ),
        ("One two three.", "One two three. Four five six.", ("One two three.", "One two three.")),
        (
            "一二三四五。六七八。",
            "一二三四五。六七八。九十。",
            ("一二三四五。六七八。", "一二三四五。六七八。"),
        ),
        (
            "A very long first sentence that never ends before here. B.",
            "No.",
            ("A very long first sentence that never ends before here.", "No."),
        ),
        ("no end in sight at all", "Yes.", ("no end in sight at all", "Yes.")),
    ],
)
def test_the_longer_of_a_pair_is_cut_after_a_sentence(one, other, expected):
    assert pairs.same_length(one, other) == expected


@given(st.text(max_size=3000), st.text(max_size=3000))
@settings(max_examples=50)
def test_no_answer_outgrows_the_page(one, other):
    assert all(
        len(text.encode()) <= pairs.MAX_BYTES
        for text in pairs.same_length(
            *(text.encode("utf-8", "replace").decode() for text in (one, other))
        )
    )


@pytest.mark.parametrize(
    "text, cut",
    [("One. Two. And then", "One. Two."), ("一。二", "一。"), ("never ends", "never ends")],
)
def test_a_sentence_that_broke_off_goes(text, cut):
    assert pairs.whole_sentences(text) == cut


def test_typing_tells_nothing():
    assert pairs.plain_punctuation("“It’s” – well… fine--no") == pairs.plain_punctuation(
        '"It\'s" — well... fine — no'
    )
    assert (
        pairs.plain_punctuation("他说,“好”。")
        == pairs.plain_punctuation("他说，「好」。")
        == '他说，"好"。'
    )
    assert pairs.plain_punctuation("等等——算了。") == pairs.plain_punctuation("等等--算了。")


def test_one_pair_in_five_is_easy_at_most_and_the_same_each_time():
    questions = [f"Question {n}?" for n in range(20)]
    assert [len(pairs.catch_trials(questions[:n], 3)) for n in (0, 4, 5, 14, 15, 20)] == [
        0,
        0,
        1,
        2,
        3,
        3,
    ]
    assert pairs.catch_trials(questions[::-1], 3) == pairs.catch_trials(questions, 3)


# What came back


def reply(test, wrong=(), friend=1, minute=0, read=(), sure=2, name="", skip=()):
    """A friend who picks the owner's answer except in the trials `wrong`."""
    choices = tuple(
        None if n in skip else Choice(one["first"] ^ (n in wrong), sure, n in read)
        for n, one in enumerate(test["trials"])
    )
    return Reply(test["id"], friend, blind_codes.START + 60 * minute, choices, name)


def codes(*all_):
    return "\n".join(map(blind_codes.write, all_))


@pytest.fixture
def exam():
    return made([trial(n, row="base" if n in (3, 7) else "twin", first=n % 2) for n in range(10)])


def test_picking_the_machine_is_being_fooled(exam):
    found = analysis.received(exam, codes(reply(exam, wrong=(0, 1))))
    assert [vote.fooled for vote in found.votes] == [True, True] + [False] * 8
    assert [vote.variant for vote in found.votes].count("base") == 2
    assert analysis.share(analysis.counted(found.votes))[0] == 2 / 8


def test_what_isnt_answered_doesnt_count(exam):
    found = analysis.received(exam, codes(reply(exam, wrong=(0,), skip=(1, 2))))
    assert len(found.votes) == 8 and analysis.share(analysis.counted(found.votes))[3] == 6


def test_the_same_friend_counts_once_with_the_newest_code_in_any_order(exam):
    old, new = reply(exam, wrong=(0, 1, 2), minute=5), reply(exam, wrong=(0,), minute=9)
    for text in (codes(old, new), codes(new, old), codes(new, old, new)):
        found = analysis.received(exam, text)
        assert (
            list(found.replies.values()) == [new] and sum(vote.fooled for vote in found.votes) == 1
        )


def test_a_code_of_another_test_is_named_and_not_counted(exam):
    other = {**exam, "id": "ZZZZ"}
    found = analysis.received(exam, codes(reply(other, name="Anna"), reply(exam)), earlier=["ZZZZ"])
    assert len(found.replies) == 1
    assert found.notes == [
        "The code AMU2-ZZZZ (Anna)… is from an earlier test of this twin, so it doesn't count: "
        "send "
        "that friend the newest page."
    ]
    assert "from another test" in analysis.received(exam, codes(reply(other))).notes[0]


def test_a_damaged_code_is_named_with_what_to_do(exam):
    code = codes(reply(exam))
    [note] = analysis.received(exam, code[:-8]).notes
    assert (
        note.startswith("The code AMU2-7F3K-BIAAA…")
        and "its end is missing (29/35)" in note
        and "press Copy" in note
    )
    [note] = analysis.received(
        exam, code[:20] + ("A" if code[20] != "A" else "B") + code[21:]
    ).notes
    assert "a character in it is wrong" in note


def test_friends_who_answer_at_random_and_known_texts_are_left_out(exam):
    good, bad = reply(exam, wrong=(0,), read=(1,)), reply(exam, wrong=(0, 1, 2, 3), friend=2)
    found = analysis.received(exam, codes(good, bad)).votes
    assert analysis.random_friends(found) == {2}, (
        "right in one of two easy pairs is what guessing gives"
    )
    counted = analysis.counted(found)
    assert {vote.friend for vote in counted} == {1} and len(counted) == 7


# The arithmetic


def votes(table):
    """Votes of a table of friends and questions, 1 where a friend was fooled, None where nothing
    was said.
    """
    return [
        analysis.Vote(f, q, "twin", bool(cell), sure=1, read=False, upper=True)
        for f, row in enumerate(table)
        for q, cell in enumerate(row)
        if cell is not None
    ]


def random_table(friends, questions, share, seed=1):
    source = random.Random(seed)
    return [[source.random() < share for _ in range(questions)] for _ in range(friends)]


def test_drawing_friends_again_is_as_in_scipys_own_bootstrap():
    """With questions that are alike but for chance, friends make nearly all of the interval."""
    import numpy
    from scipy import stats

    hits = [2, 19, 5, 18, 9, 1, 15, 12, 20, 3, 7, 14]
    table = [[n < hit for n in range(20)] for hit in hits]
    expected = stats.bootstrap(
        ([hit / 20 for hit in hits],),
        numpy.mean,
        method="percentile",
        n_resamples=4000,
        rng=numpy.random.default_rng(2),
    ).confidence_interval
    shuffled = [random.Random(place).sample(row, 20) for place, row in enumerate(table)]
    low, high = analysis.interval(votes(shuffled))
    assert low <= expected.low + 0.02 and high >= expected.high - 0.02
    assert high - low < 1.35 * (expected.high - expected.low)


def test_friends_who_differ_and_questions_that_differ_make_the_interval_wide():
    alike = [[(n + f) % 2 for n in range(20)] for f in range(10)]
    friends = [[f < 5] * 20 for f in range(10)]
    questions = [[n < 10 for n in range(20)]] * 10
    narrow, *wide = (
        [high - low for low, high in [analysis.interval(votes(table))]][0]
        for table in (alike, friends, questions)
    )
    assert narrow < 0.16 and min(wide) > 0.4


def test_no_interval_is_narrower_than_that_of_independent_answers():
    from twinlib.text.statistics import wilson

    for friends in (1, 2, 5, 12):
        table = random_table(friends, 20, 0.5, seed=friends)
        low, high = analysis.interval(votes(table))
        lowest, highest = wilson(sum(map(sum, table)), 20 * friends)
        assert low <= lowest and high >= highest


def test_where_all_answers_are_alike_the_interval_is_wilsons():
    from twinlib.text.statistics import wilson

    assert analysis.interval(votes([[0] * 20] * 10)) == wilson(0, 200)
    assert analysis.interval(votes([[1]])) == wilson(1, 1)


def test_friends_who_answered_different_questions_can_be_counted():
    table = [[1, None, None, 0], [None, 0, None, 1], [0, 1, 1, None]]
    value, low, high, n = analysis.share(votes(table))
    assert (value, n) == (4 / 7, 7) and 0 <= low < 4 / 7 < high <= 1


@pytest.mark.parametrize("n, right", [(20, 15), (40, 27), (100, 61), (6, 6), (5, None), (0, None)])
def test_how_many_right_beat_chance(n, right):
    assert analysis.beats_chance(n) == right


def test_how_many_answers_more_is_the_root_law():
    """97 answers measure 50 % to within 10 points, 43 to within 15; of 20 they are known to within
    22.
    """
    half = 1.96 * (0.25 / 20) ** 0.5
    assert round(half, 2) == 0.22
    assert analysis.needed(20, 0.5 - half, 0.5 + half, 0.10) + 20 == 97
    assert analysis.needed(20, 0.5 - half, 0.5 + half, 0.15) + 20 == 43
    assert analysis.needed(400, 0.46, 0.54, 0.10) == 0


@pytest.mark.parametrize(
    "share, friends, words",
    [
        (0.05, 10, "they can tell"),
        (0.5, 3, "too few to say"),
        (0.5, 40, "nobody can tell, within 15 points"),
        (0.95, 10, "more often than you"),
    ],
)
def test_the_sentence_says_what_the_interval_allows(share, friends, words):
    found = analysis.Received({}, [], votes(random_table(friends, 20, share)))
    said = analysis.sentence(found)["en"]
    assert words in said and f"{friends} friends" in said and "guessing: 50 %" in said
    assert ("for ±10 points (best by more friends)" in said) == (friends == 3)


def test_the_figure_of_the_report(exam):
    empty = analysis.fool_rate(None, "")
    assert empty["value"] is None and "no friend's code" in empty["note"]
    figure = analysis.fool_rate(exam, codes(reply(exam, wrong=(0, 1))))
    assert (
        figure["value"] == 0.25 and figure["n"] == 8 and 0 <= figure["low"] < 0.25 < figure["high"]
    )


# The step


def answer(twin, *own):
    write_records(
        twin.file("blind_answers"),
        [
            {
                "id": pairs.own_question(question).id,
                "question": question,
                "answer": text,
                "language": "en",
                "when": "2026-03-01T20:15:00",
                "skipped": False,
            }
            for question, text in own
        ],
    )


@pytest.fixture
def answered(sample_twin, tiny_base):
    """A twin with a Q8_0 file of the tiny base, and six answers."""
    base = load.prepare(str(tiny_base))
    tokenizer = load.tokenizer(base)
    vocabulary = gguf_vocabulary.read(tokenizer, 600, load.end_tokens(tokenizer))
    sample_twin.folder("quantize")
    sample_twin.remember(author="Ning", base={"name": base.name, "revision": base.revision})
    writer.write(
        tiny_base,
        {"Q8_0": sample_twin.gguf("Q8_0")},
        vocabulary,
        {"name": "tiny", "template": tokenizer.chat_template},
    )
    answer(
        sample_twin,
        *(
            (f"New question {n}?", f"An answer {n} that nobody has read. It ends here.")
            for n in range(6)
        ),
    )
    return sample_twin


def run(twin, **values):
    return step.run(twin, declared.make("blind_test", **values), Progress(None, "blind_test"))


@pytest.mark.slow
def test_the_twin_answers_and_the_key_and_the_page_are_kept(answered, capsys):
    run(answered, to="Ning, by mail")
    [test] = step.tests_of(answered)
    assert [one["row"] for one in test["trials"]].count("base") == 1 and len(test["trials"]) == 6
    assert {one["question"] for one in test["trials"]} == {f"New question {n}?" for n in range(6)}
    assert all(one["owner"].startswith("An answer") and one["other"] for one in test["trials"])
    assert test["to"] == "Ning, by mail" and test["file"] == "Q8_0" and len(test["model_sha"]) == 64
    assert len(answered.file("blind_test").read_bytes()) < 60_000
    assert "6 pairs, 1 of them easy" in capsys.readouterr().out


@pytest.mark.slow
def test_the_first_sample_stands_whatever_is_changed_later(answered, monkeypatch):
    run(answered)
    first = {one["question"]: one["text"] for one in answered.records("blind_samples")}
    monkeypatch.setattr("twinlib.models.llama_cpp.Llama.complete", None)
    monkeypatch.setattr("twinlib.models.generate.answers", None)
    run(answered, to="elsewhere")
    assert len(step.tests_of(answered)) == 1, (
        "the same pairs are the same test: codes that are out still count"
    )
    answer(
        answered,
        *(
            (f"New question {n}?", f"Another answer {n}, longer than before. And more.")
            for n in range(6)
        ),
    )
    run(answered)
    assert {one["question"]: one["text"] for one in answered.records("blind_samples")} == first
    tests = step.tests_of(answered)
    assert len(tests) == 2 and len({test["id"] for test in tests}) == 2


@pytest.mark.slow
def test_the_twin_may_write_half_as_much_again_as_the_owner(answered, monkeypatch):
    from twinlib.models.llama_cpp import Llama

    asked, chat = [], Llama.chat
    monkeypatch.setattr(
        Llama,
        "chat",
        lambda self, messages, most, heat, **more: (
            asked.append((messages, most, {"temperature": heat, **more}))
            or chat(self, messages, most, heat, **more)
        ),
    )
    answer(answered, ("Only one?", "Tram tram tram. " * 30))
    run(answered)
    with Llama(answered.gguf("Q8_0")) as llama:
        tokens = len(llama.tokenize(("Tram tram tram. " * 30).strip(), special=False))
    [(messages, most, more)] = asked
    assert most == -(-3 * tokens // 2) and more == {
        "seed": 1,
        "temperature": None,
        "recommended": True,
    }
    assert messages == [
        {"role": "system", "content": answered.facts["system_prompt"]},
        {"role": "user", "content": "Only one?"},
    ]


def test_the_key_is_drawn_anew_for_each_test(twin):
    trials = [{key: value for key, value in trial(n).items() if key != "first"} for n in range(40)]
    about = {"author": "Ning", "to": "", "file": "Q8_0", "model_sha": "x"}
    keys = [
        [one["first"] for one in step.keep_test(twin, trials[n:], about)["trials"]]
        for n in range(3)
    ]
    assert all(set(key) == {0, 1} for key in keys) and keys[0][2:] != keys[2]


@pytest.mark.slow
def test_without_the_base_there_are_no_easy_pairs_and_it_says_so(answered, capsys):
    answered.remember(base={"name": str(answered.path / "nowhere"), "revision": "x"})
    outcome = run(answered)
    assert "No easy pairs, because the base can't answer here" in outcome.warnings[0]
    assert all(one["row"] == "twin" for one in step.tests_of(answered)[0]["trials"])


@pytest.mark.slow
def test_a_base_larger_than_the_memory_is_not_loaded(answered, monkeypatch, capsys):
    from twinlib.models import plan

    small = {**plan.machine(), "gpu_gb": 0.0, "memory_gb": 0.5}
    monkeypatch.setattr(plan, "machine", lambda: small)
    monkeypatch.setattr(load, "load", None)
    assert "GB of memory and there are 0: run this where step 02 ran" in run(answered).warnings[0]


@pytest.mark.slow
def test_what_the_twin_learnt_from_is_no_question(answered):
    row = next(row for row in answered.records("train") if row["kind"] == "qa")
    question, known = row["messages"][-2]["content"], answered.records("documents")[0]["text"][:400]
    answer(
        answered,
        (question, "An answer that is quite new."),
        ("Something new?", known),
        ("Fine?", "Fine and new, all of it."),
    )
    own, notes = step.answered(answered)
    assert own == [("Fine?", "Fine and new, all of it.")]
    assert notes[0] == f"Left out, because the twin learnt from this question: {question}"
    assert notes[1].startswith("Left out, because the answer stands in your texts: Something new?")
    levels = [problem.level for problem in step.problems(declared.make("blind_test"), answered)]
    assert levels == ["warning"] * 3, "two left out, and too few"


@pytest.mark.slow
def test_nothing_answered_is_one_sentence(answered, monkeypatch):
    answered.file("blind_answers").unlink()
    [problem] = step.problems(declared.make("blind_test"), answered)
    assert problem.level == "stop" and "answer some with " in problem.text
    with pytest.raises(TwinError, match="interview --blind-test"):
        run(answered)
    monkeypatch.setattr("twinlib.commands.in_notebook", lambda: True)
    [problem] = step.problems(declared.make("blind_test"), answered)
    assert "answer some in the form of notebook 05" in problem.text


@pytest.mark.slow
def test_a_file_that_isnt_there_is_named(answered):
    [problem] = step.problems(declared.make("blind_test", type="Q4_K_M"), answered)
    assert "wanted: Q4_K_M; there: Q8_0" in problem.text


def test_personal_data_in_a_machines_answer_is_pointed_at():
    one = trial(0, other="Write to anna.smith@example.com tomorrow.")
    assert (
        "e-mail address: look at it before you send the page"
        in step.personal_data([one, trial(1)])[0]
    )
    named = trial(0, other="Ask Doe, Anna Maria about it.")
    assert "private name" in step.personal_data([named], ("Doe, Anna Maria",))[0]
    assert step.personal_data([named]) == []


# The command line


def command(*words, given=""):
    return subprocess.run(
        [sys.executable, "-m", "twinlib", *words],
        cwd=ROOT,
        input=given,
        capture_output=True,
        text=True,
        encoding="utf-8",
    )


@pytest.mark.slow
def test_codes_are_read_from_a_file_or_the_input_and_kept(answered, tmp_path):
    run(answered)
    [test] = step.tests_of(answered)
    file, twin = tmp_path / "codes.txt", str(answered.path)
    file.write_text(
        "hi "
        + codes(reply(test, wrong=(0, 1, 2), name="Anna"))[:-3]
        + "\n"
        + codes(reply(test, friend=2))
    )
    done = command("blind-test", "--twin", twin, "--codes", str(file))
    assert (done.returncode, done.stderr) == (0, "")
    assert (
        "didn't arrive whole" in done.stdout
        and "0 % of 5" not in done.stdout
        and "0% of 5 answers" in done.stdout
    )
    done = command(
        "blind-test",
        "--twin",
        twin,
        "--codes",
        "-",
        given=codes(reply(test, wrong=(0, 1, 2), name="Anna")),
    )
    assert "Anna" in done.stdout and "2 friends" in done.stdout
    assert len(answered.file("blind_codes").read_text().splitlines()) == 2
    done = command("blind-test", "--twin", twin, "--codes", "nowhere.txt")
    assert done.returncode == 1 and done.stderr.startswith("nowhere.txt can't be read")


@pytest.mark.slow
def test_without_answers_the_command_says_what_to_do(answered):
    answered.file("blind_answers").unlink()
    done = command("blind-test", "--twin", str(answered.path))
    assert done.returncode == 1 and "Traceback" not in done.stderr
    assert "interview --blind-test" in done.stderr


@pytest.mark.slow
def test_questions_are_asked_in_the_terminal(sample_twin):
    done = command(
        "interview",
        "--blind-test",
        "--twin",
        str(sample_twin.path),
        given="Half past five, and tea.\n\n\n\n\n",
    )
    assert (done.returncode, done.stderr) == (0, "")
    [kept] = map(
        json.loads, sample_twin.file("blind_answers").read_text(encoding="utf-8").splitlines()
    )
    assert (kept["id"], kept["answer"]) == (
        interview_questions.QUESTIONS[-1].id,
        "Half past five, and tea.",
    )
    assert not sample_twin.file("interview").exists() and "1 answered" in done.stdout
