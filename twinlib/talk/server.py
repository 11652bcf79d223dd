"""The twin as a server that other apps speak to: twinlib serve

It listens on this machine alone and asks for a key, which is printed once and kept nowhere. Every
user of the machine can read it in the command (`ps`), but not in the environment. The interface is
openai_api.py's. Ctrl-C ends it.
"""

import contextlib
import errno
import ipaddress
import os
import re
import secrets
import signal
import socket
import threading
from urllib.parse import quote

from ..files import TwinError
from ..i18n import t
from ..progress import Progress
from ..settings import Serve, stop
from ..twin import AUTO, Outcome, Problem, Twin
from . import remember, voices
from .twin_chat import TwinChat

KEY = "TWINLIB_KEY"  # the environment variable with the key
_SHORTEST_KEY = 8  # characters
# Errors of a machine without IPv6, or on which it is switched off
_WITHOUT_IPV6 = (errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL, errno.EPROTONOSUPPORT)
_GRACE = 2  # seconds that running answers have at the end
_CONNECTIONS = 200  # at once; more are told to come again


def problems(settings: Serve, twin: Twin) -> list[Problem]:
    """Why the server can't start."""
    found = []
    if why := voices.missing(twin, "file", settings.type):
        found.append(Problem("stop", why))
    if not _is_local(settings.host) and not settings.i_know:
        found.append(stop("talk.others_could_reach_it", host=settings.host))
    key = _key(settings)
    if 0 < len(key) < _SHORTEST_KEY:
        found.append(stop("talk.key_too_short", least=_SHORTEST_KEY))
    if not re.fullmatch("[!-~]*", key):  # what a header takes, and a client sends alike
        found.append(stop("talk.key_not_to_be_sent"))
    if "*" in settings.origin:
        found.append(stop("talk.origin_for_all"))
    return found


def run(twin: Twin, settings: Serve, progress: Progress) -> Outcome:
    """Serve until an interrupt."""
    import uvicorn

    from .openai_api import Api

    _end_at_once()
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(each) for each in _listening(settings)]
        speakers = stack.enter_context(voices.Voices(twin, settings.type, say=_say))
        newest = remember.Newest(twin) if settings.memory else None
        for note in newest.memory()[1] if newest else ():
            _say(note)
        temperature = None if settings.temperature == AUTO else settings.temperature
        chat = TwinChat(twin, speakers, newest, settings.tokens, temperature)
        chat.warm_up()
        key = _key(settings) or "twin-" + secrets.token_urlsafe(24)
        origins = [each.strip().rstrip("/") for each in settings.origin.split(",") if each.strip()]
        api = Api(chat, key, origins, [settings.host])
        _say(_welcome(settings, chat, key))
        server = uvicorn.Server(
            uvicorn.Config(
                api.app,
                log_level="warning",
                access_log=False,
                lifespan="off",
                ws="none",
                proxy_headers=False,
                server_header=False,
                limit_concurrency=_CONNECTIONS,
                timeout_graceful_shutdown=_GRACE,
            )
        )
        with contextlib.suppress(KeyboardInterrupt):
            server.run(sockets=sockets)
        _say(t("talk.server_ended"))
    return Outcome({}, {}, [], settings)


def _key(settings):
    """The key that the owner chose, in the command or in the environment; '' for a new one."""
    return settings.key or os.environ.get(KEY, "")


def _end_at_once():
    """Let an interrupt end the program: there is nothing to be saved first, as in other steps."""
    if threading.current_thread() is threading.main_thread():
        for name in ("SIGINT", "SIGTERM", "SIGBREAK"):
            if hasattr(signal, name):
                signal.signal(getattr(signal, name), signal.default_int_handler)


def _is_local(host):
    """Whether only this machine reaches an address."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _listening(settings):
    """Sockets that wait for connections; raises TwinError where the port is taken."""
    # Programs that are told "localhost" try either of its addresses.
    hosts = ["127.0.0.1", "::1"] if settings.host in ("127.0.0.1", "localhost") else [settings.host]
    opened = []
    for host in hosts:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        try:
            listener = socket.create_server((host, settings.port), family=family, backlog=128)
        except OSError as error:
            if opened and error.errno in _WITHOUT_IPV6:
                break
            # Else another program listens on "localhost": it would be sent the key.
            for each in opened:
                each.close()
            raise TwinError(t("talk.port_taken", port=settings.port, why=error.strerror)) from None
        opened.append(listener)
    return opened


def _welcome(settings, chat, key):
    """The sentence that says where the twin is, and with which key."""
    local = _is_local(settings.host) or settings.host in ("0.0.0.0", "::")
    host = "127.0.0.1" if local else settings.host
    address = f"http://{f'[{host}]' if ':' in host else host}:{settings.port}"
    values = {"address": address, "secret": key, "models": ", ".join(chat.models)}
    return t("talk.serves", link=f"{address}/?key={quote(key, safe='')}", **values)


def _say(text):
    print(text, flush=True)
