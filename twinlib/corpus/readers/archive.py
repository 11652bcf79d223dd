"""Walk a folder, a zip or one file, and yield the Files that may hold writing.

Files that are not opened are counted by kind. Archives (zip, and tar, as Joplin's .jex is) are
never unpacked to disk: members are read into memory one at a time, within limits, and so are
archives in archives, two levels deep (Notion's exports are). All kinds of them are read alike.
"""

import io
import os
import posixpath
import re
import tarfile
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from functools import lru_cache, partial
from pathlib import Path
from typing import BinaryIO, Protocol

from ...files import TwinError, content_id
from ...i18n import t
from ...text.inputs import zip_package
from ...text.inputs.encoding import Unreadable, decode
from ...text.inputs.input_file import File, UnknownColumns
from ...twin_folder import FILES
from ..records import Removed
from . import mailbox_parts, web_archive

FILE_LIMIT = 100 * 2**20  # bytes of one file
ARCHIVE_LIMIT = 2 * 2**30  # bytes of all files of an archive that are opened
_HEAD = 1000  # bytes in which a mailbox shows that it is one
_MEMBER_LIMIT = 200_000  # members of an archive
_DEPTH_LIMIT = 2  # archives inside archives
# Kinds of files that are skipped by their suffix (keys of reasons.SKIPPED).
_SUFFIXES = {
    "image": "png jpg jpeg gif svg webp ico bmp heic tif tiff mp3 mp4 m4a mov wav ogg opus avi mkv "
    "webm psd ai ttf otf woff woff2 eot",
    "script": "py js ts jsx tsx css scss less c h cpp hpp cs java go rs rb php pl sh bat ps1 lua "
    "swift kt sql ipynb r jl yaml yml toml ini cfg conf lock lockb map env gradle cmake mk "
    "diff patch bib cls sty bst",
    "data": "db sqlite sqlite3 parquet npy npz pkl bin dat exe dll so dylib pyc class jar wasm gz "
    "bz2 xz safetensors gguf pt onnx h5 ics vcf",
}
_KINDS = {f".{suffix}": kind for kind, suffixes in _SUFFIXES.items() for suffix in suffixes.split()}
# The only .js files with writing: those of X's (Twitter's) archive.
_TWEETS = ("tweets.js", "tweet.js", "note-tweet.js", "tweets-part", "tweet-part")
_CACHES = {"node_modules", "__pycache__", "__macosx", "site-packages", "venv", "cache", "caches"}
_ABOUT_NAMES = set(
    "readme license licence copying notice changelog contributing code_of_conduct authors "
    "requirements robots cmakelists humans security makefile dockerfile cname".split()
)
_ABOUT_SUFFIXES = ("", ".md", ".txt", ".rst", ".html", ".cff")
_TAR = re.compile(r"\.(?:tar(?:\.(?:gz|bz2|xz))?|tgz|tbz2?|txz|jex)$", re.IGNORECASE)
_PACKED = (".rar", ".7z")  # archives that nothing here opens
# Files of Apple's Pages, Numbers and Keynote are zips that have one of these.
_IWORK = re.compile(r"(?:^|/)(?:Document\.iwa|buildVersionHistory\.plist)$")
# What zipfile raises for a file that is no zip, or one it can't read; either for a member.
_NOT_A_ZIP = (zipfile.BadZipFile, ValueError, EOFError, NotImplementedError)
_BROKEN = (tarfile.TarError, *zip_package.BROKEN)


