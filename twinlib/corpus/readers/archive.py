"""Walk a folder, a zip or one file, and yield the Files that may hold writing.

Files that are not opened are counted by kind. Archives (zip, and tar, as Joplin's .jex is) are
never unpacked to disk: members are read into memory one at a time, within limits, and so are
archives in archives, two levels deep (Notion's exports are).
"""

import io
import os
import posixpath
import re
import tarfile
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from ...files import TwinError, content_id
from ...i18n import t
from ...text.inputs import zip_package
from ...text.inputs.encoding import Unreadable, decode
from ...text.inputs.input_file import File, UnknownColumns
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
# What zipfile raises for a file that is no zip, or one it can't read; tarfile for a tar.
_NOT_A_ZIP = (zipfile.BadZipFile, ValueError, EOFError, NotImplementedError)
_NOT_A_TAR = (tarfile.TarError, *zip_package.BROKEN)


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
    return "twin" if os.path.exists(folder / "twin.json") else None  # no error where it is closed


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
    with path.open("rb") as opened:
        zipped = opened.read(4) == b"PK\3\4"
    if zipped and not _is_document(path):
        yield from _members("" if path == source else f"{name}/", path, log, 1)
    elif _TAR.search(name):
        yield from _tar_members("" if path == source else f"{name}/", path, log)
    elif path.suffix.lower() == ".zip":
        with path.open("rb") as opened:
            nothing = opened.read(4) in (b"", b"PK\5\6")  # a zip of no file begins with its end
        raise Unreadable("empty" if nothing else "damaged")
    elif path.suffix.lower() in _PACKED:
        raise Unreadable("packed")
    elif path.stat().st_size > FILE_LIMIT:
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


def _members(prefix, path, log, depth):
    try:
        with zipfile.ZipFile(path) as archive:
            members = {
                _name(member): member for member in archive.infolist() if not member.is_dir()
            }
            if any(map(_IWORK.search, members)):
                raise Unreadable("foreign")
            kinds = {name: _member_kind(name) for name in members}
            log.skipped.update(filter(None, kinds.values()))
            wanted = [name for name in members if not kinds[name]]
            # Of a mailbox a part is read at a time.
            size = sum(min(members[name].file_size, FILE_LIMIT) for name in wanted)
            if len(members) > _MEMBER_LIMIT or size > ARCHIVE_LIMIT:
                raise Unreadable("bomb")
            for name in wanted:
                yield from _member(prefix, name, archive, members, log, depth)
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


def _member(prefix, name, archive, members, log, depth):
    try:
        if members[name].file_size > FILE_LIMIT:
            zip_package.check(members[name])
            with archive.open(members[name]) as stream:
                yield from _parts(prefix + name, stream)
            return
        data = _content(name, archive, members)
        if data[:4] == b"PK\3\4" and not _is_document(io.BytesIO(data)):
            if depth > _DEPTH_LIMIT:
                raise Unreadable("deep")
            yield from _members(f"{prefix}{name}/", io.BytesIO(data), log, depth + 1)
        elif name.lower().endswith(_PACKED):
            raise Unreadable("packed")
        else:
            near = _neighbour_inside(name, archive, members)
            yield web_archive.opened(File(prefix + name, data, near))
    except Unreadable as error:
        log.drop(prefix + name, str(error))


def _tar_members(prefix, path, log):
    size = 0
    try:
        with tarfile.open(path) as archive:
            for number, member in enumerate(archive):
                name, size = member.name.removeprefix("./"), size + member.size
                if number > _MEMBER_LIMIT or size > ARCHIVE_LIMIT:
                    raise Unreadable("bomb")
                kind = _member_kind(name)
                if kind or not member.isfile():
                    log.skipped.update([kind] if kind else [])
                elif name.startswith("/") or ".." in name.split("/"):
                    log.drop(prefix + name, "unsafe")
                elif member.size > FILE_LIMIT:
                    with log.refusals(prefix + name):
                        yield from _parts(prefix + name, archive.extractfile(member))
                else:
                    yield File(prefix + name, archive.extractfile(member).read())
    except _NOT_A_TAR:
        raise Unreadable("damaged") from None


def _content(name, archive, members):
    folders = name.split("/")
    if name.startswith("/") or ".." in folders or ":" in folders[0]:
        raise Unreadable("unsafe")
    if members[name].file_size > FILE_LIMIT:
        raise Unreadable("large")
    zip_package.check(members[name])
    try:
        return archive.read(members[name])
    except zip_package.BROKEN:
        raise Unreadable("damaged") from None


def _neighbour_inside(name, archive, members):
    """File.near for a member of an archive."""

    def near(path):
        target = posixpath.normpath(posixpath.join(posixpath.dirname(name), path))
        try:
            return _content(target, archive, members)
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
