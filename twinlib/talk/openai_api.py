"""The twin behind OpenAI's interface, as an ASGI application: models, chats, embeddings, passages.

Who may ask: the name in Host must be this machine's (a page whose name was rebound to it has
another one), and a request brings the key, or the cookie that the page at / got for it. Other
origins get no answer that a browser would show them, unless the owner listed them.

An answer with memory has its sources twice: as `url_citation` annotations in the chunk that
carries `finish_reason`, and as footnotes in the text for apps that don't know those. Nothing of a
conversation is kept.
"""

import asyncio
import base64
import gzip
import hashlib
import hmac
import ipaddress
import json
import re
import secrets
import time
from collections.abc import AsyncIterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import parse_qs, urlsplit

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import (
    HTMLResponse,
    JSONResponse,
    RedirectResponse,
    Response,
    StreamingResponse,
)
from starlette.routing import Route

from ..files import TwinError
from ..i18n import t
from ..models.llama_cpp import Halt, Halted
from . import web_page
from .chat_request import Refused, chosen, json_object, parse
from .twin_chat import Reply, TwinChat

# Names as the page's files have them: none begins with a dot, or has blanks or line breaks
_STATIC_PATH = re.compile(r"([\w-][\w.-]*/)*[\w-][\w.-]*", re.ASCII)
_LONGEST = 8 * 2**20  # bytes of a request
_MOST_TEXTS = 256  # of a request for embeddings
_PING = 15.0  # seconds without a word after which a proxy is told that the answer still comes
_THREADS = 32  # requests that are worked on or wait; more wait for these
_LOCAL = ("localhost", "host.docker.internal")  # the second one is what a container calls this one


