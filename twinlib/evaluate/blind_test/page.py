"""The blind test's page: one HTML file that needs no server and no network, from the template in pages/.

The page doesn't know which answer is whose: that key stays with the owner, so no look at its source tells. Its texts
are base64, which keeps them from being read at a glance and from being markup; it is packing, not encryption. A
content security policy lets it run its own script, by its hash, and nothing else: it can't send or load anything.
"""

import base64
import json
import re
from hashlib import sha256
from importlib import resources

from ...files import TwinError
from ...i18n import t

LARGEST = 300_000  # bytes: what a chat app sends without thinking
CHARACTERS_A_MINUTE = {"zh": 350, "en": 1100}  # read at leisure
SECONDS_A_PAIR = 12  # to decide and to tap


def page(test):
    """The HTML of a test; raises TwinError when it is larger than LARGEST."""
    html = filled("blind_test.html", data(test))
    if len(html.encode()) > LARGEST:
        raise TwinError(t("evaluate.page_larger_300_kb_choose"))
    return html


def data(test):
    """What the page knows of a test: the pairs in the key's order, without the key."""
    pairs = [
        [trial["question"], *((trial["owner"], trial["other"])[:: -1 if trial["first"] else 1])]
        for trial in test["trials"]
    ]
    return {
        "id": test["id"],
        "name": test["author"],
        "to": test["to"],
        "minutes": minutes(pairs),
        "pairs": pairs,
    }


def minutes(pairs):
    """About how long a friend takes."""
    text = "".join(part for pair in pairs for part in pair)
    chinese = len(re.findall(r"[\u3400-\u9fff]", text))
    reading = (
        chinese / CHARACTERS_A_MINUTE["zh"] + (len(text) - chinese) / CHARACTERS_A_MINUTE["en"]
    )
    return max(1, round(reading + len(pairs) * SECONDS_A_PAIR / 60))


def filled(template, content):
    """The HTML of a template in pages/ with what its script reads and the policy that lets it run."""
    html = (resources.files("twinlib") / "data" / "pages" / template).read_text(encoding="utf-8")
    packed = base64.b64encode(json.dumps(content, ensure_ascii=False).encode()).decode()
    policy = (
        f"default-src 'none'; script-src {_hash('script', html)}; style-src {_hash('style', html)}; "
        "base-uri 'none'; form-action 'none'"
    )
    return html.replace("{{POLICY}}", policy).replace("{{DATA}}", packed)


def _hash(tag, html):
    """The policy's word for the one inline script or style of the page."""
    [content] = re.findall(rf"<{tag}>(.*?)</{tag}>", html, re.DOTALL)
    return f"'sha256-{base64.b64encode(sha256(content.encode()).digest()).decode()}'"
