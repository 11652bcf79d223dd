"""A twin as one zip file: to keep, to give away, to go on with on another machine.

The owner's writing and what quotes it stay behind unless asked for: without_writing.py says what
goes. The first member is a list of the others with their sizes and hashes. A file is written under
another name and renamed at the end; a stopped import goes on with the files it has.
"""

import errno
import hashlib
import json
import os
import re
import shutil
import stat
import zipfile
import zlib
from collections.abc import Collection
from pathlib import Path, PurePosixPath

from .. import __version__, running
from ..files import TwinError, now, parsed_json, sha256_of
from ..i18n import step_title, t
from ..text.formatting import size as size_text
from ..twin import FILES, STEPS, Stopped, Twin, folder_names
from ..twin_folder import TwinFolder, is_device, is_passing
from . import without_writing

_FORMAT = 1
LIST = "twin-export.json"  # the first member of an export
_PIECE = 1 << 20  # bytes that are copied at a time
_MB = 1000**2
_LONGEST_LIST = 20 * _MB  # bytes, of some 100 000 files
_MARGIN = 50e6  # bytes of the disk that stay free
# How the system refuses what only a damaged or made up archive asks for.
_DAMAGE = (errno.EINVAL, errno.EEXIST, errno.ENOTDIR, errno.EISDIR, errno.ENAMETOOLONG)
# The sentence about an export whose twin needs this step first
_LEFT = {
    "quantize": "core.export_then_quantize",
    "persona": "core.export_then_persona",
    "corpus": "core.export_then_corpus",
}
# What else than BadZipFile reading a damaged archive raises
_UNREADABLE = (zlib.error, EOFError, RuntimeError, LookupError, ValueError)
_COMPRESSED = (".gguf", ".safetensors", ".zip", ".npy")  # or as good as


def export(twin: Twin, target: str | Path, gguf: bool, corpus: bool, progress) -> Path:
    """Write the twin into a zip file and return its path; see `_target` for `target`.

    `gguf` and `corpus` take those files along. Says the size first, and at the end what is left to
    do elsewhere. Raises TwinError when the disk has no room, a step is running, a file's name can't
    be kept in the zip, or an earlier export in its place holds more.
    """
    path, run = _target(twin, target), running.current(twin)
    if run:  # its files change while they are copied
        raise TwinError(t("core.no_export_now", step=step_title(run.step)))
    files = {name: twin.path / name for name in _names(twin, gguf, corpus)}
    for name in files:
        if not _is_portable(name):
            raise TwinError(t("core.no_portable_name", path=twin.path / name))
    if os.path.lexists(path):
        _check_replaced(path, twin, files)
    size = sum(file.stat().st_size for file in files.values())
    print(t("core.export_size", files=len(files), size=size_text(size), path=path), flush=True)
    _check_room(path.parent, size)
    changed = {} if corpus else without_writing.reports(twin)
    changed[FILES["facts"]] = _facts(twin, set(files), corpus)
    listed = {
        name: [len(changed[name]), hashlib.sha256(changed[name]).hexdigest()]
        if name in changed
        else [file.stat().st_size, twin.hash(file)]
        for name, file in files.items()
    }
    about = {"format": _FORMAT, "version": __version__, "name": twin.name, "made": now()}
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.part")
    try:
        with zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(LIST, json.dumps({**about, "files": listed}, ensure_ascii=False))
            done = 0
            for name, file in files.items():
                if name in changed:
                    archive.writestr(name, changed[name])
                    continue
                method = zipfile.ZIP_STORED if name.endswith(_COMPRESSED) else zipfile.ZIP_DEFLATED
                member = zipfile.ZipInfo.from_file(file, name, strict_timestamps=False)
                member.compress_type = method
                with open(file, "rb") as source, archive.open(member, "w") as sink:
                    done = _copy(source, sink, done, size, name, progress)
        os.replace(part, path)
    except Stopped:  # an export does not go on from where it was
        raise Stopped(t("core.export_stopped")) from None
    finally:
        part.unlink(missing_ok=True)
    print(t("core.exported", path=path, size=size_text(path.stat().st_size)))
    if missing := _left_to_do(twin, files):
        print(missing)
    return path


