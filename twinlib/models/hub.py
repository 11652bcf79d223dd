"""The one place that sends anything to the Hugging Face Hub. Model downloads are in models.py.

Private repositories stay private: one that is already public is never made fuller while 'private' is asked for, and
a download mirror never gets the token. The token is $HF_TOKEN or the saved login; it stands in no message. Files are
sent from where they lie, and resume by themselves: the client skips what the hub already holds.
"""

import json
import os
import sys
import time
import warnings
from pathlib import PurePosixPath
from typing import NamedTuple
from urllib.parse import urlsplit

from ..files import TwinError
from ..i18n import t
from ..twin import Stopped

HUB = "https://huggingface.co"
TOKENS = f"{HUB}/settings/tokens"
LOOPBACK = ("127.0.0.1", "localhost", "::1")
REPLACED = (".gguf", ".jsonl")  # of these the repository keeps only what is sent
WAITS = (1, 2)  # seconds before trying again what the client does not repeat itself


class Repository(NamedTuple):
    """A repository to be: its id USER/NAME, the hub's kind (model or dataset) and {name: path} of what it will hold."""

    id: str
    kind: str
    files: dict


def sizes(repository):
    """{name: bytes} of what a repository will hold."""
    return {name: path.stat().st_size for name, path in sorted(repository.files.items())}


def url(repository):
    """Where people will find it."""
    return f"{HUB}/{'datasets/' if repository.kind == 'dataset' else ''}{repository.id}"


def token():
    """The token of $HF_TOKEN or of the saved login, or None."""
    from huggingface_hub import get_token

    return get_token()


def mirror():
    """The address in $HF_ENDPOINT when a token must not go there: neither the hub itself nor loopback; else ''."""
    address = (os.environ.get("HF_ENDPOINT") or HUB).rstrip("/")
    return "" if address == HUB or urlsplit(address).hostname in LOOPBACK else address


def upload(repositories, private, user, sha256, progress):
    """Make the repositories, send the files and check what arrived; returns the hub's warnings about the cards.

    `sha256` is a function of a path. Raises TwinError with a sentence, and Stopped between two repositories.
    """
    secret = token()
    if mirror() or not secret:
        raise TwinError(
            t("models.token_not_to_mirror") if mirror() else t("models.no_token", page=TOKENS)
        )
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            _upload(_client(secret), repositories, private, sha256, progress)
        except Stopped:
            raise
        except Exception as error:
            # Whatever the client says, the token is not in it, nor is a traceback that could show it.
            raise TwinError(_scrub(_sentence(error, user), secret)) from None
    return [_scrub(str(one.message), secret) for one in caught if "README" in str(one.message)]


def _upload(api, repositories, private, sha256, progress):
    _check_token(_patiently(api.whoami))
    for repository in repositories:
        _make(api, repository, private)
    for done, repository in enumerate(repositories):
        progress(done, len(repositories), repository.id)
        _send(api, repository, sha256)
    progress(len(repositories), len(repositories), t("models.uploaded"), raise_on_stop=False)


def _client(secret):
    from huggingface_hub import HfApi
    from huggingface_hub.utils import disable_progress_bars
    from huggingface_hub.utils import logging as hub_logging

    hub_logging.set_verbosity_error()
    if not sys.stderr.isatty():
        disable_progress_bars()
    return HfApi(token=secret, library_name="twinlib")


def _check_token(who):
    role = who.get("auth", {}).get("accessToken", {}).get("role")
    if role == "read":
        raise TwinError(t("models.token_reads_only", tokens=TOKENS))


def _make(api, repository, private):
    """Make the repository if need be; raises TwinError when it is public although private was asked for."""
    _patiently(
        lambda: api.create_repo(
            repository.id, repo_type=repository.kind, private=private, exist_ok=True
        )
    )
    if (
        private
        and not _patiently(lambda: api.repo_info(repository.id, repo_type=repository.kind)).private
    ):
        raise TwinError(t("models.repository_is_public", id=repository.id))


def _send(api, repository, sha256):
    """Upload one repository, then compare names, sizes and hashes of what arrived. Running it again resumes."""
    _patiently(
        lambda: api.create_commit(
            repository.id,
            _operations(api, repository),
            repo_type=repository.kind,
            commit_message="Another Me",
        )
    )
    tree = _patiently(
        lambda: list(api.list_repo_tree(repository.id, repo_type=repository.kind, recursive=True))
    )
    there = {entry.path: entry for entry in tree if hasattr(entry, "size")}
    for name, count in sizes(repository).items():
        entry = there.get(name)
        large = entry and entry.lfs and entry.lfs.sha256
        if not entry or entry.size != count or large and large != sha256(repository.files[name]):
            raise TwinError(t("models.file_not_whole", name=name, id=repository.id))


def _operations(api, repository):
    """What the commit does: add the files, delete old ones of the kinds that are REPLACED."""
    from huggingface_hub import CommitOperationAdd, CommitOperationDelete

    there = api.list_repo_files(repository.id, repo_type=repository.kind)
    old = [
        name
        for name in there
        if PurePosixPath(name).suffix in REPLACED and name not in repository.files
    ]
    return [
        *(CommitOperationAdd(name, path) for name, path in repository.files.items()),
        *(CommitOperationDelete(name, is_folder=False) for name in old),
    ]


def _patiently(call):
    """What call() returns, after a short wait or two when the hub or the network had a passing fault."""
    for wait in (*WAITS, None):
        try:
            return call()
        except Exception as error:
            if wait is None or not _passing(error):
                raise
            time.sleep(wait)


def _causes(error):
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _status(error):
    """The HTTP status in an error or in what caused it, or None."""
    answers = (getattr(one, "response", None) for one in _causes(error))
    return next((answer.status_code for answer in answers if answer is not None), None)


def _unreachable(error):
    import httpx

    return any(isinstance(one, (httpx.TransportError, ConnectionError)) for one in _causes(error))


def _passing(error):
    status = _status(error)
    if status:
        return status == 429 or status >= 500
    # A gateway's error page where the client expects JSON is the hub's trouble too.
    return _unreachable(error) or any(
        isinstance(one, json.JSONDecodeError) for one in _causes(error)
    )


def _sentence(error, user):
    """One sentence with the next action for whatever went wrong."""
    status = _status(error)
    if isinstance(error, TwinError):
        return str(error)
    if status == 401:
        return t("models.token_refused", tokens=TOKENS)
    if status in (403, 404):
        return t("models.token_cannot_write", user=user, tokens=TOKENS)
    if not status and _unreachable(error):
        return t("models.hub_unreachable")
    if _passing(error):
        return t("models.hub_in_trouble")
    told = " ".join(str(error).split())[:300] or type(error).__name__
    return t("models.upload_refused", told=told)


def _scrub(text, secret):
    """A text without the token, whatever put it there."""
    return text.replace(secret, "***")