class ReadLog:
    """What was read, skipped and refused in a source; filled while it is read.

    `removed`: files, chats and tables that gave no document (the caller may empty the list as it
    goes). `skipped`: files that were not opened, by kind. `formats`: files read, by format.
    `chats`: {source: {format, senders {name: messages}, and, of a table whose columns are unknown,
    columns and the first rows; mine, when the export says which messages are the owner's}}.
    `messages`: {file: number of its messages}. `broken`: {file that breaks off: number of messages
    or texts before}.
    """

    def __init__(self) -> None:
        self.removed: list[Removed] = []
        self.skipped: Counter[str] = Counter()
        self.formats: Counter[str] = Counter()
        self.chats: dict[str, dict] = {}
        self.messages: Counter[str] = Counter()
        self.broken: dict[str, int] = {}

    def breaks_off(self, file: File, count: int) -> None:
        """Record that a file breaks off after `count` messages or texts, which are read."""
        self.broken[file.name] = count
        text = t("corpus.broken_off", count=count, end=" ".join(file.broken[:120].split()))
        self.removed.append(Removed("rest", "broken", text, file.name, content_id(file.broken)))

    def drop(self, source: str, reason: str, text: str = "") -> None:
        """Record that a whole file, chat or archive is left out."""
        self.removed.append(Removed("document", reason, text, source, content_id(source)))

    def senders(self) -> Counter[str]:
        """{sender: number of messages} over all chats."""
        senders = Counter()
        for chat in self.chats.values():
            senders.update(chat["senders"])
        return senders

    @contextmanager
    def refusals(self, source: str) -> Iterator[None]:
        """Record Unreadable and UnknownColumns raised in the block as a file left out."""
        try:
            yield
        except UnknownColumns as table:
            unknown = {"columns": table.names, "rows": table.rows}
            self.chats[source] = {"format": "table", "senders": {}, **unknown}
            self.drop(source, "columns")
        except Unreadable as error:
            self.drop(source, str(error))


def walk(
    source: str | Path, log: ReadLog, progress: Callable[[int, int], None] | None = None
) -> Iterator[File]:
    """Yield the Files under a folder, a zip or a single file, sorted by name.

    Raises TwinError when there is no such source.
    """
    source = Path(source)
    if not source.exists():
        raise TwinError(t("corpus.source_not_found", source=source))
    names = list(_file_names(source, log.skipped))
    for number, name in enumerate(names, 1):
        path, name = source if source.is_file() else source / name, _decoded(name)
        try:
            yield from _files_of(name, path, source, log)
        except Unreadable as error:
            log.drop(name, str(error))
        except OSError:
            log.drop(name, "unreadable")
        if progress:
            progress(number, len(names))


def refused_archives(source: str | Path) -> dict[str, str]:
    """{file: key of data/reasons.yaml} of the archives in a source that can't be opened.

    Looks at each archive's list of members and opens none but the first that may be writing.
    """
    source, refused = Path(source), {}
    for name in _file_names(source, Counter()):
        if not (Path(name).suffix.lower() in (".zip", *_PACKED) or _TAR.search(name)):
            continue
        log, path = ReadLog(), source if source.is_file() else source / name
        try:
            if next(_files_of(name, path, source, log), None) is None and log.removed:
                refused[_decoded(name)] = log.removed[0].reason
        except Unreadable as error:
            refused[_decoded(name)] = str(error)
        except OSError:
            refused[_decoded(name)] = "unreadable"
    return refused


def has_files(source: str | Path) -> bool:
    """Whether a source has any file that may hold writing, by the files' names only."""
    try:
        return any(True for _ in _file_names(Path(source), Counter()))
    except OSError:
        return False


def _decoded(name):
    """A file's name as text; unpacked from a Chinese Windows archive it may be GBK."""
    data = os.fsencode(name)
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("gb18030", errors="replace")


def _file_names(source, skipped):
    """The paths, relative to the source, of files that may hold writing."""
    if source.is_file():
        yield source.name
        return
    for folder, folders, names in os.walk(source, onerror=lambda _: skipped.update(["closed"])):
        here = Path(folder)
        kinds = {name: _folder_kind(here / name) for name in folders}
        skipped.update(filter(None, kinds.values()))
        folders[:] = sorted(name for name in folders if not kinds[name])
        for name in sorted(names):
            kind = _file_kind(here / name)
            if kind:
                skipped[kind] += 1
            else:
                yield (here / name).relative_to(source).as_posix()


