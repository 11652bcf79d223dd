"""Step 04: a GGUF file says in llama.cpp what the trained model says in transformers."""

import errno
import json
import os

import pytest
from test_gguf_file import random_adapter

from twinlib import settings
from twinlib.files import TwinError
from twinlib.gguf import checks, decimals, types
from twinlib.gguf import step as quantize
from twinlib.models import load
from twinlib.models.llama_cpp import Llama
from twinlib.progress import Progress
from twinlib.text import templates
from twinlib.twin import Report, Stopped, figure

# The step


@pytest.fixture
def trained_twin(twin, tiny_base):
    """A twin whose persona step left an adapter."""
    base = load.prepare(str(tiny_base))
    model, _ = load.load(base, precision="32-bit")
    random_adapter(model, twin.adapter("persona"))
    twin.remember(
        author="Ning",
        languages=["en"],
        base={"name": base.name, "revision": base.revision},
        system_prompt='You are Ning\'s "twin".\nSay what Ning would say.',
    )
    twin.finish(Report("persona", {}, 0, 0, {}, {}, twin.inputs(base=True), {}, []))
    return twin


@pytest.mark.slow
def test_the_step_writes_proven_files_and_what_ollama_needs(trained_twin, capsys):
    twin, wanted = trained_twin, settings.make("quantize", types="Q8_0, f16", context=1024)
    assert not settings.stops(quantize.problems(wanted, twin))
    outcome = quantize.run(twin, wanted, Progress(twin.history("quantize"), "quantize"))
    assert twin.gguf("Q8_0").exists() and twin.gguf("F16").exists()
    assert (
        outcome.figures["tokens_equal_Q8_0"]["value"]
        == outcome.figures["tokens_equal_F16"]["value"]
        == 1.0
    )
    assert outcome.figures["size_mb_F16"]["value"] > 0 and outcome.figures["ended_F16"]["n"] == 1
    assert (
        outcome.figures["kl_divergence_Q8_0"]["value"] < 0.005
        and outcome.figures["llama_top1_Q8_0"]["value"] > 0.85
    )
    assert "plain sentences" in outcome.figures["top1_F16"]["note"]  # this twin has no rows
    assert set(outcome.inputs) == {
        "persona/adapter",
        "reasoning/adapter",
        f"base:{twin.facts['base']['name']}",
    }
    assert twin.file("system").read_text() == 'You are Ning\'s "twin".\nSay what Ning would say.'
    params = json.loads(twin.file("params").read_text())
    assert params == {
        **templates.sampling(0.7, 0.9),
        "num_ctx": 1024,
        "stop": ["<|im_end|>", "<|endoftext|>"],
    }
    assert "Say what" in twin.file("template").read_text()
    modelfile = twin.file("modelfile").read_text()
    assert (
        modelfile.startswith("FROM ./demo-Q8_0.gguf\n")
        and 'PARAMETER stop "<|im_end|>"' in modelfile
    )
    assert "Who are you" in capsys.readouterr().out
    with Llama(twin.gguf("Q8_0")) as llama:
        assert llama.request("/props")["default_generation_settings"]["params"][
            "min_p"
        ] == pytest.approx(params["min_p"])
        assert llama.prompt([{"role": "user", "content": "Hi"}]) == (
            '<|im_start|>system\nYou are Ning\'s "twin".\nSay what Ning would say.<|im_end|>\n'
            "<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n"
        )


@pytest.mark.slow
def test_files_of_another_adapter_do_not_stay_and_the_owners_do(trained_twin, capsys):
    twin = trained_twin
    folder = twin.folder("quantize")
    twin.gguf("BF16").write_bytes(b"old")
    checks.failed_path(twin.gguf("Q8_0")).write_bytes(b"old")
    (folder / "mine-Q4_K_M.gguf.sha256").write_text("the owner's", encoding="utf-8")
    figures = {f"size_mb_{kind}": figure(1.0) for kind in ("BF16", "Q8_0")}
    twin.finish(Report("quantize", {}, 0, 0, {}, {}, {"persona/adapter": "a"}, figures, []))
    quantize.remove_old(twin, ["F16"], {"persona/adapter": "b"}, Progress(None, "quantize"))
    assert {path.name for path in folder.iterdir()} == {"mine-Q4_K_M.gguf.sha256", "made.json"}
    said = capsys.readouterr().out
    assert "demo-BF16.gguf" in said and "demo-Q8_0.gguf.failed" in said


