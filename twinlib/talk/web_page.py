"""The pages that a browser opens: llama.cpp's chat, the form that asks for the key, a passage."""

import html

from ..i18n import language, t
from ..memory.index import Passage
from ..models.llama_cpp import Llama

# Nothing is loaded from elsewhere and nothing sent there, whatever a twin writes into an answer.
CHAT_POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'wasm-unsafe-eval'; worker-src 'self' "
    "blob:; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; font-src 'self' data:; "
    "connect-src 'self'; frame-ancestors 'none'; form-action 'self'; base-uri 'self'"
)
PAGE_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'"
)
# The files of the chat, which hold nothing of the twin's.
STATIC = ("_app/", "favicon", "apple-", "manifest.webmanifest", "pwa-", "maskable-", "sw.js")
_PAGE = """<!doctype html>
<html lang="{language}"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer"><title>{title}</title>
<style>
:root {{ color-scheme: light dark }}
body {{ max-width: 40rem; margin: 2rem auto; padding: 0 1rem; line-height: 1.6;
  font-family: system-ui, sans-serif; overflow-wrap: anywhere }}
h1 {{ font-size: 1.3rem }} small {{ opacity: .7 }} p {{ white-space: pre-wrap }}
input, button {{ font: inherit; padding: .4em .7em; max-width: 100%; box-sizing: border-box }}
</style></head><body>{body}</body></html>"""


def asks_for_key(name: str, wrong: bool) -> str:
    """The page for who has no key yet; `wrong` after a key that isn't it."""
    said = "talk.page_wrong_key" if wrong else "talk.page_asks_key"
    body = f"<h1>{html.escape(t('talk.page_title', name=name))}</h1>"
    body += f"<p>{html.escape(t(said))}</p>"
    body += (
        f'<form method="post" action="/"><input name="key" type="password" autocomplete="off" '
        f'autofocus aria-label="{html.escape(t("talk.page_key"))}"> '
        f"<button>{html.escape(t('talk.page_open'))}</button></form>"
    )
    return _page(name, body)


def of_passage(passage: Passage, name: str) -> str:
    """A passage as its own page."""
    title = passage.title or t("talk.page_passage", name=name)
    about = " · ".join(filter(None, (passage.date[:10], passage.heading, passage.source)))
    body = f"<h1>{html.escape(title)}</h1><small>{html.escape(about)}</small>"
    return _page(title, body + f"<p>{html.escape(passage.text)}</p>")


def properties(llama: Llama, name: str) -> dict:
    """What the chat asks about the model, without paths of this machine."""
    told = llama.request("/props")
    kept = ("default_generation_settings", "total_slots", "modalities", "build_info")
    known = {key: told[key] for key in kept if key in told}
    return {**known, "model_path": name, "model_alias": name, "chat_template": "", "ui": True}


def _page(title, body):
    tag = "zh-CN" if language() == "zh" else "en"
    return _PAGE.format(language=tag, title=html.escape(title), body=body)