class Api:
    """The application for `TwinChat`; `Api(chat, key, origins, hosts).app` is what a server runs.

    `origins` are those whose pages may ask, `hosts` names of this machine besides its own.
    """

    def __init__(
        self, chat: TwinChat, key: str, origins: Sequence[str] = (), hosts: Sequence[str] = ()
    ):
        self.chat, self._key = chat, key
        self._hosts = {*_LOCAL, *(host.lower() for host in hosts)}
        self._threads = ThreadPoolExecutor(_THREADS, "twin")
        named = [
            Route("/v1/models", self._models),
            Route("/v1/models/{id:path}", self._model),
            Route("/v1/chat/completions", self._chat, methods=["POST"]),
            Route("/v1/embeddings", self._embeddings, methods=["POST"]),
            Route("/v1/passages/{id}", self._passage),
            Route("/health", self._health),
        ]
        self._named = named + [  # some apps add /v1 to what is typed, some don't
            Route(route.path.removeprefix("/v1"), route.endpoint, methods=route.methods)
            for route in named
            if route.path.startswith("/v1")
        ]
        self._there = ", ".join(map(_typed, named))
        routes = [
            *self._named,
            Route("/props", self._properties),
            Route("/", self._page, methods=["GET", "POST"]),
            Route("/{path:path}", self._static),
        ]
        cors = Middleware(
            CORSMiddleware,
            allow_origins=list(origins),
            allow_methods=["GET", "POST"],
            allow_headers=["*"],
            allow_private_network=True,
        )
        self.app = Starlette(
            routes=routes,
            middleware=[Middleware(_Host, api=self), cors, Middleware(_Key, api=self)],
            exception_handlers={
                Refused: lambda _, error: refusal(error),
                TwinError: lambda _, error: refusal(Refused(400, "twin", str(error))),
                ClientDisconnect: lambda *_: Response(status_code=499),  # nobody is there
                404: lambda request, _: self._nothing_there(request),
                405: lambda request, _: self._nothing_there(request),
                Exception: lambda _, error: refusal(_unexpected(error)),
            },
        )

    # Who may ask

    def knows_host(self, host: str) -> bool:
        """Whether a Host header names this machine: an address as such can't be rebound."""
        try:
            name = (urlsplit(f"//{host}").hostname or "").lower()
        except ValueError:
            return False
        try:
            return bool(ipaddress.ip_address(name))
        except ValueError:
            return name in self._hosts

    def lets_in(self, request: Request) -> bool:
        """Whether a request brings the key, or the page's cookie from the page itself."""
        given = request.headers.get("authorization", "")
        given = given[7:] if given.lower().startswith("bearer ") else ""
        if self._is_key(given or request.headers.get("x-api-key", "")):
            return True
        host = request.headers.get("host", "")
        if request.headers.get("origin", f"http://{host}") != f"http://{host}":
            return False
        if request.headers.get("sec-fetch-site", "none") not in ("none", "same-origin"):
            return False
        return _same(request.cookies.get(self._cookie(request), ""), self._sign("cookie"))

    def _is_key(self, text):
        return _same(text, self._key)

    def _sign(self, text):
        """What only who has the key can make of a text; 32 letters."""
        return hmac.new(self._key.encode(), text.encode(), hashlib.sha256).hexdigest()[:32]

    def _cookie(self, request):
        return f"twin-{request.url.port or 80}"  # cookies are not kept apart by port

    def opened_by_link(self, request: Request) -> bool:
        """Whether an address of a passage was made by this server."""
        id = re.fullmatch(r"(?:/v1)?/passages/([^/]+)", request.url.path)
        return bool(id) and _same(request.query_params.get("k", ""), self._sign(id[1]))

    # What is asked

    async def _health(self, request):
        return JSONResponse({"status": "ok"})

    async def _models(self, request):
        return JSONResponse({"object": "list", "data": list(map(self._about, self.chat.models))})

    async def _model(self, request):
        return JSONResponse(self._about(chosen(request.path_params["id"], self.chat.models)))

    def _about(self, name):
        context = self.chat.llama.context
        about = {"id": name, "object": "model", "created": 0, "owned_by": "twinlib"}
        return {**about, "context_length": context, "max_model_len": context}

    async def _properties(self, request):
        return JSONResponse(
            await self._in_thread(web_page.properties, self.chat.llama, self.chat.twin.title)
        )

    async def _passage(self, request):
        passage = await self._in_thread(self.chat.passage, request.path_params["id"])
        if passage is None:
            raise Refused(404, "not_found", t("talk.no_such_passage"))
        if "text/html" in request.headers.get("accept", ""):
            page = web_page.of_passage(passage, self.chat.twin.title)
            return HTMLResponse(page, headers=_headers(web_page.PAGE_POLICY))
        fields = ("id", "title", "heading", "date", "source", "text")
        return JSONResponse({name: getattr(passage, name) for name in fields})

    async def _embeddings(self, request):
        values = json_object(await _body(request))
        texts = values.get("input")
        texts = [texts] if isinstance(texts, str) else texts
        if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
            raise Refused(400, "invalid_request", t("talk.wrong_type", name="input"))
        if not 0 < len(texts) <= _MOST_TEXTS:
            raise Refused(400, "invalid_request", t("talk.too_many_texts", most=_MOST_TEXTS))
        vectors = await self._in_thread(self.chat.embeddings, texts)
        if values.get("encoding_format") == "base64":
            given = [base64.b64encode(v.astype("<f4").tobytes()).decode() for v in vectors]
        else:
            given = [list(map(float, vector)) for vector in vectors]
        data = [{"object": "embedding", "index": i, "embedding": e} for i, e in enumerate(given)]
        model = values.get("model") or self.chat.models[0]
        usage = {"prompt_tokens": 0, "total_tokens": 0}  # it isn't the twin that reads them
        return JSONResponse({"object": "list", "model": model, "data": data, "usage": usage})

    async def _chat(self, request):
        asked = parse(json_object(await _body(request)), self.chat.models)
        head = {"id": f"chatcmpl-{secrets.token_hex(12)}", "created": int(time.time())}
        head["model"] = asked.model
        address = self._addresses(request)
        prepared = await self._in_thread(self.chat.prepare, asked)
        if asked.stream:
            events = self._events(prepared, head, address)
            headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
            return StreamingResponse(events, media_type="text/event-stream", headers=headers)
        halt = Halt()
        answer = asyncio.ensure_future(
            self._in_thread(self.chat.answer, prepared, lambda piece: None, halt, address)
        )
        gone = asyncio.ensure_future(_disconnected(request))
        try:
            await asyncio.wait((answer, gone), return_when=asyncio.FIRST_COMPLETED)
            if not answer.done():
                raise ClientDisconnect
            reply = answer.result()
        except (ClientDisconnect, Halted):
            return Response(status_code=499)  # nobody is there to read it
        finally:
            gone.cancel()
            if not answer.done():
                answer.add_done_callback(_seen)
                halt()
        message = {"role": "assistant", "content": reply.text + reply.footnotes}
        if reply.citations:
            message["annotations"] = reply.citations
        choice = {"index": 0, "message": message, "finish_reason": _finish(reply)}
        body = {**head, "object": "chat.completion", "choices": [choice], "usage": _usage(reply)}
        return JSONResponse(body, headers={"Cache-Control": "no-store"})

    async def _events(self, prepared, head, address) -> AsyncIterator[str]:
        """The chunks of a streamed answer; when nobody reads them any more, the answer ends."""
        loop, queue, halt = asyncio.get_running_loop(), asyncio.Queue(), Halt()

        def put(item):
            loop.call_soon_threadsafe(queue.put_nowait, item)

        def work():
            try:
                put(self.chat.answer(prepared, put, halt, address))
            except Exception as error:  # said to the client by who reads the queue
                put(error)

        def chunk(delta, finish=None):
            choice = {"index": 0, "delta": delta, "finish_reason": finish}
            return _event({**head, "object": "chat.completion.chunk", "choices": [choice]})

        try:
            self._threads.submit(work)
            yield chunk({"role": "assistant", "content": ""})
            while True:
                try:
                    item = await asyncio.wait_for(queue.get(), _PING)
                except TimeoutError:
                    yield ": still here\n\n"
                    continue
                if not isinstance(item, str):
                    break
                yield chunk({"content": item})
            if isinstance(item, Exception):
                yield _event({"error": _error(_unexpected(item))})
            else:
                if item.footnotes:
                    yield chunk({"content": item.footnotes})
                last = {"annotations": item.citations} if item.citations else {}
                yield chunk(last, _finish(item))
                if prepared.request.include_usage:
                    last = {**head, "object": "chat.completion.chunk", "choices": []}
                    yield _event({**last, "usage": _usage(item)})
            yield "data: [DONE]\n\n"
        finally:
            halt()

    def _addresses(self, request):
        """A function from a passage's id to its address, which opens without the key.

        This server is named in it as the browser of who asks reaches it.
        """
        host = request.headers["host"].replace("host.docker.internal", "localhost")
        return lambda id: f"http://{host}/v1/passages/{id}?k={self._sign(id)}"

    def _nothing_there(self, request):
        """The answer at an address that isn't one, or not for this method: what there is."""
        path = request.url.path
        methods = set().union(*(r.methods for r in self._named if r.path_regex.match(path)))
        asked = f"{request.method} {path[:100]}"
        sentence = t("talk.no_such_address", asked=asked, there=self._there)
        answer = refusal(Refused(405 if methods else 404, "not_found", sentence))
        if methods:
            answer.headers["Allow"] = ", ".join(sorted(methods))
        return answer

    # The page

    async def _page(self, request):
        given = request.query_params.get("key")
        if request.method == "POST":
            form = parse_qs((await _body(request)).decode("utf-8", "replace"))
            given = form.get("key", [""])[0].strip()
        if given is not None and self._is_key(given):
            answer = RedirectResponse("/", 303)
            cookie = self._cookie(request), self._sign("cookie")
            answer.set_cookie(*cookie, httponly=True, samesite="strict")
            return answer
        if given is None and self.lets_in(request):
            return await self._file(request, "/", web_page.CHAT_POLICY)
        page = web_page.asks_for_key(self.chat.twin.title, given is not None)
        return HTMLResponse(page, 401, headers=_headers(web_page.PAGE_POLICY))

    async def _static(self, request):
        path = request.path_params["path"]
        if not path.startswith(web_page.STATIC) or not _STATIC_PATH.fullmatch(path):
            return self._nothing_there(request)
        return await self._file(request, "/" + path)

    async def _file(self, request, path, policy=""):
        found = await self._in_thread(self.chat.llama.page, path)
        if found is None:
            return self._nothing_there(request)
        kind, content = found
        cached = "no-cache" if policy else "max-age=86400"
        headers = {**_headers(policy), "Content-Type": kind, "Cache-Control": cached}
        headers["Vary"] = "Accept-Encoding"
        if _takes_gzip(request):
            headers["Content-Encoding"] = "gzip"
        else:
            content = await self._in_thread(gzip.decompress, content)
        return Response(content, headers=headers)

    async def _in_thread(self, call, *values):
        return await asyncio.get_running_loop().run_in_executor(self._threads, call, *values)