def _folder_kind(folder):
    """Why a folder is skipped, or None."""
    if folder.is_symlink():  # also one to a folder inside the source, which is read anyway
        return "link"
    if folder.name.startswith("."):
        return "hidden"
    if folder.name.lower() in _CACHES:
        return "cache"
    is_twin = os.path.exists(folder / FILES["facts"])  # no error where it is closed
    return "twin" if is_twin else None


def _file_kind(path):
    if path.is_symlink():
        return "link"
    # To open a pipe would block for ever.
    return kind_of(path.name) if path.is_file() else "other"


def kind_of(name: str) -> str | None:
    """Why a file of this name is skipped, a key of reasons.SKIPPED; None when it may be writing."""
    path = Path(name)
    suffix = path.suffix.lower()
    if path.name.startswith((".", "~")):
        return "hidden"
    if path.stem.lower() in _ABOUT_NAMES and suffix in _ABOUT_SUFFIXES:
        return "about"
    known = path.name.startswith(_TWEETS) or _TAR.search(path.name)
    return None if known else _KINDS.get(suffix)


def _files_of(name, path, source, log):
    with path.open("rb") as stream:
        kind = _archive_kind(name, stream)
        if kind:
            yield from _members("" if path == source else f"{name}/", kind, stream, log, 1)
            return
    if path.stat().st_size > FILE_LIMIT:
        with path.open("rb") as stream:
            yield from _parts(name, stream)
    else:
        yield web_archive.opened(File(name, path.read_bytes(), _neighbour(path.parent, source)))


def _parts(name, stream):
    """The parts of a mailbox of any size; other files are read whole, so they have a limit."""
    head = stream.read(_HEAD)
    if not mailbox_parts.is_mailbox(name, head):
        raise Unreadable("large")
    stream.seek(0)
    for number, data in enumerate(mailbox_parts.parts(stream), 1):
        yield File(mailbox_parts.name_of(name, number), data)


def _archive_kind(name, stream):
    """_Zip or _Tar for an archive, None for any other file.

    Raises Unreadable for an archive that can't be opened: 'packed', 'empty' or 'damaged'.
    """
    head, suffix = stream.read(4), Path(name).suffix.lower()
    stream.seek(0)
    if head == b"PK\3\4" and not _is_document(stream):
        return _Zip
    stream.seek(0)
    if _TAR.search(name):
        return _Tar
    if suffix == ".zip" and head != b"PK\3\4":
        # A zip of no file begins with its end.
        raise Unreadable("empty" if head in (b"", b"PK\5\6") else "damaged")
    if suffix in _PACKED:
        raise Unreadable("packed")
    return None


def _is_document(archive):
    """Whether a zip is a document of Word, Excel or EPUB."""
    try:
        with zipfile.ZipFile(archive) as opened:
            names = opened.namelist()
    except _NOT_A_ZIP:
        return False
    parts = {"[Content_Types].xml", "META-INF/container.xml"}
    return names[:1] == ["mimetype"] or not parts.isdisjoint(names)


def _neighbour(folder, source):
    """File.near for files of a folder: it reads no file outside the source."""

    def near(path):
        target = (folder / path).resolve()
        inside = target.is_relative_to(source.resolve()) and target.is_file()
        return target.read_bytes() if inside and target.stat().st_size <= FILE_LIMIT else None

    return near


# Archives


class _Archive(Protocol):
    """The files in an archive: `sizes` {name: bytes unpacked}, `broken` if it ends too early."""

    sizes: dict[str, int]
    broken: bool

    def open(self, name: str) -> BinaryIO:
        """A file in it. Raises Unreadable('locked' or 'bomb'), or one of _BROKEN."""

    def close(self) -> None: ...


class _Zip:
    def __init__(self, stream):
        self._archive, self.broken = zipfile.ZipFile(stream), False
        members = [member for member in self._archive.infolist() if not member.is_dir()]
        self._members = {_name(member): member for member in members}
        self.sizes = {name: member.file_size for name, member in self._members.items()}
        self.close = self._archive.close

    def open(self, name):
        zip_package.check(self._members[name])
        return self._archive.open(self._members[name])


