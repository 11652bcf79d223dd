"""Questions from an OpenAI-compatible API, which gets passages only if the owner agreed.

The key is $OPENAI_API_KEY. It goes to the given address alone (redirects are not followed) and
appears in no message. An API that does not know JSON schemas is asked for a JSON object, and one
that knows neither is asked in words.

httpx, not huggingface_hub's InferenceClient: that follows redirects, sends the saved Hugging Face
token where no key is given, and rewrites a JSON schema for its own servers.
"""

import email.utils
import json
import os
import random
import ssl
import threading
import time
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from ...files import TwinError
from ...i18n import t
from ...models.hub import LOOPBACK
from ...settings import Corpus
from ...twin import AUTO
from ..records import Passage
from . import validate

_PASSAGE_TOKENS = 800  # of each passage that are sent
_TIMEOUT = 90  # seconds for one whole response
_WAITS = (1, 2, 4, 8)  # seconds before each retry, unless the response says how long
_LONGEST_WAIT = 60
_RESPONSE_BYTES = 2**20
_RETRIED = (408, 409, 425, 429)  # and 500 upwards
_FORMAT_REFUSED = (400, 415, 422, 501)  # what an API answers to a response format it does not know


class NoAnswer(Exception):
    """The API gave no answer about one passage, after all retries."""


class _TemporaryFault(Exception):
    """A failure worth a retry, after `wait` seconds if the response named a time (else None)."""

    def __init__(self, wait=None):
        super().__init__()
        self.wait = wait


class _FormatRefused(Exception):
    """The API may not know the response format; the text is its explanation."""


