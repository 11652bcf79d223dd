"""Publishing: a dry run shows what an upload sends, and the real client sends it to a stand-in."""

import json
import os
import socket
import subprocess
import sys

import pytest
from hub_standin import serve
from huggingface_hub import DatasetCard, ModelCard

from twinlib import Twin, settings
from twinlib.files import write_atomic, write_json, write_records
from twinlib.models import hub as uploader
from twinlib.progress import Progress
from twinlib.publish import step as publish
from twinlib.text import interview_questions
from twinlib.twin import Report, figure
from twinlib.ui import tables

TOKEN = "hf_FAKEtokenThatMustNeverShow0123456789"
SMALL = {
    "template": "{{ .Prompt }}",
    "system": "You are Ning.",
    "modelfile": "FROM ./demo-F16.gguf",
    "params": '{"temperature": 0.7, "stop": ["<end>"]}',
}

# The step as the command line runs it: a report at the end, one sentence and status 1 when it
# fails. Without os.link, as on Google Drive, whose file system has no hard links.
CHILD = """
import os, sys
del os.link
from twinlib import Twin, TwinError, settings
from twinlib.progress import Progress
from twinlib.publish import step as publish
from twinlib.twin import Report
twin = Twin.open(sys.argv[1])
wanted = settings.make("publish", **dict(a.split("=") for a in sys.argv[2:]))
twin.start("publish", vars(wanted))
found = settings.stops(publish.problems(wanted, twin))
if found:
    sys.exit(found[0].text)
try:
    outcome = publish.run(twin, wanted, Progress(twin.history("publish"), "publish"))
except TwinError as error:
    sys.exit(str(error))
result = (outcome.inputs, outcome.figures, outcome.warnings)
twin.finish(Report("publish", vars(wanted), 0, 0, {}, {}, *result))
"""


def finish(twin, step, values, *inputs, **figures):
    twin.finish(
        Report(
            step,
            values,
            0.0,
            1.0,
            {},
            {},
            twin.inputs(*inputs, base=True),
            {name: figure(value) for name, value in figures.items()},
            [],
        )
    )


@pytest.fixture
def ready(twin):
    """A twin whose steps 01 to 05 are done; the GGUF files are random bytes."""
    twin.remember(
        author="宁 Ning",
        languages=["zh", "en"],
        system_prompt="You are Ning.",
        base={"name": "gemma-3-270m", "revision": "abc123"},
        consent={"given": True, "when": 1_700_000_000},
    )
    write_records(
        twin.file("passages"),
        [
            {
                "id": "p1",
                "document": "private-file-name.md",
                "text": "[EMAIL] 写信给我",
                "split": "train",
            },
            {"id": "p2", "document": "b", "text": "The rain came in at four.", "split": "test"},
        ],
    )
    for made in ("train", "answers"):
        write_records(twin.file(made), [])
    for key in ("train", "answers"):
        write_records(twin.file(key), [])
    finish(twin, "corpus", {"mask": True}, documents=40)
    adapter = twin.adapter("persona")
    write_atomic(adapter / "adapter_model.safetensors", os.urandom(2_000))
    write_json(
        adapter / "adapter_config.json",
        {"base_model_name_or_path": "/home/ning/.cache/base", "r": 32, "lora_alpha": 64},
    )
    write_atomic(adapter / "training_args.bin", b"not for others")
    finish(twin, "persona", {"rank": 32, "base": "/home/ning/.cache/base"}, val_loss=3.2)
    for kind, size in (("Q8_0", 2_500_000), ("F16", 1_200_000), ("Q5_0", 10)):
        write_atomic(twin.gguf(kind), os.urandom(size))
    for key, text in SMALL.items():
        write_atomic(twin.file(key), text)
    finish(twin, "quantize", {"types": "q8_0, F16"}, adapter)  # Q5_0 was left by an earlier run
    finish(twin, "evaluate", {}, twin.gguf("Q8_0"), sounds_like_me=0.71)
    return twin


@pytest.fixture
def hub(tmp_path):
    with serve(tmp_path / "hub", TOKEN) as running:
        running.part_size = 1_000_000
        yield running


def dry_run(twin, **values):
    wanted = settings.make("publish", **values)
    return publish.run(twin, wanted, Progress(twin.history("publish"), "publish"))