class _Host:
    """Refuses requests that were meant for another name."""

    def __init__(self, app, api: Api):
        self.app, self.api = app, api

    async def __call__(self, scope, receive, send):
        if scope["type"] == "websocket":
            await send({"type": "websocket.close"})
        elif scope["type"] == "http" and not self.api.knows_host(_host(scope)):
            error = Refused(421, "wrong_host", t("talk.wrong_host", host=_host(scope)[:100]))
            await refusal(error)(scope, receive, send)
        else:
            await self.app(scope, receive, send)


class _Key:
    """Refuses requests without the key, except for what holds nothing of the twin's."""

    def __init__(self, app, api: Api):
        self.app, self.api = app, api

    async def __call__(self, scope, receive, send):
        if scope["type"] != "http" or self._is_open(scope):
            await self.app(scope, receive, send)
        else:
            await refusal(Refused(401, "invalid_api_key", t("talk.no_key")))(scope, receive, send)

    def _is_open(self, scope):
        request = Request(scope)
        path = request.url.path
        if path in ("/health", "/") or path[1:].startswith(web_page.STATIC):
            return True
        return self.api.opened_by_link(request) or self.api.lets_in(request)


def _typed(route):
    """'GET /v1/passages/ID' for a route."""
    path = re.sub(r"\{(\w+).*?\}", lambda name: name[1].upper(), route.path)
    return f"{'POST' if 'POST' in route.methods else 'GET'} {path}"


