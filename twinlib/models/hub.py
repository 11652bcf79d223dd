"""The one place that uploads to the Hugging Face Hub. Models are downloaded in load.py.

Refuses to upload to an existing public repository when `private` is set, and to one with files that
did not come from here; deletes only what an earlier upload brought. Never sends the token to a
download mirror. The token is $HF_TOKEN or the saved login; no message contains it. Running an
upload again resumes it: the client skips files that the hub already has.
"""

import json
import os
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import NamedTuple
from urllib.parse import urlsplit

from ..files import TwinError
from ..i18n import t
from ..twin import Stopped

HUB = "https://huggingface.co"
TOKENS = f"{HUB}/settings/tokens"
LOOPBACK = ("127.0.0.1", "localhost", "::1")
_COMMIT = "Another Me"  # the message of our commits
_GITS_OWN = ".gitattributes"  # which the hub puts into every repository
_TEXTS_AND_WEIGHTS = (".gguf", ".jsonl")  # of these it is said where more lie in a repository
_NAMED = 5  # files in one sentence
_WAITS = (1, 2)  # seconds before the first and second retry of a request


class Repository(NamedTuple):
    """A repository to upload, with its files as {name in the repository: local path}.

    `earlier` are the names of the files that an upload from here brought before, None without one.
    """

    id: str  # USER/NAME
    kind: str  # model or dataset
    files: dict[str, Path]
    earlier: tuple[str, ...] | None = None

    @property
    def deleted(self) -> list[str]:
        """The names of earlier files that this upload lacks, and deletes on the hub."""
        return [name for name in self.earlier or () if name not in self.files]


def sizes(repository: Repository) -> dict[str, int]:
    """{name: bytes} of the files to upload."""
    return {name: path.stat().st_size for name, path in sorted(repository.files.items())}


def url(repository: Repository) -> str:
    """The repository's web page."""
    return f"{HUB}/{'datasets/' if repository.kind == 'dataset' else ''}{repository.id}"


def token() -> str | None:
    """The token of $HF_TOKEN or of the saved login, or None."""
    from huggingface_hub import get_token

    return get_token()


def mirror() -> str:
    """$HF_ENDPOINT if it is a mirror, which must not get a token; '' for the hub and loopback."""
    address = (os.environ.get("HF_ENDPOINT") or HUB).rstrip("/")
    return "" if address == HUB or urlsplit(address).hostname in LOOPBACK else address


def upload(
    repositories: list[Repository],
    private: bool,
    user: str,
    sha256: Callable[[Path], str],
    progress: Callable,
    sent: Callable[[Repository], None] = lambda repository: None,
) -> list[str]:
    """Create the repositories, upload the files and verify them; returns warnings.

    They are about the cards, and about what else lies in a repository. `user`, the owner of the
    repositories, is named in errors; `sha256(path)` gives a file's hash; `sent` is called with each
    repository whose files have arrived. Raises TwinError when the hub refuses or can't be reached,
    Stopped between two repositories.
    """
    if mirror():
        raise TwinError(t("models.token_not_to_mirror"))
    secret = token()
    if not secret:
        raise TwinError(t("models.no_token", page=TOKENS))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            others = _upload(_client(secret), repositories, private, sha256, progress, sent)
        except Stopped:
            raise
        except Exception as error:
            # Neither the sentence nor a traceback may show the token.
            raise TwinError(_without_token(_sentence(error, user), secret)) from None
    texts = (str(warning.message) for warning in caught)
    return [*others, *(_without_token(text, secret) for text in texts if "README" in text)]


def _upload(api, repositories, private, sha256, progress, sent):
    user = _retried(api.whoami)
    if user.get("auth", {}).get("accessToken", {}).get("role") == "read":
        raise TwinError(t("models.token_reads_only", tokens=TOKENS))
    for repository in repositories:
        _create(api, repository, private)
    others = []
    for done, repository in enumerate(repositories):
        progress(done, len(repositories), repository.id)
        others += _send(api, repository, sha256, sent)
    progress(len(repositories), len(repositories), t("models.uploaded"), raise_on_stop=False)
    return others


def _client(secret):
    from huggingface_hub import HfApi
    from huggingface_hub.utils import disable_progress_bars
    from huggingface_hub.utils import logging as hub_logging

    hub_logging.set_verbosity_error()
    if not sys.stderr.isatty():
        disable_progress_bars()
    return HfApi(token=secret, library_name="twinlib")


