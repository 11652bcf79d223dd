"""Where a twin's files lie: the only module that knows the paths in a twin's folder."""

import contextlib
import re
import unicodedata
from pathlib import Path

from .files import content_id, make_folder

FILES = {
    "facts": "twin.json",
    "drafts": "drafts.json",
    "lock": ".lock",
    "running": "running.json",
    "stop": "running.stop",
    "hashes": ".hashes.json",
    "documents": "corpus/documents.jsonl",
    "passages": "corpus/passages.jsonl",
    "train": "corpus/train.jsonl",
    "val": "corpus/val.jsonl",
    "test": "corpus/test.jsonl",
    "decisions": "corpus/decisions.json",
    "approved": "corpus/approved.json",
    "dropped": "corpus/dropped.csv",
    "personal": "corpus/personal.jsonl",
    "senders": "corpus/senders.json",
    "questions": "corpus/questions.jsonl",
    "interview": "interview/answers.jsonl",
    "replay": "persona/replay.jsonl",
    "samples": "persona/samples.jsonl",
    "problems": "reasoning/problems.jsonl",
    "solutions": "reasoning/solutions.jsonl",
    "probe": "reasoning/probe.json",
    "marks": "reasoning/marks.json",
    "template": "quantize/template",
    "system": "quantize/system",
    "params": "quantize/params",
    "modelfile": "quantize/Modelfile",
    "made": "quantize/made.json",
    "comparisons": "quantize/comparisons.jsonl",
    "uploads": "publish/uploads.jsonl",
    "uploaded": "publish/uploaded.json",
    "memory_passages": "memory/passages.jsonl",
    "memory_vectors": "memory/vectors.npy",
    "memory_part": "memory/vectors.part",
    "memory_words": "memory/words",
    "memory_mentions": "memory/mentions.jsonl",
    "memory_entities": "memory/entities.jsonl",
    "memory_graph": "memory/graph.npz",
    "memory_communities": "memory/communities.jsonl",
    "memory_calibration": "memory/calibration.json",
    "answers": "evaluate/answers.jsonl",
    "score_card_en": "evaluate/score_card_en.png",
    "score_card_zh": "evaluate/score_card_zh.png",
    "scores": "evaluate/scores.jsonl",
    "side_by_side": "evaluate/side_by_side.html",
    "blind_test": "evaluate/blind_test.html",
    "blind_answers": "evaluate/blind_answers.jsonl",
    "blind_samples": "evaluate/blind_samples.jsonl",
    "blind_tests": "evaluate/blind_tests.jsonl",
    "blind_codes": "evaluate/blind_codes.txt",
}

# What the names of its repositories end with
REPOSITORIES = {"gguf": "-GGUF", "adapter": "-lora", "corpus": "-corpus"}


def _quality(kind):
    """Sort key of GGUF types: more bits first, but 16 and 32 last (hardly better than 8)."""
    digits = re.search(r"\d+", kind)
    bits = int(digits[0]) if digits else 99
    return bits > 8, bits if bits > 8 else -bits, len(kind), kind


_DEVICES = r"(con|prn|aux|nul|(com|lpt)\d)(\..*)?"
_LONGEST = 50  # characters of a folder's name that is made from another


def is_device(name: str) -> bool:
    """Whether a file's name means a device on Windows, with any ending: CON, aux.txt."""
    return re.fullmatch(_DEVICES, name, re.IGNORECASE) is not None


def folder_names(name: str) -> list[str]:
    """The folders that a twin of this name may have, the best first.

    They must do for files, repositories and commands on every system. A name in Latin letters,
    digits, '.', '-' and '_' is its own folder's; what else it has is replaced by '-'. Other scripts
    are spelt in Latin letters: LuXun for 鲁迅. As another name may be spelt so as well, the next
    folder has a few digits of a hash: LuXun-ece7c3. The last is what older versions made:
    twin-ece7c3. Names that mean a device on Windows get such digits, too.
    """
    digits = content_id(name)[:6]
    if re.fullmatch(_DEVICES, name, re.IGNORECASE) or name.endswith("."):
        return [f"{name.replace('.', '-').strip('-') or 'twin'}-{digits}"]
    if re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", name):
        return [name]
    latin = [unicodedata.normalize("NFKD", c).encode("ascii", "ignore").decode() for c in name]
    plain = _hyphenated("".join(latin))[:_LONGEST]
    if plain and all(latin) and len(name) <= _LONGEST:
        return [plain]
    spelt = _hyphenated(in_latin_letters(name))
    fits = 0 < len(spelt) <= _LONGEST and not re.fullmatch(_DEVICES, spelt, re.IGNORECASE)
    numbered = [f"{text[:_LONGEST] or 'twin'}-{digits}" for text in (spelt, plain)]
    return list(dict.fromkeys([spelt, *numbered] if fits else numbered))


def in_latin_letters(text: str) -> str:
    """A text of any script as it is spelt in Latin letters, without tones and accents."""
    from anyascii import anyascii

    return anyascii(text)


def _hyphenated(text):
    return re.sub(r"[^A-Za-z0-9_]+", "-", text).strip("-_")