def _host(scope):
    return Request(scope).headers.get("host", "")


def _same(text, other):
    return hmac.compare_digest(text.encode(), other.encode())


async def _body(request):
    """The bytes of a request; raises Refused for more than _LONGEST."""
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > _LONGEST:
            raise Refused(413, "too_long", t("talk.request_too_long", most=_LONGEST // 2**20))
        parts.append(part)
    return b"".join(parts)


async def _disconnected(request):
    """Return once the client has hung up."""
    while (await request.receive())["type"] != "http.disconnect":
        pass


def _seen(future):
    """Take notice of an error that nobody waits for, which asyncio would print."""
    future.cancelled() or future.exception()


def _takes_gzip(request):
    """Whether Accept-Encoding names gzip, by itself or as *, and not with the weight 0."""
    weights = {}
    for each in request.headers.get("accept-encoding", "").lower().split(","):
        name, _, weight = each.replace(" ", "").partition(";q=")
        weights[name] = weight
    given = weights.get("gzip", weights.get("*", "0"))
    return not re.fullmatch(r"0(\.0*)?", given)


def _unexpected(error):
    """An error of any library as a Refused."""
    if isinstance(error, Refused):
        return error
    if isinstance(error, TwinError):
        return Refused(400, "twin", str(error))
    sentence = t("core.unexpected_error", name=type(error).__name__, error=error)
    return Refused(500, "server_error", sentence)


def refusal(error: Refused) -> Response:
    """The HTTP answer to a request that is refused, in OpenAI's form."""
    return JSONResponse({"error": _error(error)}, error.status)


def _error(error):
    kind = "server_error" if error.status >= 500 else "invalid_request_error"
    return {"message": str(error), "type": kind, "param": None, "code": error.code}


def _event(values):
    return f"data: {json.dumps(values, ensure_ascii=False)}\n\n"


def _finish(reply: Reply):
    return "stop" if reply.ended else "length"


def _usage(reply: Reply):
    counts = {"prompt_tokens": reply.prompt_tokens, "completion_tokens": reply.tokens}
    return {**counts, "total_tokens": sum(counts.values())}


def _headers(policy):
    headers = {"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer"}
    return {**headers, "Content-Security-Policy": policy} if policy else headers