def child(twin, endpoint, *values, token=TOKEN):
    """Publish with the real client in a process of its own, as the notebook does."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("HF_")}
    environment = {
        **clean,
        "HF_ENDPOINT": endpoint,
        "HF_HUB_DISABLE_XET": "1",
        "HF_HOME": str(twin.path.parent / "hf"),
    }
    return subprocess.run(
        [sys.executable, "-c", CHILD, str(twin.path), "user=me", *values],
        capture_output=True,
        text=True,
        timeout=60,
        env={**environment, "HF_TOKEN": token} if token else environment,
    )


def listed(twin, repository):
    """{name: bytes} of what would be uploaded to a repository, read from where it lies."""
    return {
        one["file"]: (twin.path / one["path"]).read_bytes()
        for one in twin.records("uploads")
        if one["repository"].endswith("/" + repository)
    }


def command_line(twin, endpoint, *arguments):
    """The same by `python -m twinlib publish`."""
    return subprocess.run(
        [sys.executable, "-m", "twinlib", "publish", "--twin", str(twin.path), *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        env={
            **os.environ,
            "HF_ENDPOINT": endpoint,
            "HF_HUB_DISABLE_XET": "1",
            "HF_HUB_OFFLINE": "0",
            "HF_HOME": str(twin.path.parent / "hf"),
            "HF_TOKEN": TOKEN,
        },
    )


def assert_unseen(twin, result, hub=None):
    """The token is in no output and in no file of the twin (nor in what arrived at the hub)."""
    assert TOKEN not in result.stdout + result.stderr
    folders = [twin.path, twin.path.parent, *([hub.folder] if hub else [])]
    for path in (path for folder in folders for path in folder.rglob("*") if path.is_file()):
        assert TOKEN.encode() not in path.read_bytes(), path


# The dry run


def test_a_dry_run_writes_what_would_be_uploaded_and_says_that_nothing_left(ready, capsys):
    outcome = dry_run(ready)
    assert set(listed(ready, "demo-GGUF")) == {
        "demo-Q8_0.gguf",
        "demo-F16.gguf",
        "template",
        "system",
        "params",
        "Modelfile",
        "README.md",
        "NOTICE",
    }
    assert set(listed(ready, "demo-lora")) == {
        "adapter_model.safetensors",
        "adapter_config.json",
        "README.md",
        "NOTICE",
    }
    assert not ready.upload("demo-corpus").exists()
    shown = capsys.readouterr().out
    assert "nothing has left this machine" in shown
    assert "ollama run hf.co/<YOUR-NAME>/demo-GGUF:Q8_0" in shown and "id_ed25519.pub" in shown
    assert "<YOUR-NAME>/demo-GGUF  demo-Q8_0.gguf" in shown and "2.5 MB" in shown
    assert {name: one["value"] for name, one in outcome.figures.items() if name != "megabytes"} == {
        "repositories": 2,
        "files": 12,
        "uploaded": 0,
    }
    assert outcome.figures["megabytes"]["value"] == pytest.approx(3.71, abs=0.01)


def test_nothing_that_the_twin_has_is_written_a_second_time(ready, monkeypatch):
    """Drive knows no hard links, and its free 15 GB hold a large twin's GGUF files only once."""
    monkeypatch.delattr(os, "link")
    dry_run(ready, corpus=True)
    written = [
        path
        for path in ready.folder("publish").rglob("*.*")
        if path.is_file() and path.name != "history.jsonl"
    ]
    assert {path.name for path in written} == {
        "README.md",
        "adapter_config.json",
        "train.jsonl",
        "test.jsonl",
        "uploads.jsonl",
    }
    assert sum(path.stat().st_size for path in written) < 100_000
    sizes = {one["file"]: one["bytes"] for one in ready.records("uploads")}
    assert (
        sizes["demo-Q8_0.gguf"],
        sizes["demo-F16.gguf"],
        sizes["adapter_model.safetensors"],
    ) == (2_500_000, 1_200_000, 2_000)


def test_a_copy_that_an_older_version_made_is_removed_and_the_twins_file_stays(ready):
    copy = ready.upload("demo-GGUF") / "demo-Q8_0.gguf"
    copy.parent.mkdir(parents=True)
    os.link(ready.gguf("Q8_0"), copy)
    dry_run(ready)
    assert not copy.exists() and ready.gguf("Q8_0").stat().st_size == 2_500_000