@pytest.mark.slow
@pytest.mark.parametrize("fails", [0, 1])
def test_where_the_disk_fails_when_files_are_put_in_place_the_earlier_ones_stay(
    trained_twin, monkeypatch, fails
):
    twin = trained_twin
    wanted, outcome = run(twin, types="Q8_0")
    twin.finish(Report("quantize", {}, 0, 0, {}, {}, outcome.inputs, outcome.figures, []))
    (twin.folder("quantize") / "mine-F16.gguf").write_bytes(b"the owner's")
    before = twin.gguf("Q8_0").read_bytes()
    replace, done = os.replace, []

    def failing(source, target):
        if str(target).endswith(".gguf") and "unproven" not in str(target):
            if len(done) == fails:
                raise OSError(errno.EIO, "Input/output error", str(target))
            done.append(target)
        replace(source, target)

    monkeypatch.setattr(os, "replace", failing)
    with pytest.raises(OSError, match="Input/output"):
        run(twin, types="Q8_0,F16")
    monkeypatch.undo()
    assert twin.gguf("Q8_0").read_bytes() == before
    assert twin.state("quantize").name == "done"
    run(twin, types="F16")
    names = {path.name for path in twin.folder("quantize").glob("*.gguf*")}
    assert "mine-F16.gguf" in names and "demo-F16.gguf" in names


@pytest.mark.slow
def test_another_type_of_the_same_adapter_leaves_the_earlier_file_with_its_figures(trained_twin):
    twin = trained_twin
    wanted, outcome = run(twin, types="Q8_0")
    twin.finish(Report("quantize", {}, 0, 0, {}, {}, outcome.inputs, outcome.figures, []))
    before = twin.gguf("Q8_0").read_bytes()
    _, more = run(twin, types="F16")
    twin.finish(Report("quantize", {}, 0, 0, {}, {}, more.inputs, more.figures, []))
    assert twin.gguf("Q8_0").read_bytes() == before and sorted(twin.ggufs()) == ["F16", "Q8_0"]
    kept = [name for name in outcome.figures if name.endswith("_Q8_0")]
    assert len(kept) > 3 and all(more.figures[n] == outcome.figures[n] for n in kept)
    with open(twin.adapter("persona") / "adapter_config.json", "a", encoding="utf-8") as file:
        file.write(" ")
    run(twin, types="F16")
    assert list(twin.ggufs()) == ["F16"], "of another adapter"


def run(twin, *, stop_at=None, **values):
    """Run the step, pressing stop at the first line of progress with `stop_at` in it."""

    class Pressed(Progress):
        def __call__(self, done, total, note="", **more):
            if stop_at and stop_at in note:
                raise Stopped
            super().__call__(done, total, note, **more)

    wanted = settings.make("quantize", **values)
    return wanted, quantize.run(twin, wanted, Pressed(twin.history("quantize"), "quantize"))


@pytest.mark.slow
def test_until_they_are_proven_no_file_has_its_name(trained_twin, monkeypatch):
    twin = trained_twin
    twin.folder("quantize")
    twin.gguf("Q8_0").write_bytes(b"of before")
    of_before = {"size_mb_Q8_0": figure(1.0)}
    twin.finish(Report("quantize", {}, 0, 0, {}, {}, {"persona/adapter": ""}, of_before, []))
    check_files = checks.check_files

    def killed(twin, files, *rest):
        assert all(path.exists() for path in files.values())
        assert list(twin.ggufs()) == ["Q8_0"] and twin.gguf("Q8_0").read_bytes() == b"of before"
        raise KeyboardInterrupt

    monkeypatch.setattr(checks, "check_files", killed)
    with pytest.raises(KeyboardInterrupt):
        run(twin, types="F16,Q8_0")
    assert list(twin.folder("quantize").glob("**/*.gguf")) == [twin.gguf("Q8_0")]
    monkeypatch.setattr(checks, "check_files", check_files)
    run(twin, types="F16")
    assert list(twin.folder("quantize").glob("**/*.gguf")) == [twin.gguf("F16")]


@pytest.mark.slow
def test_a_stopped_comparison_leaves_proven_files_and_goes_on_with_what_was_answered(
    trained_twin, monkeypatch
):
    monkeypatch.setattr("twinlib.gguf.as_model.device", lambda *_: None)  # llama.cpp answers
    twin = trained_twin
    monkeypatch.setattr(decimals, "TYPES", ("F16", "Q8_0"))
    monkeypatch.setattr(decimals, "at_once", lambda sizes: 1)
    asked = {"types": "Q8_0", "decimals": 8}
    wanted, outcome = run(twin, stop_at="voice Q8_0", **asked)
    assert twin.gguf("Q8_0").exists() and "kl_divergence_Q8_0" in outcome.figures
    assert not any(name.startswith("decimals") for name in outcome.figures)
    assert any("run this step again to go on" in said for said in outcome.warnings)
    assert 24 <= len(twin.records("comparisons")) < 32
    twin.finish(Report("quantize", {}, 0, 0, {}, {}, outcome.inputs, outcome.figures, []))
    assert quantize.unfinished(wanted, twin)
    before = twin.records("comparisons")
    _, outcome = run(twin, **asked)
    answered = twin.records("comparisons")
    assert len(answered) == 32 and all(record in answered for record in before)
    assert outcome.figures["decimals"]["n"] == 8 and outcome.figures["decimals"]["note"].startswith(
        "Too few to tell"
    )
    assert outcome.figures["decimals_persona_Q8_0"]["n"] == 8
    twin.finish(Report("quantize", {}, 0, 0, {}, {}, outcome.inputs, outcome.figures, []))
    assert not quantize.unfinished(wanted, twin)