def address_problem(url: str) -> str:
    """Why nothing may be sent to an address, as a sentence; '' if there is no problem."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        host = None
    if not host or parts.scheme not in ("http", "https") or parts.username:
        return t("corpus.bad_api_address", url=url)
    if parts.scheme == "http" and host not in LOOPBACK:
        return t("corpus.unencrypted_api_address", host=host)
    return ""


def consent_problem(settings: Corpus, count: int | None) -> str:
    """Why `count` passages (None if unknown) may not be sent, as a sentence; '' if they may."""
    if settings.questions != "endpoint":
        return ""
    if not settings.endpoint:
        return t("corpus.no_api_address")
    if problem := address_problem(settings.endpoint):
        return problem
    if settings.question_model in ("", AUTO):
        return t("corpus.no_api_model")
    if settings.send:
        return ""
    host = urlsplit(settings.endpoint).hostname
    if not count:
        return t("corpus.no_consent_to_send_all", host=host)
    return t("corpus.no_consent_to_send", count=count, host=host)


def announcement(passages: list[Passage], url: str, model: str) -> str:
    """How much will be sent where, as a sentence to show before anything is sent."""
    sent = [validate.beginning(p.text, _PASSAGE_TOKENS) for p in passages if not p.question]
    return t(
        "corpus.about_to_send",
        count=len(sent),
        characters=sum(map(len, sent)),
        host=urlsplit(url).hostname,
        model=model,
    )


class QuestionApi:
    """A model behind an API: called with (passage, attempt) it returns the text of one reply.

    `name` identifies it in the log of questions. A call raises NoAnswer after the last retry, and
    TwinError for what no retry can mend: a wrong key, an unknown model, a refused request. Calls
    may come from several threads.
    """

    def __init__(self, url: str, model: str, waits=_WAITS, timeout: float = _TIMEOUT):
        import httpx

        if problem := address_problem(url):
            raise TwinError(problem)
        url = url.rstrip("/")
        parts = urlsplit(url)
        self.url = url if url.endswith("/chat/completions") else f"{url}/chat/completions"
        self.host, self.model, self.name = parts.hostname, model, f"{model} at {parts.netloc}"
        self._waits, self._timeout, self._key = waits, timeout, _key()
        self._formats, self._lock = ["json_schema", "json_object", ""], threading.Lock()
        direct = self.host in LOOPBACK or proxy_bypass(self.host)
        bearer = {"Authorization": f"Bearer {self._key}"} if self._key else {}
        self._client = httpx.Client(
            headers={"User-Agent": "twinlib", **bearer},
            proxy=None if direct else getproxies().get(parts.scheme),
            timeout=timeout,
            trust_env=False,
            verify=ssl.create_default_context(),
        )

    def __call__(self, passage: Passage, attempt: int) -> str:
        while True:
            response_format = self._formats[0]
            try:
                return self._with_retries(self._request(passage, response_format))
            except _FormatRefused as refusal:
                self._give_up_format(response_format, refusal)

    def _give_up_format(self, response_format, refusal):
        """Use the next simpler response format; raises TwinError after the last one."""
        with self._lock:
            if self._formats[0] != response_format:  # another thread was first
                return
            if len(self._formats) == 1:
                raise TwinError(self._refusal(str(refusal))) from None
            self._formats.pop(0)

    def _request(self, passage, response_format):
        chat = validate.messages(passage, _PASSAGE_TOKENS)
        chat[0]["content"] += validate.SHAPE
        request = {"model": self.model, "messages": chat}
        if response_format:
            request["response_format"] = {"type": response_format}
        if response_format == "json_schema":
            schema = validate.schema(passage.language, patterns=False)
            named = {"name": "questions", "strict": True, "schema": schema}
            request["response_format"]["json_schema"] = named
        return request

    def _with_retries(self, request):
        for wait in (*self._waits, None):
            try:
                return self._send(request)
            except _TemporaryFault as fault:
                if wait is None:
                    raise NoAnswer from None
                wait = wait * random.uniform(0.75, 1.25) if fault.wait is None else fault.wait
                time.sleep(min(max(wait, 0), _LONGEST_WAIT))

    def _send(self, request):
        import httpx

        try:
            with self._client.stream("POST", self.url, json=request) as response:
                body = self._read(response)
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError):
            raise _TemporaryFault from None
        if not response.is_success:
            raise self._error(response, body.decode("utf-8", errors="replace"))
        return _reply_text(body)

    def _read(self, response):
        """The body of a response. Raises TimeoutError if it takes too long or is too large."""
        deadline, body = time.monotonic() + self._timeout, b""
        for piece in response.iter_bytes():
            body += piece
            if time.monotonic() > deadline or len(body) > _RESPONSE_BYTES:
                raise TimeoutError
        return body

    def _error(self, response, text):
        """The exception to raise for an unsuccessful response."""
        status = response.status_code
        if status in _FORMAT_REFUSED:
            return _FormatRefused(text)
        if (status in _RETRIED or status >= 500) and "insufficient_quota" not in text:
            return _TemporaryFault(retry_after(response.headers.get("Retry-After")))
        if status in (401, 403):
            return TwinError(t("corpus.api_key_rejected", host=self.host))
        if status == 404:
            return TwinError(t("corpus.api_model_not_found", host=self.host, model=self.model))
        return TwinError(self._refusal(f"HTTP {status} {text}"))

    def _refusal(self, text):
        """The sentence that quotes an API's refusal, without the key."""
        text = " ".join(text.split())[:200]
        text = text.replace(self._key, "***") if self._key else text
        return t("corpus.api_refused", host=self.host, text=text)


def _key():
    key = os.environ.get("OPENAI_API_KEY", "").strip()
    if not key.isascii() or not key.isprintable() or " " in key:
        raise TwinError(t("corpus.bad_api_key"))
    return key


def _reply_text(body):
    """The text of a chat completion, '' for an empty one; _TemporaryFault for anything else."""
    try:
        content = json.loads(body)["choices"][0]["message"]["content"]
    except (ValueError, KeyError, IndexError, TypeError, RecursionError):
        raise _TemporaryFault from None
    if isinstance(content, list):
        texts = [part.get("text") for part in content if isinstance(part, dict)]
        content = "".join(text for text in texts if isinstance(text, str))
    return content if isinstance(content, str) else ""


def retry_after(value: str | None) -> float | None:
    """The seconds of a Retry-After header, given as a number or a date; None for anything else."""
    try:
        return float(value)
    except (TypeError, ValueError):
        pass
    try:
        return email.utils.parsedate_to_datetime(value).timestamp() - time.time()
    except (TypeError, ValueError):
        return None