def test_what_is_no_longer_ticked_does_not_stay_behind(ready):
    dry_run(ready, corpus=True)
    write_atomic(ready.upload("demo-GGUF") / "old.gguf", b"old")
    assert ready.upload("demo-corpus").exists()
    dry_run(ready, corpus=False, adapter=False)
    assert not ready.upload("demo-corpus").exists() and not ready.upload("demo-lora").exists()
    assert not (ready.upload("demo-GGUF") / "old.gguf").exists()
    assert {one["repository"] for one in ready.records("uploads")} == {"<YOUR-NAME>/demo-GGUF"}


def test_the_adapter_says_the_hub_name_of_its_base_and_no_path_of_this_machine(ready):
    dry_run(ready)
    config = json.loads(listed(ready, "demo-lora")["adapter_config.json"])
    shape = {"r": 32, "lora_alpha": 64}
    assert config == {"base_model_name_or_path": "google/gemma-3-270m", **shape, "revision": None}
    assert not any(b"/home/ning" in data for data in listed(ready, "demo-lora").values())


def test_the_corpus_goes_as_bare_passages_by_split(ready):
    dry_run(ready, corpus=True)
    files = listed(ready, "demo-corpus")
    assert set(files) == {"train.jsonl", "test.jsonl", "README.md"}
    assert json.loads(files["train.jsonl"]) == {"text": "[EMAIL] 写信给我"}
    assert not any(b"private-file-name" in data for data in files.values())
    assert (
        DatasetCard(files["README.md"].decode()).data.configs[0]["data_files"][0]["path"]
        == "train.jsonl"
    )
    assert ModelCard(listed(ready, "demo-GGUF")["README.md"].decode()).data.datasets == [
        "<YOUR-NAME>/demo-corpus"
    ]


def say(twin, *answers, source="local"):
    """Answers of the twin's last evaluation: (question, text); `source` asked the questions."""
    records = [
        {"id": str(n), "question": question, "row": "twin", "text": text}
        for n, (question, text) in enumerate(answers)
    ]
    write_records(twin.file("answers"), records)
    rows = [
        {"source": source, "messages": [{"role": "user", "content": question}]}
        for question, _ in answers
    ]
    write_records(twin.file("test"), rows)


def test_the_card_has_the_score_card_and_an_answer_that_may_be_shown(ready):
    own = "The rain came in at four and nobody at the tram stop had an umbrella but the cat. " * 2
    write_records(
        ready.file("passages"), [{"id": "p", "document": "d", "text": own, "split": "train"}]
    )
    say(
        ready,
        ("Who has an umbrella?", own),
        ("How do I reach you?", "Write to me: ning@example.com, at any hour."),
        ("Is coffee better than tea?", "Tea is patient, neighbour; coffee shouts."),
        ("茶要烫吗？", "要烫。凉茶是给客人等的，不是给人喝的。"),
    )
    for code in ("en", "zh"):
        write_atomic(ready.file(f"score_card_{code}"), b"PNG " + code.encode())
    dry_run(ready)
    for repository in ("demo-GGUF", "demo-lora"):
        files = listed(ready, repository)
        assert files["score_card_en.png"] == b"PNG en" and files["score_card_zh.png"] == b"PNG zh"
        chinese, english = files["README.md"].decode().split("## English")
        assert "coffee shouts" in english and "(score_card_en.png)" in english
        assert "凉茶是给客人等的" in chinese and "(score_card_zh.png)" in chinese
        assert "umbrella" not in english and "example.com" not in english


TEA = "Tea is patient, neighbour; coffee shouts."


def test_what_somebody_else_asked_is_not_on_the_card(ready):
    say(ready, ("My sister is ill again. Tea?", TEA), source="reader")
    dry_run(ready)
    card = listed(ready, "demo-GGUF")["README.md"].decode()
    assert "sister" not in card and "coffee shouts" not in card
    say(ready, ("What does tea have that coffee lacks?", TEA), source="title")
    dry_run(ready)
    assert "coffee shouts" in listed(ready, "demo-GGUF")["README.md"].decode()


def test_a_question_of_the_interview_may_stand_on_the_card(ready):
    question = interview_questions.QUESTIONS[0].en
    say(ready, (question, TEA), source="reader")
    dry_run(ready)
    assert "coffee shouts" in listed(ready, "demo-GGUF")["README.md"].decode()


