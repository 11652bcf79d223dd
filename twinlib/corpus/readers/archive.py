"""From a folder, a zip or one file to the Files that may hold writing; what is passed over is counted by sort.

Archives are never unpacked: members are read into memory one at a time, within limits, and archives inside them
(Notion's exports are) two levels down.
"""

import io
import lzma
import os
import posixpath
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ...files import TwinError, content_id
from ...i18n import t
from ..records import Removed
from .encoding import Unreadable, decode
from .input_file import File, UnknownColumns

SORTS = {  # by suffix; what is none of these is opened and looked at
    "image": "png jpg jpeg gif svg webp ico bmp heic tif tiff mp3 mp4 m4a mov wav ogg opus avi mkv webm psd ai ttf otf "
    "woff woff2 eot",
    "script": "py js ts jsx tsx css scss less c h cpp hpp cs java go rs rb php pl sh bat ps1 lua swift kt sql ipynb r jl "
    "yaml yml toml ini cfg conf lock lockb map log env gradle cmake mk diff patch bib cls sty bst",
    "data": "db sqlite sqlite3 parquet npy npz pkl bin dat exe dll so dylib pyc class jar wasm gz bz2 xz 7z rar tar tgz "
    "safetensors gguf pt onnx h5 ics vcf",
}
SORT_OF = {f".{suffix}": sort for sort, suffixes in SORTS.items() for suffix in suffixes.split()}
OPENED = {
    "tweets.js",
    "tweet.js",
    "note-tweet.js",
}  # and their parts: the one kind of writing called .js
CACHES = {"node_modules", "__pycache__", "__macosx", "site-packages", "venv", "cache", "caches"}
ABOUT = {
    "readme",
    "license",
    "licence",
    "copying",
    "notice",
    "changelog",
    "contributing",
    "code_of_conduct",
    "authors",
    "requirements",
    "robots",
    "cmakelists",
    "humans",
    "security",
    "makefile",
    "dockerfile",
    "cname",
}
FILE_LIMIT = 100 * 2**20  # bytes of one file
ARCHIVE_LIMIT, MEMBER_LIMIT, RATIO_LIMIT = (
    2 * 2**30,
    200_000,
    200,
)  # bytes opened, members, times smaller
DEEPEST = 2  # archives inside archives


class ReadLog:
    """What reading a source met on the way, filled while it goes on.

    `removed`: files, chats and tables that gave no document (the caller may empty the list as it goes);
    `skipped`: files that were not opened, counted by kind; `formats`: files read, counted by format;
    `chats`: {source: {format, senders {name: messages}, and of an unknown table its columns and first rows}}.
    """

    def __init__(self) -> None:
        self.removed: list[Removed] = []
        self.skipped: Counter[str] = Counter()
        self.formats: Counter[str] = Counter()
        self.chats: dict[str, dict] = {}

    def drop(self, source: str, reason: str, text: str = "") -> None:
        """Note that a whole file, chat or archive is left out."""
        self.removed.append(Removed("document", reason, text, source, content_id(source)))

    @contextmanager
    def refusals(self, source: str) -> Iterator[None]:
        """Log what a reader refuses: an unreadable file, a table whose columns are unknown."""
        try:
            yield
        except UnknownColumns as table:
            unknown = {"columns": table.names, "rows": table.rows}
            self.chats[source] = {"format": "table", "senders": {}, **unknown}
            self.drop(source, "columns")
        except Unreadable as error:
            self.drop(source, str(error))


def walk(source, log, progress=None):
    """Yield the Files under a folder, a zip or a single file, sorted by name; raises TwinError when there is none."""
    source = Path(source)
    if not source.exists():
        raise TwinError(t("corpus.no_folder_check_path", source=source))
    listed = list(_listed(source, log.skipped))
    for number, name in enumerate(listed, 1):
        try:
            yield from _opened(
                _spelt(name), source if source.is_file() else source / name, source, log
            )
        except Unreadable as error:
            log.drop(_spelt(name), str(error))
        except OSError:
            log.drop(_spelt(name), "unreadable")
        if progress:
            progress(number, len(listed))


def _spelt(name):
    """A file's name as text: one unpacked from a Chinese Windows archive is GBK, whatever the disk thinks."""
    data = os.fsencode(name)
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("gb18030", errors="replace")


def anything(source):
    """Is there any file worth opening? Fast: it looks at names only."""
    try:
        return any(True for _ in _listed(Path(source), Counter()))
    except OSError:
        return False


def _listed(source, skipped):
    """The names, relative to the source, of what may be writing."""
    if source.is_file():
        yield source.name
        return
    for folder, folders, names in os.walk(source):
        here = Path(folder)
        folders[:] = sorted(name for name in folders if not _skip_folder(here / name, skipped))
        for name in sorted(names):
            path = here / name
            sort = (
                "link" if path.is_symlink() else sort_of(name) if path.is_file() else "other"
            )  # a pipe blocks for ever
            if sort:
                skipped[sort] += 1
            else:
                yield path.relative_to(source).as_posix()