def _create(api, repository, private):
    """Create the repository if needed.

    Raises TwinError if one that exists isn't as `private`, or has files that are not from here.
    """
    name, kind = repository.id, repository.kind
    _retried(lambda: api.create_repo(name, repo_type=kind, private=private, exist_ok=True))
    is_private = bool(_retried(lambda: api.repo_info(name, repo_type=kind)).private)
    if is_private != private:
        key = "models.repository_is_private" if is_private else "models.repository_is_public"
        raise TwinError(t(key, id=name))
    if repository.earlier is None:
        there = _retried(lambda: api.list_repo_files(name, repo_type=kind))
        there = [file for file in there if file != _GITS_OWN]
        if there and not _is_ours(api, repository):
            raise TwinError(t("models.repository_of_others", id=name, names=_some(there)))


def _is_ours(api, repository):
    """Whether an upload from here, of which the twin's folder does not know, made a repository."""
    commits = _retried(lambda: api.list_repo_commits(repository.id, repo_type=repository.kind))
    return any(commit.title == _COMMIT for commit in commits)


def _some(names):
    return ", ".join(names[:_NAMED]) + " …" * (len(names) > _NAMED)


def _send(api, repository, sha256, sent):
    """Upload one repository in one commit, and verify names, sizes and hashes on the hub.

    Returns a warning where texts or GGUF files that are not from here lie beside these.
    """

    def commit():
        operations = _operations(api, repository)
        api.create_commit(
            repository.id, operations, repo_type=repository.kind, commit_message=_COMMIT
        )

    def uploaded():
        tree = api.list_repo_tree(repository.id, repo_type=repository.kind, recursive=True)
        return {entry.path: entry for entry in tree if hasattr(entry, "size")}

    _retried(commit)
    sent(repository)
    entries = _retried(uploaded)
    for name, size in sizes(repository).items():
        entry = entries.get(name)
        digest = entry and entry.lfs and entry.lfs.sha256
        if not entry or entry.size != size or digest and digest != sha256(repository.files[name]):
            raise TwinError(t("models.file_not_whole", name=name, id=repository.id))
    others = [name for name in entries if PurePosixPath(name).suffix in _TEXTS_AND_WEIGHTS]
    others = [name for name in others if name not in repository.files]
    return [t("models.others_stay", id=repository.id, names=_some(others))] if others else []


def _operations(api, repository):
    """Add the files, and delete those of an earlier upload that this one lacks."""
    from huggingface_hub import CommitOperationAdd, CommitOperationDelete

    present = api.list_repo_files(repository.id, repo_type=repository.kind)
    return [
        *(CommitOperationAdd(name, path) for name, path in repository.files.items()),
        *(
            CommitOperationDelete(name, is_folder=False)
            for name in repository.deleted
            if name in present
        ),
    ]


def _retried(call):
    """The result of call(), tried again after a temporary error."""
    for wait in (*_WAITS, None):
        try:
            return call()
        except Exception as error:
            if wait is None or not _is_temporary(error):
                raise
            time.sleep(wait)


def _causes(error):
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _status(error):
    """The HTTP status in an error or in what caused it, or None."""
    responses = (getattr(cause, "response", None) for cause in _causes(error))
    return next((response.status_code for response in responses if response is not None), None)


def _unreachable(error):
    import httpx

    kinds = (httpx.TransportError, ConnectionError)
    return any(isinstance(cause, kinds) for cause in _causes(error))


def _is_temporary(error):
    """Whether the same request may succeed later."""
    status = _status(error)
    if status:
        return status == 429 or status >= 500
    # A gateway may answer with an error page where the client expects JSON.
    is_error_page = any(isinstance(cause, json.JSONDecodeError) for cause in _causes(error))
    return is_error_page or _unreachable(error)


def _sentence(error, user):
    """What went wrong and the next action, in one sentence."""
    status = _status(error)
    if isinstance(error, TwinError):
        return str(error)
    if status == 401:
        return t("models.token_refused", tokens=TOKENS)
    if status in (403, 404):
        return t("models.token_cannot_write", user=user, tokens=TOKENS)
    if not status and _unreachable(error):
        return t("models.hub_unreachable")
    if _is_temporary(error):
        return t("models.hub_in_trouble")
    reason = " ".join(str(error).split())[:300] or type(error).__name__
    return t("models.upload_refused", reason=reason)


def _without_token(text, secret):
    return text.replace(secret, "***")
