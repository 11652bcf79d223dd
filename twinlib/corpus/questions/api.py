"""Questions from an OpenAI-compatible service. Nothing is sent unless the owner agreed: see `consent_problem`.

The key is $OPENAI_API_KEY; it goes into one header, to that address alone (redirects are refused), and stands in no
message. A service that knows no JSON schema is asked for a JSON object, one that knows neither is asked in words.
"""

import email.utils
import http.client
import json
import os
import random
import threading
import time
import urllib.error
import urllib.request
from urllib.parse import urlsplit

from ...files import TwinError
from ...i18n import t
from ...models.hub import LOOPBACK
from ...twin import AUTO
from . import validate

TOKENS = 800  # of a passage that are sent
TIMEOUT = 90  # seconds for one whole answer
WAITS = (1, 2, 4, 8)  # seconds before the next try, when the service does not say
LONGEST_WAIT = 60
REPLY_BYTES = 2**20
PASSING = (408, 409, 425, 429)
# A service that does not know a response format says one of these.
REFUSED = (400, 415, 422, 501)


class Unanswered(Exception):
    """The service gave no answer to one passage, after all tries."""


def wrong_address(url):
    """The sentence for an address that nothing may be sent to, or ''."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        host = None
    if not host or parts.scheme not in ("http", "https") or parts.username:
        return t("corpus.no_address_service_give_one", url=url)
    if parts.scheme == "http" and host not in LOOPBACK:
        return t("corpus.get_texts_unencrypted_use_https", host=host)
    return ""


def consent_problem(settings, count):
    """The sentence that stops a run which would send `count` passages unasked, nowhere, or to nobody; else ''."""
    if settings.questions != "endpoint":
        return ""
    if not settings.endpoint:
        return t("corpus.no_address_service_give_endpoint")
    if wrong := wrong_address(settings.endpoint):
        return wrong
    if settings.question_model in ("", AUTO):
        return t("corpus.say_which_model_service_should")
    if not settings.send:
        host = urlsplit(settings.endpoint).hostname
        en, zh = (f"{count} passages", f"{count} 段文字") if count else ("All passages", "全部文字")
        return t("corpus.writing_sent_agree_send_yes", en=en, host=host, zh=zh)
    return ""


def announce(passages, url, model):
    """How much would go where, in a sentence: to be said before anything is sent."""
    count = len([p for p in passages if not p.get("question")])
    characters = sum(
        len(validate.beginning(p["text"], TOKENS)) for p in passages if not p.get("question")
    )
    host = urlsplit(url).hostname
    return t(
        "corpus.passages_characters_personal_data",
        count=count,
        characters=characters,
        host=host,
        model=model,
    )


class Service:
    """A service that asks: `ask(passage, attempt)` is the text of its reply; raises Unanswered, or TwinError."""

    def __init__(self, url, model, waits=WAITS, timeout=TIMEOUT):
        if wrong := wrong_address(url):
            raise TwinError(wrong)
        url = url.rstrip("/")
        self.url = url if url.endswith("/chat/completions") else f"{url}/chat/completions"
        self.host, self.model, self.by = (
            urlsplit(url).hostname,
            model,
            f"{model} at {urlsplit(url).netloc}",
        )
        self._waits, self._timeout, self._key = waits, timeout, _key()
        # A proxy of the environment has nothing to do with what stays on this machine.
        proxies = [urllib.request.ProxyHandler({})] if self.host in LOOPBACK else []
        self._open = urllib.request.build_opener(_NoRedirect, *proxies).open
        self._formats, self._lock = ["json_schema", "json_object", ""], threading.Lock()

    def __call__(self, passage, attempt):
        while True:
            form = self._formats[0]
            try:
                return self._patiently(self._wish(passage, form))
            except _Refused as error:
                with self._lock:
                    if self._formats[0] == form:  # else another thread has found out already
                        if len(self._formats) == 1:
                            raise TwinError(self._no(str(error))) from None
                        self._formats.pop(0)

    def _wish(self, passage, form):
        chat = validate.messages(passage, TOKENS)
        chat[0]["content"] += validate.SHAPE
        wish = {"model": self.model, "messages": chat}
        if form == "json_schema":
            wish["response_format"] = {
                "type": form,
                "json_schema": {
                    "name": "questions",
                    "strict": True,
                    "schema": validate.schema(passage["language"], patterns=False),
                },
            }
        elif form:
            wish["response_format"] = {"type": form}
        return wish

    def _patiently(self, wish):
        """The text of an answer, after a wait or several when the service or the network had a passing fault."""
        for wait in (*self._waits, None):
            try:
                return self._send(wish)
            except _Passing as fault:
                if wait is None:
                    raise Unanswered from None
                asked = fault.wait if fault.wait is not None else wait * random.uniform(0.75, 1.25)
                time.sleep(min(max(asked, 0), LONGEST_WAIT))

    def _send(self, wish):
        headers = {"Content-Type": "application/json", "User-Agent": "twinlib"}
        if self._key:
            headers["Authorization"] = f"Bearer {self._key}"
        request = urllib.request.Request(self.url, json.dumps(wish).encode(), headers)
        try:
            with self._open(request, timeout=self._timeout) as answer:
                return _said(_body(answer, self._timeout))
        except urllib.error.HTTPError as error:
            raise self._fault(error) from None
        except (
            OSError,
            http.client.HTTPException,
        ):  # no connection, a timeout, broken off in the middle
            raise _Passing from None

    def _fault(self, error):
        """The exception that an HTTP status means: passing, refused, or a sentence that ends it all."""
        try:
            told = _body(error, self._timeout).decode("utf-8", errors="replace")
        except (OSError, http.client.HTTPException):
            told = ""
        if error.code in REFUSED:
            return _Refused(told)
        if (error.code in PASSING or error.code >= 500) and "insufficient_quota" not in told:
            return _Passing(_retry_after(error.headers.get("Retry-After")))
        if error.code in (401, 403):
            return TwinError(t("corpus.accept_key_set_openai_api", host=self.host))
        if error.code == 404:
            return TwinError(
                t("corpus.no_model_address_wrong_often", host=self.host, model=self.model)
            )
        return TwinError(self._no(f"HTTP {error.code} {told}"))

    def _no(self, told):
        told = " ".join(told.split())[:200]
        told = told.replace(self._key, "***") if self._key else told
        return t("corpus.refused_mend_run_same_command", host=self.host, told=told)


class _Refused(Exception):
    """The service does not take such a request."""


class _Passing(Exception):
    """Worth another try, after `wait` seconds when the service said so."""

    def __init__(self, wait=None):
        super().__init__()
        self.wait = wait


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_, **__):  # the key and the texts go nowhere else
        return None


def _key():
    key = os.environ.get("OPENAI_API_KEY", "").strip()
    if not key.isascii() or not key.isprintable() or " " in key:
        raise TwinError(t("corpus.openai_api_key_no_key"))
    return key


def _body(answer, timeout):
    """The bytes of an answer, in time and not without end."""
    deadline, pieces = time.monotonic() + timeout, []
    while piece := answer.read1(65536):
        pieces.append(piece)
        if time.monotonic() > deadline or sum(map(len, pieces)) > REPLY_BYTES:
            raise TimeoutError
    return b"".join(pieces)


def _said(body):
    """The text in a chat completion; '' where the model said nothing. Raises _Passing for what is no completion."""
    try:
        said = json.loads(body)["choices"][0]["message"]["content"]
    except (ValueError, KeyError, IndexError, TypeError, RecursionError):
        raise _Passing from None
    if isinstance(said, list):  # in parts
        said = "".join(
            part.get("text", "")
            for part in said
            if isinstance(part, dict) and isinstance(part.get("text"), str)
        )
    return said if isinstance(said, str) else ""


def _retry_after(value):
    """Seconds, from a number of them or a date; None for neither."""
    try:
        return float(value)
    except (TypeError, ValueError):
        pass
    try:
        return email.utils.parsedate_to_datetime(value).timestamp() - time.time()
    except (TypeError, ValueError):
        return None