@pytest.mark.parametrize("listed_in", ["settings", "decisions"])
def test_private_names_are_neither_in_the_question_nor_in_the_answer_on_the_card(ready, listed_in):
    names = '"Doe, Anna Maria", 王小明'
    if listed_in == "settings":
        ready.start("corpus", {"names": names})
    else:
        ready.decide("privacy names", action="mask", text=names)
    say(
        ready,
        ("What does Doe, Anna Maria drink?", TEA),
        ("Who drinks tea?", f"Doe, Anna Maria does. {TEA}"),
        ("王小明喝什么？", "凉茶是给客人等的，不是给人喝的。"),
        ("谁喝茶？", "王小明喝，凉茶是给客人等的。"),
        ("Where is tea kept?", "In the tin, neighbour, beside the oil can."),
    )
    dry_run(ready)
    card = listed(ready, "demo-GGUF")["README.md"].decode()
    assert "Anna" not in card and "王小明" not in card
    assert "beside the oil can" in card, "another answer is shown"


def test_a_question_with_personal_data_or_a_long_quotation_is_not_on_the_card(ready):
    long = (
        "He stood at the tram stop for an hour and said nothing of what he had seen on the pier, "
    )
    long += "in the rain, under the clock"
    write_records(
        ready.file("passages"),
        [{"id": "p", "document": "d", "text": f"{long} that night.", "split": "test"}],
    )
    say(ready, (f"Why do you say that {long} that night?", TEA), ("Is ann@example.com yours?", TEA))
    dry_run(ready)
    card = listed(ready, "demo-GGUF")["README.md"].decode()
    assert "tram stop" not in card and "example.com" not in card


def test_an_evaluation_of_an_older_model_is_not_on_the_card(ready):
    say(ready, ("Is coffee better than tea?", "Tea is patient, neighbour; coffee shouts."))
    write_atomic(ready.file("score_card_en"), b"PNG")
    write_atomic(ready.gguf("Q8_0"), os.urandom(2_500_000))
    dry_run(ready)
    files = listed(ready, "demo-GGUF")
    assert "Not measured" in files["README.md"].decode() and "score_card_en.png" not in files
    assert "coffee" not in files["README.md"].decode()


def test_texts_of_a_step_01_that_is_out_of_date_do_not_go_out(ready):
    ready.start("corpus", {"mask": True, "short": 200})
    finish(ready, "corpus", {"mask": True, "short": 80}, documents=40)
    assert has(
        levels(ready, corpus=True),
        "warning",
        "What corpus (Prepare your corpus) made is out of date",
    )
    assert has(
        levels(ready, corpus=True, upload=True, user="me"),
        "stop",
        "What corpus (Prepare your corpus) made is out of date",
    )
    assert not has(levels(ready, upload=True, user="me"), "stop", "Step 01")
    ready.report_path("corpus").unlink()
    assert has(levels(ready, corpus=True), "stop", "There are no texts")


def test_a_report_is_stale_once_what_was_published_changed(ready):
    outcome = dry_run(ready)
    ready.finish(
        Report("publish", vars(outcome.settings), 0, 0, {}, {}, outcome.inputs, outcome.figures, [])
    )
    assert ready.state("publish").name == "done"
    ready.file("uploads").rename(ready.path / "aside")
    assert ready.state("publish").why == "uploads.jsonl is gone"
    (ready.path / "aside").rename(ready.file("uploads"))
    write_atomic(ready.file("system"), "You are someone else.")
    assert ready.state("publish").name == "stale"


# What is wrong beforehand


def levels(twin, **values):
    return [
        (problem.level, problem.text)
        for problem in publish.problems(settings.make("publish", **values), twin)
    ]


def has(found, level, words):
    return any(one == level and words in text for one, text in found)


def test_a_ready_twin_has_nothing_wrong_in_a_dry_run(ready):
    assert levels(ready) == []