def _target(twin, target):
    """The file to write: NAME-twin.zip in the working folder, or in the folder `target`."""
    path = Path(target or ".").expanduser()
    return path if path.suffix.lower() == ".zip" else path / f"{twin.name}-twin.zip"


def _check_replaced(path, twin, files):
    """Raise TwinError unless the file is an export of this twin without anything but `files`."""
    try:
        with zipfile.ZipFile(path) as archive:
            about = _about(archive, path)
    except (TwinError, OSError, zipfile.BadZipFile, *_UNREADABLE):
        raise TwinError(t("core.not_exported_over", path=path)) from None
    if about["name"] != folder_names(twin.name)[0]:
        raise TwinError(t("core.export_of_another", path=path, name=about["name"]))
    if lost := sorted(set(about["files"]) - set(files)):
        others = f" +{len(lost) - 1}" if len(lost) > 1 else ""
        said = t("core.export_holds_more", path=path, files=lost[0] + others)
        if set(lost) <= set(_names(twin, gguf=True, corpus=True)):
            flags = {"--gguf" if name.endswith(".gguf") else "--corpus" for name in lost}
            said += t("core.export_the_same", flags=" ".join(sorted(flags)))
        raise TwinError(said)


def following(twin: Twin, names: Collection[str] | None = None) -> str:
    """The step that brings a twin nearest to talking: talk, quantize, persona or corpus.

    With `names` that of the twin in an export of these files, whose steps are as done as here.
    """
    if any(name.endswith(".gguf") for name in names) if names is not None else twin.ggufs():
        return "talk"
    if twin.newest_adapter()[0]:
        return "quantize"
    learnable = FILES["train"] in names if names is not None else twin.file("train").exists()
    return "persona" if learnable else "corpus"


def _left_to_do(twin, files):
    """What an export of these files needs before one can talk to its twin; '' if nothing."""
    step = following(twin, files)
    if step == "talk":
        return ""
    said = t(_LEFT[step])
    if twin.ggufs():
        said += t("core.export_with_gguf")
    if step == "corpus" and twin.file("train").exists():
        said += t("core.export_with_corpus")
    return said


def _names(twin, gguf, corpus):
    """The files to take along, relative to the twin's folder, in a stable order."""
    for path in sorted(twin.path.rglob("*")):
        name = path.relative_to(twin.path).as_posix()
        left = is_passing(name) or not (corpus or without_writing.may_go(twin, name))
        if path.is_file() and not left and (gguf or path.suffix != ".gguf"):
            yield name


def _facts(twin, taken, corpus):
    """The content of the exported twin.json, which knows the hashes of what stayed behind.

    So the steps of the imported twin are as done as they were.
    """
    facts = dict(twin.facts) if corpus else without_writing.facts(twin)
    stayed = dict(facts.get("left_out", {}))
    for step in STEPS:
        report = twin.report(step)
        for name in report.inputs if report else ():
            path = twin.path / name
            if (
                name not in taken
                and path.is_file()
                and path.resolve().is_relative_to(twin.path.resolve())
            ):
                stayed[name] = twin.hash(path)
    facts["left_out"] = {name: value for name, value in stayed.items() if name not in taken}
    return (json.dumps(facts, ensure_ascii=False, indent=1) + "\n").encode()


def _check_room(folder, size):
    while not folder.exists():
        folder = folder.absolute().parent
    free = shutil.disk_usage(folder).free
    if free < size + _MARGIN:
        sizes = {"size": size_text(size), "free": size_text(free)}
        raise TwinError(t("core.no_room", path=folder, **sizes))


