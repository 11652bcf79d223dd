"""Questions by a model: the log that survives anything, and a real model on this machine."""

import json
import time
from collections import Counter
from contextlib import nullcontext

import pytest
from question_passages import json_of, passage

from twinlib import running, settings
from twinlib.command_line import main
from twinlib.corpus import step as corpus
from twinlib.corpus.questions import model, prompts, writers
from twinlib.corpus.questions.api import NoAnswer
from twinlib.corpus.questions.model import ask_all, ask_locally, ask_writer
from twinlib.corpus.questions.writers import base_of
from twinlib.files import TwinError, parsed_lines, read_records, sha256_of
from twinlib.gguf import writer
from twinlib.i18n import both, listed
from twinlib.models import gguf_vocabulary, load, pip_base, plan
from twinlib.twin import Report, Stopped, figure

# The log


def collected(seen):
    return lambda done, total, note, failed=0, **_: seen.append((done, total, failed))


def answers(*replies):
    """A model that gives a passage these replies, one a try, and counts the tries."""
    tries = Counter()

    def ask(passage, attempt):
        tries[passage.id] += 1
        reply = replies[attempt % len(replies)]
        if isinstance(reply, Exception):
            raise reply
        return reply

    return ask, tries


def test_every_passage_is_logged_and_failures_are_counted(tmp_path):
    log, seen = tmp_path / "corpus" / "questions.jsonl", []
    ask, tries = answers("nonsense", json_of("Who mended the kettle?"))
    found = ask_all(
        [passage(name="a"), passage(name="b"), passage(name="c", question="Asked by a reader?")],
        ask,
        log,
        "m",
        collected(seen),
    )
    assert found == ({"a": ["Who mended the kettle?"], "b": ["Who mended the kettle?"]}, Counter())
    records = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
    assert {r["passage"]: r for r in records}["a"] == {
        "passage": "a",
        "by": "m",
        "questions": ["Who mended the kettle?"],
        "tries": 2,
        "failed": "",
    }
    assert seen == [(1, 2, 0), (2, 2, 0)] and tries == {"a": 2, "b": 2}
    ask, tries = answers("nonsense")
    seen.clear()
    assert ask_all([passage(name="z")], ask, log, "m", collected(seen)) == (
        {},
        Counter({"json": 1}),
    )
    assert seen == [(1, 1, 1)] and tries == {"z": model.TRIES}


def test_what_is_logged_is_not_asked_again_but_another_model_is(tmp_path):
    log = tmp_path / "questions.jsonl"
    passages = [passage(name=str(n)) for n in range(9)]
    first = ask_all(
        passages, answers(json_of("Who mended the kettle?"))[0], log, "m", collected([])
    )
    ask, tries = answers(json_of("Why tea?"))
    assert ask_all(passages, ask, log, "m", collected([])) == first and not tries
    assert ask_all(passages[:2], ask, log, "other", collected([]))[0] == {
        "0": ["Why tea?"],
        "1": ["Why tea?"],
    }


def test_a_log_torn_at_any_byte_loses_only_what_was_torn(tmp_path):
    log = tmp_path / "questions.jsonl"
    passages = [passage("zh", name=str(n)) for n in range(2)]
    ask, _ = answers(json_of("谁把水壶焊好的？"))
    whole = ask_all(passages, ask, log, "m", collected([]))
    data = log.read_bytes()
    for cut in range(len(data)):
        log.write_bytes(data[:cut])
        ask, tries = answers(json_of("谁把水壶焊好的？"))
        assert ask_all(passages, ask, log, "m", collected([])) == whole
        lines = parsed_lines(data[:cut].decode(errors="replace"))
        assert len(tries) == 2 - sum(record is not None for _, record in lines)
        assert all(json.loads(line) for line in log.read_bytes().splitlines()), "mended"


def test_lines_that_are_no_records_are_passed_over(tmp_path):
    log = tmp_path / "questions.jsonl"
    log.write_text(
        '{"passage": "0", "by": "m", "questions": [1], "failed": ""}\nnull\n{"by": "m"}\n[]\n\n'
    )
    ask, tries = answers(json_of("Why tea?"))
    assert ask_all([passage(name="0")], ask, log, "m", collected([]))[0] == {
        "0": ["Why tea?"]
    } and tries == {"0": 1}


def test_a_stop_loses_nothing_that_was_answered(tmp_path):
    log, asked = tmp_path / "questions.jsonl", []

    def ask(passage, attempt):
        time.sleep(0.01)
        asked.append(passage.id)
        return json_of(fine(passage, attempt))

    def stop(done, total, note, failed):
        if done == 5:
            raise Stopped

    passages = kettles(60)
    with pytest.raises(Stopped):
        ask_all(passages, ask, log, "m", stop)
    time.sleep(0.1)
    logged = [json.loads(line)["passage"] for line in log.read_text().splitlines()]
    assert sorted(logged) == sorted(asked) and 5 <= len(logged) <= 5 + 2 * model.PARALLEL
    again = []
    assert (
        len(
            ask_all(
                passages,
                lambda p, attempt: again.append(p.id) or ask(p, attempt),
                log,
                "m",
                collected([]),
            )[0]
        )
        == 60
    )
    assert not set(again) & set(logged)