def _skip_folder(folder, skipped):
    # A link is passed over even when it stays inside: its target is read where it lies.
    sort = (
        "link"
        if folder.is_symlink()
        else "hidden"
        if folder.name.startswith(".")
        else "cache"
        if folder.name.lower() in CACHES
        else "twin"
        if (folder / "twin.json").exists()
        else None
    )
    skipped.update([sort] if sort else [])
    return sort is not None


def sort_of(name):
    """Why a file of this name is not worth opening (a key of reasons.SKIPPED), or None when it may be writing."""
    path = Path(name)
    if path.name.startswith((".", "~")):
        return "hidden"
    if path.stem.lower() in ABOUT and path.suffix.lower() in (
        "",
        ".md",
        ".txt",
        ".rst",
        ".html",
        ".cff",
    ):
        return "about"
    exported = path.name in OPENED or path.name.startswith(("tweets-part", "tweet-part"))
    return None if exported else SORT_OF.get(path.suffix.lower())


def _opened(name, path, source, log):
    with path.open("rb") as opened:
        zipped = opened.read(4) == b"PK\3\4"
    if zipped and not _office(path):
        yield from _members("" if path == source else f"{name}/", path, log, 1)
    elif path.suffix.lower() == ".zip":
        raise Unreadable("damaged")
    elif path.stat().st_size > FILE_LIMIT:
        raise Unreadable("large")
    else:
        yield File(name, path.read_bytes(), _neighbour(path.parent, source))


def _office(archive):
    """Is this zip a document: Word, Excel or EPUB?"""
    try:
        with zipfile.ZipFile(archive) as opened:
            names = opened.namelist()
    except (zipfile.BadZipFile, ValueError, EOFError, NotImplementedError):
        return False
    return (
        "[Content_Types].xml" in names
        or names[:1] == ["mimetype"]
        or "META-INF/container.xml" in names
    )


def _neighbour(folder, source):
    def near(path):
        target = (folder / path).resolve()
        inside = target.is_relative_to(source.resolve()) and target.is_file()
        return target.read_bytes() if inside and target.stat().st_size <= FILE_LIMIT else None

    return near


# Archives


def _members(prefix, path, log, depth):
    try:
        with zipfile.ZipFile(path) as archive:
            infos = {_name(info): info for info in archive.infolist() if not info.is_dir()}
            wanted = {
                name: info for name, info in infos.items() if not _skip_member(name, log.skipped)
            }
            if (
                len(infos) > MEMBER_LIMIT
                or sum(info.file_size for info in wanted.values()) > ARCHIVE_LIMIT
            ):
                raise Unreadable("bomb")
            for name, info in wanted.items():
                yield from _member(prefix, name, info, archive, infos, log, depth)
    except (zipfile.BadZipFile, ValueError, EOFError, NotImplementedError):
        raise Unreadable("damaged") from None


def _skip_member(name, skipped):
    *folders, last = name.split("/")
    sort = (
        "hidden"
        if any(part.startswith(".") and part != ".." for part in folders)
        else "cache"
        if any(part.lower() in CACHES for part in folders)
        else sort_of(last)
    )
    skipped.update([sort] if sort else [])
    return sort


def _member(prefix, name, info, archive, infos, log, depth):
    try:
        data = _content(name, info, archive)
        if data[:4] == b"PK\3\4" and not _office(io.BytesIO(data)):
            if depth > DEEPEST:
                raise Unreadable("deep")
            yield from _members(f"{prefix}{name}/", io.BytesIO(data), log, depth + 1)
        else:
            yield File(prefix + name, data, _inside(name, archive, infos))
    except Unreadable as error:
        log.drop(prefix + name, str(error))


def _content(name, info, archive):
    parts = name.split("/")
    if name.startswith("/") or ".." in parts or ":" in parts[0]:
        raise Unreadable("unsafe")
    if info.flag_bits & 1:
        raise Unreadable("locked")
    if info.file_size > FILE_LIMIT:
        raise Unreadable("large")
    if info.file_size > max(2**20, RATIO_LIMIT * info.compress_size):
        raise Unreadable("bomb")
    try:
        return archive.read(info)
    except (
        zipfile.BadZipFile,
        zlib.error,
        lzma.LZMAError,
        NotImplementedError,
        RuntimeError,
        EOFError,
        OSError,
    ):
        raise Unreadable("damaged") from None


def _inside(name, archive, infos):
    def near(path):
        target = posixpath.normpath(posixpath.join(posixpath.dirname(name), path))
        try:
            return _content(target, infos[target], archive)
        except (KeyError, Unreadable):
            return None

    return near


def _name(info):
    """The member's name; archives made on a Chinese Windows hold GBK names without saying so."""
    name = info.filename
    if not info.flag_bits & 0x800:
        try:
            name = decode(name.encode("cp437"))
        except (UnicodeError, Unreadable):
            pass
    return name.replace("\\", "/")