def _copy(source, sink, done, total, name, progress):
    """Copy a file piece by piece; returns `done` plus its bytes."""
    while piece := source.read(_PIECE):
        sink.write(piece)
        done += len(piece)
        if done // _MB > (done - len(piece)) // _MB:
            progress(done // _MB, total // _MB, PurePosixPath(name).name, unit="MB")
    return done


def restore(file: str | Path, name: str | None, progress) -> Twin:
    """Make a twin of a file that `export` wrote, called `name` or as it was; returns it.

    Nothing is overwritten. Raises TwinError for a twin that exists, a damaged or unsafe file, and a
    full disk.
    """
    path = Path(file).expanduser()
    try:
        with zipfile.ZipFile(path) as archive:
            about = _about(archive, path)
            folder = Twin.locate(about["name"] if name is None else name)
            if folder.exists() and any(folder.iterdir()):
                raise TwinError(t("core.twin_exists", path=folder, file=path))
            part = folder.with_name(f".{folder.name}.import")
            size = sum(size for size, _ in about["files"].values())
            print(t("core.import_size", size=size_text(size), path=folder), flush=True)
            _check_room(folder.parent, size)
            _unpack(archive, about["files"], part, size, progress)
            if FILES["memory_passages"] not in about["files"]:  # a report alone, of older exports
                TwinFolder(part).report_path("memory").unlink(missing_ok=True)
    except FileNotFoundError:
        raise TwinError(t("core.no_such_file", path=path)) from None
    except (zipfile.BadZipFile, *_UNREADABLE):
        raise TwinError(t("core.not_an_export", path=path)) from None
    except OSError as error:
        if error.errno in _DAMAGE:
            raise TwinError(t("core.not_an_export", path=path)) from None
        raise
    if folder.exists():
        folder.rmdir()
    os.replace(part, folder)
    twin = Twin(folder)
    if name:
        twin.remember(name=Path(name).name.strip())
    return twin


def _about(archive, path):
    """The checked list at the start of an exported file; its name is no path."""
    try:
        if archive.getinfo(LIST).file_size > _LONGEST_LIST:
            raise ValueError
        about = parsed_json(archive.read(LIST), path)
        files = {name: (int(size), str(sha256)) for name, (size, sha256) in about["files"].items()}
        about = {"format": int(about["format"]), "name": folder_names(about["name"])[0]}
        about["files"] = {n: at for n, at in files.items() if not is_passing(n)}
    except (KeyError, ValueError, TypeError, AttributeError, OverflowError):
        raise TwinError(t("core.not_an_export", path=path)) from None
    if about["format"] > _FORMAT:
        raise TwinError(t("core.newer_export", path=path))
    members = {member.filename: member for member in archive.infolist()}
    unsafe = [name for name in members if not _is_safe(name, members[name])]
    if (
        FILES["facts"] not in files
        or unsafe
        or set(members) != {*files, LIST}
        or len(members) != len(archive.infolist())
    ):
        raise TwinError(t("core.not_an_export", path=path))
    return about


def _is_safe(name, member):
    """Whether a member stays inside the folder on every system, and is a plain file."""
    plain = not stat.S_ISLNK(member.external_attr >> 16) and not member.is_dir()
    return plain and _is_portable(name)


def _is_portable(name):
    """Whether a relative path means the same file on every system."""
    odd = re.search(r'[\\:*?"<>|\0-\x1f\ud800-\udfff]', name)
    return not odd and all(
        part and not part.endswith((".", " ")) and not is_device(part) for part in name.split("/")
    )


def _unpack(archive, files, folder, total, progress):
    """Unpack the files, but for those that an earlier, stopped import left whole."""
    for path in folder.rglob("*"):  # of another file that would have had the same name
        if not path.is_dir() and path.relative_to(folder).as_posix() not in files:
            path.unlink()
    done = 0
    for name, (size, sha256) in files.items():
        path = folder / name
        if path.is_file() and path.stat().st_size == size and sha256_of(path) == sha256:
            done += size
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        if archive.getinfo(name).file_size != size:
            raise TwinError(t("core.export_damaged", name=name))
        with archive.open(name) as source, open(path, "wb") as sink:
            done = _copy(source, sink, done, total, name, progress)
        if sha256_of(path) != sha256:
            path.unlink()
            raise TwinError(t("core.export_damaged", name=name))