def test_an_unanswered_passage_is_asked_again_next_time_and_a_dead_service_ends_it(tmp_path):
    log = tmp_path / "questions.jsonl"
    ask, _ = answers(NoAnswer())
    assert ask_all([passage(name="0")], ask, log, "m", collected([])) == ({}, Counter(service=1))
    with pytest.raises(TwinError, match="8 passages in a row unanswered: try again later"):
        ask_all([passage(name=str(n)) for n in range(100)], ask, log, "m", collected([]))
    assert len(log.read_text().splitlines()) < 40
    ask, tries = answers(json_of("Who mended the kettle?"))
    assert ask_all([passage(name="0")], ask, log, "m", collected([]))[0] and tries == {"0": 1}


# Models on this machine


class Talker:
    """A Writer whose reply about a passage is `say(passage, attempt)`."""

    name, at_once, on_gpu = "talker", 4, False

    def __init__(self, say):
        self.say, self.asked = say, []

    def replies(self, turns):
        for one, attempt in turns:
            self.asked.append((one.id, attempt))
            yield one, self.say(one, attempt)


def kettles(count, split="train"):
    """Passages that each have a word of their own."""
    return [
        passage(name=f"{split}{n}", text=f"The kettle {n:03}rd is mine.", split=split)
        for n in range(count)
    ]


def fine(one, attempt):
    return f"What is the {one.text.split()[2]} to you?"


def test_held_out_passages_are_asked_about_first_and_failed_ones_in_the_next_batch(tmp_path):
    def say(one, attempt):
        return "nothing." if one.id == "test1" and attempt < 2 else fine(one, attempt)

    writer, passages = Talker(say), kettles(9) + kettles(2, "test")
    written = ask_writer(passages, writer, tmp_path / "log", 60, collected([]))
    assert len(written.questions) == 11 and not written.failures and not written.warnings
    assert {name for name, _ in writer.asked[:2]} == {"test0", "test1"}
    assert writer.asked[4] == ("test1", 1) and writer.asked[8] == ("test1", 2)
    assert len(writer.asked) == 13


def test_tries_that_a_stop_cut_short_go_on_where_they_stopped(tmp_path):
    def say(one, attempt):
        if attempt == 1:
            raise Stopped
        return "nothing."

    with pytest.raises(Stopped):
        ask_writer(kettles(3), Talker(say), tmp_path / "log", 60, collected([]))
    again = Talker(fine)
    ask_writer(kettles(3), again, tmp_path / "log", 60, collected([]))
    assert {attempt for _, attempt in again.asked} == {1} and len(again.asked) == 3


def test_a_question_must_single_out_its_passage(tmp_path):
    writer = Talker(lambda one, attempt: "What is the kettle to you?")
    written = ask_writer(kettles(9), writer, tmp_path / "log", 60, collected([]))
    assert len(writer.asked) == 9 * prompts.TRIES and written.failures == {"subject": 9}
    writer = Talker(lambda one, attempt: "What is 001rd to you?")
    written = ask_writer(kettles(9), writer, tmp_path / "log2", 60, collected([]))
    assert list(written.questions) == ["train1"] and written.failures == {"subject": 8}


def test_when_the_time_is_over_a_sentence_says_so_and_the_next_run_goes_on(tmp_path):
    log, passages = tmp_path / "log", kettles(20)

    def slow(one, attempt):
        time.sleep(0.03)
        return fine(one, attempt)

    first = Talker(slow)
    written = ask_writer(passages, first, log, 0.2, collected([]))
    assert 4 <= len(written.questions) < 20 and len(first.asked) == len(written.questions)
    asked = len(written.questions)
    assert f"wrote questions for {asked} of 20 passages" in written.warnings[0]
    assert written.waiting == 20 - asked
    second = Talker(fine)
    assert len(ask_writer(passages, second, log, 60, collected([])).questions) == 20
    assert not set(first.asked) & set(second.asked) and len(second.asked) == 20 - asked


def test_a_run_that_had_no_time_for_all_questions_goes_on_when_it_is_run_again(
    twin, posts, monkeypatch, capsys
):
    monkeypatch.setenv("TWINLIB_LANG", "en")
    talker = Talker(lambda one, attempt: f"What about {one.terms[0]}?" if one.terms else "")
    monkeypatch.setattr(writers, "open_writer", lambda *_: nullcontext(talker))
    few, enough = 1e-9, 60.0

    def run(minutes):
        monkeypatch.setattr(model, "MINUTES", minutes)
        command = ["corpus", "--twin", str(twin.path), "--source", str(posts), "--author", "Ning"]
        assert main(command) == 0
        return capsys.readouterr().out

    assert "twinlib corpus again, which goes on from there" in run(few)
    twin.checkpoints("persona").mkdir(parents=True)
    monkeypatch.setenv(running.SERIES, "1")
    assert "done already" in run(enough), "a tour takes no rows from a training under way"
    monkeypatch.delenv(running.SERIES)
    assert not talker.asked
    assert "done already" not in run(enough) and talker.asked
    count = len(talker.asked)
    assert "done already" in run(enough) and len(talker.asked) == count


