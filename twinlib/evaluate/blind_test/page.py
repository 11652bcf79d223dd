"""Writes the blind test's page: one HTML file that works offline, from a template in data/pages/.

The page does not contain the key (which answer is whose), so its source gives nothing away. Its
texts are base64, so that they are not read by chance and can't act as HTML; this is no encryption.
A content security policy allows its own script and style, by their hashes, and nothing else: the
page can't load or send anything.
"""

import base64
import json
import re
from hashlib import sha256
from importlib import resources

from ...files import TwinError
from ...i18n import t
from ...text.script import count_han

MAX_BYTES = 300_000  # of a page: small enough for any chat app
_CHARACTERS_A_MINUTE = {"zh": 350, "en": 1100}  # reading speed
_SECONDS_A_PAIR = 12  # to decide and to tap


def page(test: dict) -> str:
    """The HTML of a test; raises TwinError when it is larger than MAX_BYTES."""
    html = filled("blind_test.html", data(test))
    if len(html.encode()) > MAX_BYTES:
        raise TwinError(t("evaluate.page_too_large"))
    return html


def data(test: dict) -> dict:
    """The content of the page: the pairs in the key's order, without the key.

    A pair is [question, first text, second text]. Of a test with `sample`, which nobody gets a
    code of, the page has the key, and `language` is the one that it opens in.
    """
    pairs = []
    for trial in test["trials"]:
        texts = [trial["owner"], trial["other"]]
        pairs.append([trial["question"], *(reversed(texts) if trial["first"] else texts)])
    found = {
        "id": test["id"],
        "name": test["author"],
        "to": test["to"],
        "minutes": minutes(pairs),
        "pairs": pairs,
    }
    if test.get("sample"):
        key = [trial["first"] for trial in test["trials"]]
        found |= {"language": test["language"], "key": key}
    return found


def minutes(pairs: list) -> int:
    """About how many minutes a friend needs, at least 1."""
    text = "".join(part for pair in pairs for part in pair)
    chinese = count_han(text)
    rest = len(text) - chinese
    reading = chinese / _CHARACTERS_A_MINUTE["zh"] + rest / _CHARACTERS_A_MINUTE["en"]
    return max(1, round(reading + len(pairs) * _SECONDS_A_PAIR / 60))


def filled(template: str, content: dict) -> str:
    """The HTML of a template in data/pages/ with `content` for its script and a security policy."""
    html = (resources.files("twinlib") / "data" / "pages" / template).read_text(encoding="utf-8")
    packed = base64.b64encode(json.dumps(content, ensure_ascii=False).encode()).decode()
    policy = (
        f"default-src 'none'; script-src {_hash('script', html)}; "
        f"style-src {_hash('style', html)}; base-uri 'none'; form-action 'none'"
    )
    return html.replace("{{POLICY}}", policy).replace("{{DATA}}", packed)


def _hash(tag, html):
    """The source expression of a content security policy for the page's one script or style."""
    [content] = re.findall(rf"<{tag}>(.*?)</{tag}>", html, re.DOTALL)
    return f"'sha256-{base64.b64encode(sha256(content.encode()).digest()).decode()}'"