@pytest.mark.slow
def test_where_the_comparison_has_no_room_the_files_stand_and_it_says_so(trained_twin, monkeypatch):
    def full(*_):
        raise TwinError("The GGUF files need 9 MB of disk")

    monkeypatch.setattr(decimals, "compare", full)
    _, outcome = run(trained_twin, types="Q8_0", decimals=8)
    assert outcome.warnings[-1] == "The comparison isn't complete: The GGUF files need 9 MB of disk"


def never_pass(patch, kind):
    """No file of this type is close enough to the twin."""
    patch.setitem(types.FILE_TYPES, kind, types.FILE_TYPES[kind]._replace(kl_limit=-1.0))


@pytest.mark.slow
def test_a_file_that_failed_is_made_again_when_the_step_is_run_again(
    trained_twin, monkeypatch, capsys
):
    from twinlib.command_line import main

    command = ["quantize", "--twin", str(trained_twin.path), "--types", "Q8_0,F16"]
    with monkeypatch.context() as patch:
        never_pass(patch, "F16")
        assert main(command) == 0
    assert checks.failed_path(trained_twin.gguf("F16")).exists()
    assert main(command) == 0 and trained_twin.gguf("F16").exists()
    assert not checks.failed_path(trained_twin.gguf("F16")).exists()
    capsys.readouterr()
    assert main(command) == 0 and "done already" in capsys.readouterr().out


@pytest.mark.slow
def test_only_files_that_pass_are_offered(trained_twin, monkeypatch):
    twin, wanted = trained_twin, settings.make("quantize", types="F16,Q8_0")
    never_pass(monkeypatch, "F16")
    outcome = quantize.run(twin, wanted, Progress(twin.history("quantize"), "quantize"))
    assert (
        not twin.gguf("F16").exists()
        and checks.failed_path(twin.gguf("F16")).exists()
        and twin.gguf("Q8_0").exists()
    )
    assert any("demo-F16.gguf is kept aside" in said for said in outcome.warnings)
    assert twin.file("modelfile").read_text().startswith("FROM ./demo-Q8_0.gguf\n")
    never_pass(monkeypatch, "Q8_0")
    twin.finish(Report("quantize", {}, 0, 0, {}, {}, outcome.inputs, outcome.figures, []))
    before = twin.gguf("Q8_0").read_bytes()
    with pytest.raises(TwinError, match="No file passed: .*demo-Q8_0.gguf is kept aside"):
        quantize.run(twin, wanted, Progress(twin.history("quantize"), "quantize"))
    assert list(twin.ggufs()) == ["Q8_0"] and twin.gguf("Q8_0").read_bytes() == before
    assert checks.failed_path(twin.gguf("Q8_0")).exists() and quantize.unfinished(wanted, twin)
    assert twin.state("quantize").name == "done", "what was proven before is as good as it was"
    (twin.adapter("persona") / "adapter_config.json").write_text("{}", encoding="utf-8")
    assert twin.state("quantize").name == "stale", "it is of another adapter"


@pytest.mark.parametrize(
    "chosen, warned",
    [("Q8_0", 0), ("q4_k_m", 0), ("Q4_K_M,Q5_K_M,Q8_0", 0), ("Q5_K_M", 1), ("F16,Q6_K", 1)],
)
def test_only_where_no_usual_type_is_chosen_one_is_proposed(twin, chosen, warned):
    found = quantize.problems(settings.make("quantize", types=chosen), twin)
    assert sum("Q4_K_M" in p.text for p in found if p.level == "warning") == warned


def test_without_an_adapter_or_with_an_unknown_type_the_step_says_what_to_do(twin):
    texts = [p.text for p in quantize.problems(settings.make("quantize", types="Q9_9"), twin)]
    assert any("twinlib persona" in text for text in texts)
    assert any(
        "Q9_9 can't be written; choose from " + ", ".join(types.FILE_TYPES) in text
        for text in texts
    )
    with pytest.raises(TwinError, match="persona"):
        quantize.run(
            twin, settings.make("quantize"), Progress(twin.history("quantize"), "quantize")
        )


@pytest.mark.slow
def test_a_system_prompt_that_names_the_base_is_refused(trained_twin):
    trained_twin.remember(system_prompt="You are Qwen, created by Alibaba Cloud.")
    with pytest.raises(TwinError, match="still says 'You are Qwen'"):
        quantize.run(
            trained_twin,
            settings.make("quantize"),
            Progress(trained_twin.history("quantize"), "quantize"),
        )
    assert not list((trained_twin.path / "quantize").glob("*.gguf"))