def test_an_older_report_whose_note_says_that_time_was_over_is_gone_on_with(twin):
    note = listed([both("corpus.asked_as_far_as_time_allowed", asked=1, total=2, minutes=1)])
    asked = {"asked_by": figure(1, note=note)}
    twin.finish(Report("corpus", {}, 0, 1, {}, {}, {}, asked, []))
    assert corpus.unfinished(settings.make("corpus"), twin)
    twin.finish(Report("corpus", {}, 0, 1, {}, {}, {}, {"asked_by": figure(1)}, []))
    assert not corpus.unfinished(settings.make("corpus"), twin)


def test_the_time_left_is_never_more_than_the_time_allowed(tmp_path):
    seen = []

    def notice(done, total, note, failed, seconds_left):
        seen.append(seconds_left)
        time.sleep(0.02)

    ask_writer(kettles(40), Talker(fine), tmp_path / "log", 0.3, notice)
    assert max(seen) <= 0.3 and seen[-1] < max(seen)


@pytest.fixture(scope="module")
def gguf(tiny_base, tmp_path_factory):
    """The tiny base as a GGUF file."""
    path = tmp_path_factory.mktemp("gguf") / "tiny.gguf"
    tokenizer = load.tokenizer(load.prepare(str(tiny_base)))
    vocabulary = gguf_vocabulary.read(tokenizer, 600, load.end_tokens(tokenizer))
    writer.write(
        tiny_base, {"F16": path}, vocabulary, {"name": "tiny", "template": tokenizer.chat_template}
    )
    return path


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["file", "folder"])
def test_a_model_on_this_machine_is_named_and_its_failures_are_seen(
    kind, gguf, tiny_base, tmp_path
):
    log, asked = tmp_path / "log.jsonl", [passage(name="a"), passage("zh", name="b")]
    model = gguf if kind == "file" else tiny_base
    written = ask_locally(asked, str(model), log, lambda *_, **__: None)
    (name,) = {record["by"] for record in read_records(log)}
    named = f"tiny.gguf {sha256_of(gguf)[:12]}" if kind == "file" else str(tiny_base)
    assert name == named and not written.warnings
    assert len(written.questions) + written.failures.total() == 2


@pytest.mark.slow
def test_the_real_base_asks_what_its_passages_answer(tmp_path):
    name = "qwen2.5-coder-0.5b-instruct"
    if name not in pip_base.on_disk():
        pytest.skip(f"needs {name} on this disk")
    texts = {
        "en": "The cat of the harbour office sleeps on the scales. Whoever weighs a parcel pays "
        "for one cat more, and nobody has ever complained. I pay the difference gladly.",
        "zh": "码头上有一只猫，睡在磅秤上。谁来称包裹，都要多付一只猫的钱，也没有人说过什么。"
        "我每次都多付，付得很高兴，因为它打呼噜的声音像一台老电车。",
    }
    asked = [passage(language, language, text=text) for language, text in texts.items()]
    others = [passage("zh", "kettle"), passage("en", "old kettle")]
    for other in others:
        other.question = "asked by a reader"
    written = ask_locally(asked + others, name, tmp_path / "log", lambda *_, **__: None, 5)
    assert set(written.questions) == {"en", "zh"}, written.failures


def test_the_base_of_the_twin_asks_unless_the_owner_names_another(twin):
    chosen = settings.make("corpus", source="x")
    assert base_of(chosen, twin) == plan.recommended_base(plan.machine())[0]
    twin.start("persona", {"base": "qwen3-4b"})
    assert base_of(chosen, twin) == "qwen3-4b"
    assert base_of(settings.make("corpus", question_model="a.gguf"), twin) == "a.gguf"


def test_a_model_that_is_not_there_is_a_sentence_or_leaves_the_asking_to_titles(tmp_path):
    def ask(name, required=True):
        return ask_locally([passage()], name, tmp_path / "log", collected([]), "auto", required)

    with pytest.raises(TwinError, match="no model 'nosuch' to ask questions"):
        ask("nosuch")
    (tmp_path / "bad.gguf").write_bytes(b"GGUF not really")
    with pytest.raises(TwinError, match="the file is damaged or"):
        ask(str(tmp_path / "bad.gguf"))
    written = ask("nobody/nothing:nowhere.gguf", required=False)
    assert written.questions == {} and "could not be downloaded" in written.warnings[0]
    assert written.warnings[0].endswith("Until then ready-made questions are used.")