def is_passing(name: str) -> bool:
    """Whether a file, named relative to the twin's folder, is made again by itself.

    Hidden files, checkpoints, the tour's copies of notebooks, GGUF files that failed their checks,
    notes of runs and their messages; adapters that were replaced or are being saved count as such
    files, too.
    """
    *folders, file = name.split("/")
    return (
        any(part.startswith(".") for part in (*folders, file))
        or bool({"checkpoints", "checkpoints.old", "checkpoints.old.old"}.intersection(folders))
        or folders[1:2] in (["adapter.old"], ["adapter.new"], ["adapter.part"])
        or folders[:1] == ["tour"]
        or file.endswith(".failed")
        or name.startswith("running.")
        or bool(folders)
        and file in ("log.txt", "errors.txt")
    )


def set_aside(checkpoints: Path) -> Path:
    """Where checkpoints are kept while a training with other settings has their place."""
    return checkpoints.with_name(f"{checkpoints.name}.old")


def is_of_model(name: str) -> bool:
    """Whether a file, named relative to the twin's folder, is of an adapter or a GGUF file."""
    *folders, file = name.split("/")
    of_adapter = folders[:2] in (["persona", "adapter"], ["reasoning", "adapter"])
    return of_adapter or folders == ["quantize"] and file.endswith(".gguf")


class TwinFolder:
    """The paths in a twin's folder; twin.Twin reads and writes there."""

    def __init__(self, path: Path):
        self.path = Path(path)

    @property
    def name(self) -> str:
        """The folder's name."""
        return self.path.name

    @property
    def plain_name(self) -> str:
        """The same in Latin letters, which files and repositories are named after."""
        return folder_names(self.name)[0]

    def file(self, key: str) -> Path:
        """The path of a file named in FILES."""
        return self.path / FILES[key]

    def folder(self, step: str) -> Path:
        """The folder of a step, made when missing."""
        path = self.path / step
        make_folder(path)
        return path

    def history(self, step: str) -> Path:
        """The progress records of a step."""
        return self.path / step / "history.jsonl"

    def log(self, step: str) -> Path:
        """What a step that a notebook started has said."""
        return self.path / step / "log.txt"

    def errors(self, step: str) -> Path:
        """Its messages of errors, with those of libraries."""
        return self.path / step / "errors.txt"

    def report_path(self, step: str) -> Path:
        """The report of a step; `report` reads it."""
        return self.path / step / "report.json"

    def adapter(self, step: str) -> Path:
        """The LoRA adapter folder of 'persona' or 'reasoning'."""
        return self.path / step / "adapter"

    def earlier_adapter(self, step: str) -> Path:
        """Where the adapter that the last run replaced is kept, until the next run replaces one."""
        return self.path / step / "adapter.old"

    def new_adapter(self, step: str) -> Path:
        """Where a new adapter lies, complete, until it takes the place of the one before."""
        return self.path / step / "adapter.new"

    def finish_saving(self, step: str) -> None:
        """Put a new adapter in its place, where a kill came between the two renames of saving it.

        Before the second rename there is no adapter, and the new one is complete.
        """
        adapter, new = self.adapter(step), self.new_adapter(step)
        if new.exists() and not adapter.exists():
            with contextlib.suppress(FileNotFoundError, FileExistsError):  # another process did it
                new.rename(adapter)

    def checkpoints(self, step: str) -> Path:
        """The folder with the checkpoints of 'persona' or 'reasoning'."""
        return self.path / step / "checkpoints"

    def new_gguf(self, kind: str) -> Path:
        """Where a GGUF file of a quantization type is written: NAME-Q8_0.gguf."""
        return self.path / "quantize" / f"{self.plain_name}-{kind}.gguf"

    def gguf(self, kind: str) -> Path:
        """The GGUF file of a type, by the name that the folder had when the file was written."""
        return self._made_ggufs("").get(kind) or self._made_ggufs(".failed").get(
            kind, self.new_gguf(kind)
        )

    def ggufs(self) -> dict[str, Path]:
        """{quantization type: path} of the GGUF files: from 8 bits down, then 16 and 32."""
        paths = self._made_ggufs("")
        return {kind: paths[kind] for kind in sorted(paths, key=_quality)}

    def _made_ggufs(self, ending):
        """{type: path without `ending`} of the files NAME-TYPE.gguf, of any NAME, with an ending.

        Of two names the folder's own goes first: it was written after the folder was renamed.
        """
        paths = {}
        for path in sorted((self.path / "quantize").glob(f"[!.]*-*.gguf{ending}")):
            path = path.with_name(path.name.removesuffix(ending))
            kind = path.stem.rpartition("-")[2]
            if kind not in paths or path == self.new_gguf(kind):
                paths[kind] = path
        return paths

    def upload(self, repository: str) -> Path:
        """The folder with the cards and other files generated for one repository."""
        return self.path / "publish" / repository

    def writing(self) -> Path:
        """The folder with the files that were uploaded in a notebook; it may not exist."""
        return self.path / "writing"

    def here(self, source: str) -> str:
        """Where a source lies now: uploads are moved and copied with the twin's folder."""
        path, own = Path(source), self.writing().absolute()
        gone = not path.exists() or (path.parent / FILES["facts"]).exists()
        return str(own) if path.name == own.name and gone and own.is_dir() else source

    def tour(self) -> Path:
        """The folder with the executed copies of the notebooks."""
        return self.path / "tour"
