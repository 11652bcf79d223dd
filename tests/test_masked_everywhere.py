"""A private name is masked wherever readers find it: in texts, tags, titles, names of files."""

import csv
import dataclasses
import json
import zipfile
from pathlib import Path

import pytest

from twinlib import Twin, settings
from twinlib.corpus import step as corpus
from twinlib.files import content_id
from twinlib.memory import index
from twinlib.memory import step as memory
from twinlib.memory.recall import Memory
from twinlib.progress import Progress
from twinlib.talk import web_page
from twinlib.text import privacy

SAMPLES = sorted((Path(__file__).parent.parent / "data_samples/posts").glob("*.md"))[:12]
NAMES = ["Marta Keller", "柯玛塔"]
# The owner chooses among the senders, sees in personal.jsonl what is masked, and changes the files.
OF_THE_OWNER = ("twin.json", "personal.jsonl", "senders.json", ".hashes.json")


def write_source(folder, name):
    """Writing that has a name in every field that readers fill."""
    (folder / name).mkdir(parents=True)
    for n, sample in enumerate(SAMPLES):
        words = sample.read_text(encoding="utf-8").rpartition("---\n")[2]
        post = f"---\ntags: [{name}, '#{name}', bicycle, letter to {name}]\ntitle: {n} {name}\n"
        post += (
            f"author: {name if n == 7 else 'Ning'}\n---\n{words}\n\n{name} {n}!\n\n> {name} said.\n"
        )
        (folder / name / f"{n} letter to {name}.md").write_text(post, encoding="utf-8")
    asked = [(name, f"{name}问：where is the flour, {n}?") for n in range(4)]
    head = {"chatlab": {"version": "0.0.2"}, "meta": {"name": name, "ownerId": "Ning"}}
    said = [
        {"sender": who, "accountName": who, "timestamp": 1746087000 + n, "type": 0, "content": text}
        for n, (who, text) in enumerate(
            pair
            for number, question in enumerate(asked)
            for pair in (question, ("Ning", f"In the {number}. blue tin that {name} gave me."))
        )
    ]
    chat = json.dumps({**head, "messages": said})
    (folder / f"{name}.json").write_text(chat)
    (folder / f"cut {name}.json").write_text(chat.replace("blue", "red")[:-40])
    rows = ["question,answer,author", f"Who is {name}?,{name} is a friend who mends mills.,{name}"]
    (folder / f"answers of {name}.csv").write_text("\n".join(rows))
    with zipfile.ZipFile(folder / f"{name}.zip", "w") as archive:
        archive.writestr(f"{name}/a {name}.md", f"{name} came by with the tin. " * 9)
        archive.writestr(f"{name}/broken {name}.docx", b"PK")


@pytest.fixture(scope="module", params=NAMES)
def made(request, tmp_path_factory):
    """(twin with texts and a memory, the name)."""
    folder = tmp_path_factory.mktemp("masked")
    write_source(folder / "source", request.param)
    twin = Twin.open(folder / "twin")
    wanted = settings.make(
        "corpus",
        source=str(folder / "source"),
        author="Ning",
        names=request.param,
        questions="titles",
        short=20,
    )
    twin.start("corpus", dataclasses.asdict(wanted))
    outcome = corpus.run(twin, wanted, Progress(twin.history("corpus"), "corpus"))
    wanted = settings.make("memory", vectors=False)
    twin.start("memory", dataclasses.asdict(wanted))
    memory.run(twin, wanted, Progress(twin.history("memory"), "memory"))
    return twin, request.param, outcome


def has(name, text):
    return bool(privacy.find(text, (name,)))


def test_a_private_name_is_in_no_file_of_the_twin(made):
    twin, name, outcome = made
    files = [p for p in twin.path.rglob("*") if p.is_file() and p.name not in OF_THE_OWNER]
    assert {"documents.jsonl", "dropped.csv", "entities.jsonl"} <= {path.name for path in files}
    texts = {path.name: path.read_bytes().decode("utf-8", "replace") for path in files}
    assert [file for file, text in texts.items() if name in text or has(name, text)] == []
    assert not has(name, f"{outcome.figures} {outcome.warnings}")


def test_every_field_is_there_with_the_name_masked(made):
    twin, name, _ = made
    documents = twin.records("documents")
    for document in (d for d in documents if "letter" in d["source"]):
        assert document["tags"][0] == "bicycle" and document["tags"][1].startswith("letter to [")
        assert "[" in document["title"] and document["source"].count("[") == 2
    assert {p["document"] for p in twin.records("passages")} <= {d["id"] for d in documents}
    assert any("-1]" in str(document.get("turns")) for document in documents)
    with open(twin.file("dropped"), encoding="utf-8", newline="") as file:
        parts = list(csv.DictReader(file))
    assert any("broken [" in part["document"] for part in parts)


def test_the_memory_neither_says_nor_shows_a_private_name(made):
    twin, name, _ = made
    for question in ("What do you keep coming back to?", "你反复写到的是什么？"):
        found = Memory(twin).recall([{"role": "user", "content": question}])
        assert not has(name, found.told or found.refusal or "")
        assert "letter to [" in (found.told or "")
    for passage in index.gather(twin):
        assert not has(name, web_page.of_passage(passage, "t"))


def test_a_file_with_a_masked_name_keeps_the_id_by_which_the_owner_decides(made):
    twin, name, _ = made
    known = {content_id(f"{name}/{n} letter to {name}.md") for n in range(len(SAMPLES))}
    masked = [d for d in twin.records("documents") if "letter" in d["source"]]
    assert len(masked) > 6 and {document["id"] for document in masked} <= known