class _Tar:
    def __init__(self, stream):
        most = max(2**20, zip_package.RATIO_LIMIT * stream.seek(0, os.SEEK_END))
        stream.seek(0)
        self._members, self.broken, unpacked = {}, False, 0
        try:
            self._archive = tarfile.open(fileobj=stream)
            for number, member in enumerate(self._archive):
                unpacked += member.size  # of all: to go on, each is unpacked
                if number > _MEMBER_LIMIT or unpacked > most:
                    raise Unreadable("bomb")
                if member.isfile():
                    self._members[_decoded(member.name.removeprefix("./"))] = member
        except _BROKEN:
            if not self._members:
                raise Unreadable("damaged") from None
            self.broken = True
        self.sizes = {name: member.size for name, member in self._members.items()}
        self.close = self._archive.close

    def open(self, name):
        return self._archive.extractfile(self._members[name])


def _members(prefix, kind, stream, log, depth):
    """Yield the Files in an archive of a kind, _Zip or _Tar."""
    try:
        with closing(kind(stream)) as archive:
            names = list(archive.sizes)
            if any(map(_IWORK.search, names)):
                raise Unreadable("foreign")
            kinds = {name: _member_kind(name) for name in names}
            log.skipped.update(filter(None, kinds.values()))
            wanted = [name for name in names if not kinds[name]]
            # Of a mailbox a part is read at a time.
            size = sum(min(archive.sizes[name], FILE_LIMIT) for name in wanted)
            if len(names) > _MEMBER_LIMIT or size > ARCHIVE_LIMIT:
                raise Unreadable("bomb")
            shared = lru_cache(2)(partial(_content, archive))  # a table that many files ask for
            for name in wanted:
                with log.refusals(prefix + name):
                    yield from _member(prefix, name, archive, shared, log, depth)
            if archive.broken:
                raise Unreadable("damaged")
    except _NOT_A_ZIP:
        raise Unreadable("damaged") from None


def _member_kind(name):
    """Why a member is skipped, or None."""
    *folders, last = name.split("/")
    if any(folder.startswith(".") and folder != ".." for folder in folders):
        return "hidden"
    if any(folder.lower() in _CACHES for folder in folders):
        return "cache"
    return kind_of(last)


def _member(prefix, name, archive, shared, log, depth):
    if archive.sizes[name] > FILE_LIMIT:
        _check_name(name)
        try:
            with archive.open(name) as stream:
                yield from _parts(prefix + name, stream)
        except _BROKEN:
            raise Unreadable("damaged") from None
        return
    data = _content(archive, name)
    kind = _archive_kind(name, io.BytesIO(data))
    if kind and depth > _DEPTH_LIMIT:
        raise Unreadable("deep")
    if kind:
        yield from _members(f"{prefix}{name}/", kind, io.BytesIO(data), log, depth + 1)
    else:
        yield web_archive.opened(File(prefix + name, data, _neighbour_inside(name, shared)))


def _check_name(name):
    """Raise Unreadable for a name that leads out of its archive."""
    folders = name.split("/")
    if name.startswith("/") or ".." in folders or ":" in folders[0]:
        raise Unreadable("unsafe")


def _content(archive, name):
    """The bytes of a file in an archive. Raises Unreadable, or KeyError where there is none."""
    _check_name(name)
    if archive.sizes[name] > FILE_LIMIT:
        raise Unreadable("large")
    try:
        with archive.open(name) as stream:
            return stream.read()
    except _BROKEN:
        raise Unreadable("damaged") from None


def _neighbour_inside(name, content):
    """File.near for a member of an archive, whose `content` returns the bytes of a name."""

    def near(path):
        target = posixpath.normpath(posixpath.join(posixpath.dirname(name), path))
        try:
            return content(target)
        except (KeyError, Unreadable):
            return None

    return near


def _name(member):
    """The member's name; archives made on a Chinese Windows have GBK names without saying so."""
    name = member.filename
    if not member.flag_bits & 0x800:
        try:
            name = decode(name.encode("cp437"))
        except (UnicodeError, Unreadable):
            pass
    return name.replace("\\", "/")