def test_consent_is_a_warning_in_a_dry_run_and_a_stop_for_an_upload(ready, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    ready.remember(consent={})
    assert has(levels(ready), "warning", "consent")
    assert has(levels(ready, upload=True, user="me"), "stop", "consent")


def test_each_missing_thing_is_said_with_the_next_action(twin, ready, monkeypatch, tmp_path):
    monkeypatch.setenv("HF_HOME", str(tmp_path))
    assert has(levels(ready, gguf=False, adapter=False), "stop", "Nothing is chosen")
    assert has(levels(ready, upload=True), "stop", "your Hugging Face name")
    assert has(levels(ready, user="me/you"), "stop", "can't name a repository")
    write_atomic(ready.adapter("persona") / "adapter_model.safetensors", b"new")
    assert has(levels(ready), "warning", "What quantize (Make it run anywhere) made is out of date")
    for kind in ("Q8_0", "F16"):
        ready.gguf(kind).unlink()
    assert has(levels(ready), "stop", "quantize")
    ready.report_path("evaluate").unlink()
    assert has(levels(ready), "warning", "evaluate")


def test_an_empty_twin_has_problems_and_no_crash(twin):
    assert has(levels(twin), "stop", "quantize") and has(
        levels(twin, corpus=True), "stop", "twinlib corpus"
    )


@pytest.mark.parametrize(
    "base, words",
    [
        ("qwen2.5-3b", "forbids commercial use"),
        ("someone/model", "not known"),
        ("llama-3.2-1b", "begins with 'Llama'"),
    ],
)
def test_what_the_licence_of_the_base_asks_is_said(ready, base, words):
    ready.remember(base={"name": base, "revision": "abc123"})
    assert has(levels(ready), "warning", words)


def test_unmasked_texts_are_not_uploaded(ready, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    finish(ready, "corpus", {"mask": False})
    assert has(levels(ready, upload=True, user="me", corpus=True), "stop", "isn't masked")


@pytest.mark.parametrize(
    "address", ["https://hf-mirror.com", "http://huggingface.co", "https://huggingface.co.x.org"]
)
def test_the_token_goes_to_no_mirror_and_not_in_clear(ready, monkeypatch, address):
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    monkeypatch.setenv("HF_ENDPOINT", address)
    assert has(levels(ready, upload=True, user="me"), "stop", "mirror")
    with pytest.raises(publish.hub.TwinError, match="mirror"):
        uploader.upload([], True, "me", None, None)


# The upload, by the real client


@pytest.mark.slow
def test_what_arrives_is_the_dry_run_byte_for_byte_and_private(ready, hub):
    dry_run(ready, user="me", corpus=True)
    shown = {name: listed(ready, name) for name in ("demo-GGUF", "demo-lora", "demo-corpus")}
    result = child(ready, hub.url, "upload=yes", "corpus=yes")
    assert result.returncode == 0, result.stderr
    assert "Uploaded: https://huggingface.co/me/demo-GGUF" in result.stdout
    for name, files in shown.items():
        held = hub.repositories[f"me/{name}"]
        assert held["private"] is True and held["kind"] == (
            "dataset" if name == "demo-corpus" else "model"
        )
        assert {path: file["size"] for path, file in held["files"].items()} == {
            n: len(d) for n, d in files.items()
        }
        assert {path: hub.file(f"me/{name}", path) for path in held["files"]} == files
    assert ready.report("publish").figures["uploaded"]["value"] == 1
    assert not [
        *ready.folder("publish").rglob("*.gguf"),
        *ready.folder("publish").rglob("*.safetensors"),
    ]
    card = ModelCard(hub.file("me/demo-GGUF", "README.md").decode())
    assert (card.data.license, card.data.base_model) == ("gemma", "google/gemma-3-270m")
    # Q8_0 is larger than one part: it went in three.
    assert sum("/part/" in path for _, path in hub.calls) == 3 + 2
    assert_unseen(ready, result, hub)


@pytest.mark.slow
def test_the_command_line_publishes_and_keeps_the_token_out_of_sight(ready, hub):
    result = command_line(ready, hub.url, "--user", "me", "--upload", "yes", "--gguf", "no")
    assert result.returncode == 0, result.stderr
    assert set(hub.repositories) == {"me/demo-lora"} and ready.state("publish").name == "done"
    assert_unseen(ready, result, hub)


@pytest.mark.slow
def test_a_second_upload_sends_only_what_changed_and_clears_old_gguf_files(ready, hub):
    assert child(ready, hub.url, "upload=yes", "adapter=no").returncode == 0
    hub.calls.clear()
    finish(ready, "quantize", {"types": "Q8_0"}, ready.adapter("persona"))
    result = child(ready, hub.url, "upload=yes", "adapter=no")
    assert result.returncode == 0, result.stderr
    assert "demo-F16.gguf" not in hub.repositories["me/demo-GGUF"]["files"]
    assert not any(path.startswith("/objects/") for _, path in hub.calls)


@pytest.mark.slow
def test_a_repository_that_was_not_made_from_here_stays_as_it_is(ready, hub):
    hub.create("me/demo-GGUF", private=True)
    theirs = {"README.md": b"mine", "other-model-Q8_0.gguf": b"weights", "data/train.jsonl": b"{}"}
    for name, data in theirs.items():
        hub.put("me/demo-GGUF", name, data)
    result = child(ready, hub.url, "upload=yes")
    assert result.returncode == 1 and len(result.stderr.splitlines()) == 1
    assert "me/demo-GGUF already exists with files that did not come from here" in result.stderr
    assert "other-model-Q8_0.gguf" in result.stderr
    held = hub.repositories["me/demo-GGUF"]["files"]
    assert {name: hub.file("me/demo-GGUF", name) for name in held} == theirs
    assert not ready.file("uploaded").exists()


@pytest.mark.slow
def test_the_dry_run_lists_what_is_deleted_and_only_that_is(ready, hub, capsys):
    assert child(ready, hub.url, "upload=yes", "adapter=no").returncode == 0
    hub.put("me/demo-GGUF", "other-model-Q8_0.gguf", b"weights")
    finish(ready, "quantize", {"types": "Q8_0"}, ready.adapter("persona"))
    before = set(hub.repositories["me/demo-GGUF"]["files"])
    dry_run(ready, user="me", adapter=False)
    deleted = [one["file"] for one in ready.records("uploads") if one.get("deleted")]
    assert deleted == ["demo-F16.gguf"]
    [line] = [line for line in capsys.readouterr().out.split("\n") if "demo-F16.gguf" in line]
    assert line.endswith(" deleted")
    assert "demo-F16.gguf" in tables.uploads(ready).text
    result = child(ready, hub.url, "upload=yes", "adapter=no")
    assert result.returncode == 0, result.stderr
    assert set(hub.repositories["me/demo-GGUF"]["files"]) == before - {"demo-F16.gguf"}
    [said] = [each for each in ready.report("publish").warnings if "other-model" in each]
    assert "keeps them: other-model-Q8_0.gguf." in said


@pytest.mark.slow
def test_where_a_folder_knows_of_no_upload_our_commit_tells_that_the_repository_is_ours(ready, hub):
    assert child(ready, hub.url, "upload=yes", "adapter=no").returncode == 0
    ready.file("uploaded").unlink()
    finish(ready, "quantize", {"types": "Q8_0"}, ready.adapter("persona"))
    result = child(ready, hub.url, "upload=yes", "adapter=no")
    assert result.returncode == 0, result.stderr
    assert "demo-F16.gguf" in hub.repositories["me/demo-GGUF"]["files"], "it is not known whose"
    assert any("demo-F16.gguf" in each for each in ready.report("publish").warnings)


@pytest.mark.slow
def test_a_private_repository_is_not_filled_when_a_public_one_was_asked_for(ready, hub):
    hub.create("me/demo-lora", private=True)
    result = child(ready, hub.url, "upload=yes", "private=no")
    assert result.returncode == 1
    assert "me/demo-lora already exists and is private" in result.stderr
    assert all(not held["files"] for held in hub.repositories.values())


@pytest.mark.slow
def test_a_public_repository_is_not_filled_when_private_was_asked_for(ready, hub):
    hub.create("me/demo-lora", private=False)
    result = child(ready, hub.url, "upload=yes")
    assert result.returncode == 1
    assert (
        "me/demo-lora already exists and is public" in result.stderr
        and len(result.stderr.splitlines()) == 1
    )
    assert all(not held["files"] for held in hub.repositories.values())
    assert not ready.report_path("publish").exists()


@pytest.mark.slow
def test_an_error_of_the_server_at_any_call_is_got_over(ready, hub):
    hub.faults = dict.fromkeys(
        ["/whoami-v2", "/repos/create", "/commit/", "/objects/", "/preupload/", "/tree/"], 1
    )
    result = child(ready, hub.url, "upload=yes", "adapter=no")
    assert result.returncode == 0, result.stderr
    assert set(hub.faults.values()) == {0} and "Retrying" not in result.stderr
    assert hub.file("me/demo-GGUF", "demo-Q8_0.gguf") == ready.gguf("Q8_0").read_bytes()


@pytest.mark.slow
def test_a_server_that_stays_broken_gives_one_sentence(ready, hub):
    hub.faults["/api/repos/create"] = 99
    result = child(ready, hub.url, "upload=yes")
    assert (result.returncode, len(result.stderr.splitlines())) == (1, 1)
    assert "has trouble just now" in result.stderr
    assert_unseen(ready, result, hub)


@pytest.mark.slow
def test_a_wrong_token_gives_one_sentence_and_is_not_shown(ready, hub):
    hub.token = "hf_another"
    result = child(ready, hub.url, "upload=yes")
    assert (result.returncode, len(result.stderr.splitlines())) == (1, 1)
    assert "does not accept this token" in result.stderr and "settings/tokens" in result.stderr
    assert hub.repositories == {}
    assert_unseen(ready, result)


@pytest.mark.slow
def test_a_token_that_may_only_read_or_write_elsewhere_gives_one_sentence(ready, hub):
    hub.role = "read"
    assert "may only read" in child(ready, hub.url, "upload=yes").stderr
    hub.role, hub.user = "write", "someone"
    assert "may not write under 'me'" in child(ready, hub.url, "upload=yes").stderr


@pytest.mark.slow
def test_no_token_gives_one_sentence(ready, hub):
    result = child(ready, hub.url, "upload=yes", token=None)
    assert (result.returncode, len(result.stderr.splitlines())) == (1, 1)
    assert "There is no Hugging Face token" in result.stderr and hub.calls == []


@pytest.mark.slow
def test_a_hub_out_of_reach_gives_one_sentence(ready):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, but nobody listens: the connection is refused
        result = child(ready, f"http://127.0.0.1:{taken.getsockname()[1]}", "upload=yes")
    assert (result.returncode, len(result.stderr.splitlines())) == (1, 1)
    assert "can't be reached" in result.stderr
    assert_unseen(ready, result)


@pytest.mark.slow
def test_a_file_that_arrives_damaged_is_noticed(ready, hub, monkeypatch):
    hub.damage = "demo-F16.gguf"
    result = child(ready, hub.url, "upload=yes", "adapter=no")
    assert (
        result.returncode == 1
        and "demo-F16.gguf did not arrive whole in me/demo-GGUF" in result.stderr
    )


def test_an_error_that_quotes_the_token_is_scrubbed(monkeypatch):
    monkeypatch.setenv("HF_TOKEN", TOKEN)

    def broken(*arguments):
        raise ValueError(f"header 'Bearer {TOKEN}' refused")

    monkeypatch.setattr("huggingface_hub.HfApi.whoami", broken)
    with pytest.raises(uploader.TwinError) as caught:
        uploader.upload([], True, "me", None, None)
    assert TOKEN not in str(caught.value) and "Bearer ***" in str(caught.value)
    assert caught.value.__cause__ is None and caught.value.__suppress_context__


def test_the_twin_in_these_tests_is_a_real_one(ready):
    assert [
        Twin(ready.path).state(step).name for step in ("corpus", "persona", "quantize", "evaluate")
    ] == ["done"] * 4


def test_the_card_and_its_commands_follow_what_step_04_measured(ready):
    finish(
        ready,
        "quantize",
        {"types": "Q8_0, F16"},
        ready.adapter("persona"),
        size_mb_Q8_0=2.5,
        size_mb_F16=1.2,
        kl_divergence_Q8_0=0.2,
        kl_divergence_F16=0.0001,
        top1_Q8_0=0.7,
        top1_F16=0.99,
    )
    finish(ready, "evaluate", {}, ready.gguf("Q8_0"), sounds_like_me=0.71)
    dry_run(ready)
    card = listed(ready, "demo-GGUF")["README.md"].decode()
    rows = [line for line in card.splitlines() if line.startswith("| `") and ".gguf" in line]
    assert len(rows) == 4 and not any("not measured" in row or "未测" in row for row in rows)
    assert ":F16" in card and "GGUF:Q8_0" not in card
