"""Are sentences of real programs told from messages of real people?

    python benchmarks/program_sentences.py --into FOLDER

Real: what eight open-source messengers write into a chat, in up to six languages, as their
translations have it (names, counts and titles filled in), and 20,000 text messages that people sent
(the NUS SMS Corpus, English and Chinese). None of it is in this repository, and no weight is fitted
to it. Missing files are downloaded into FOLDER from the commits named below (about 20 MB); files
that are there already are not asked for again.

Prints, for each program, how many of its sentences are put aside as a program's, when one member of
a chat seems to have sent them: in a layout that nobody lists, and in a program that a reader knows,
where only what is certain is put aside. And how many of the people's messages are put aside so.
While the weights were made, the first six programs and the messages were looked at. Those marked
"unseen" were counted once, afterwards: what came out is the first figure for them.
"""

import argparse
import html
import json
import random
import re
import sys
import urllib.request
import zipfile
from collections import Counter
from pathlib import Path
from xml.etree import ElementTree

sys.path.insert(0, str(Path(__file__).parent.parent))

RAW = "https://raw.githubusercontent.com/{repository}/{commit}/{path}"
# program: (repository, commit, path with {} for the language, {language: its name there},
#           keys of what it writes into a chat, keys that are something else)
ANDROID = {"en": "", "de": "-de", "es": "-es", "fr": "-fr", "pt": "-pt-rBR", "zh": "-zh-rCN"}
PROGRAMS = {
    "Delta Chat": (
        "deltachat/deltachat-android",
        "7a1b15a1513d047cee6b50a456d8dcb8874dce9c",
        "src/main/res/values{}/strings.xml",
        ANDROID,
        r"systemmsg_|ephemeral_timer_.*_by_|.*_by_(you|other)$|chat_protection|missed_call|"
        r"(declined|canceled)_call|messages_are_e2ee|no_e2ee_|secure_(join|verified)|"
        r"((in|out)coming_(audio_|video_)?call)$",
        r"confirm|explan",
    ),
    "Element": (
        "matrix-org/matrix-react-sdk",
        "b67a2303f912a8cab5caf089f3ea710850aa252c",
        "src/i18n/strings/{}.json",
        {"en": "en_EN", "de": "de_DE", "es": "es", "fr": "fr", "pt": "pt_BR", "zh": "zh_Hans"},
        r"timeline\|(m\.|mjolnir|creation)",
        r"error|tooltip|lightbox|label|prompt|count_of_votes|user_from_to|jitsi_join|view_|title",
    ),
    "Mattermost": (
        "mattermost/mattermost-mobile",
        "06ed862d222012d7c9d0d9fc6111399ad60cf7fa",
        "assets/base/i18n/{}.json",
        {"en": "en", "de": "de", "es": "es", "fr": "fr", "pt": "pt-BR", "zh": "zh-CN"},
        r"combined_system_message\.(?!you)|mobile\.system_message|shared_channel\.system_message",
        r"expanded|hint",
    ),
    "Session": (
        "oxen-io/session-android",
        "8e25300c5c772663d5f008c5407c0818519697b7",
        "libsession/src/main/res/values{}/strings.xml",
        {
            "en": "",
            "de": "-b+de+DE",
            "es": "-b+es+ES",
            "fr": "-b+fr+FR",
            "pt": "-b+pt+BR",
            "zh": "-b+zh+CN",
        },
        r"group(MemberNew|MemberLeft|MembersLeft|YouLeft|NameUpdated|DisplayPictureUpdated)|"
        r"disappearingMessages(Set|Turned|Updated)|calls(CalledYou|YouCalled|YouMissed|Missed)|"
        r"screenshotTaken|attachmentsMediaSaved|messageRequestsAccepted|adminPromotedTo",
        r"description|confirm",
    ),
    "Telegram": (
        "telegramdesktop/tdesktop",
        "929032d598f7c521adc1869152463cf9e1160533",
        "Telegram/Resources/langs/{}.strings",
        {"en": "lang"},
        r"lng_action_",
        r"button|_and_(one|last)$|_chat$|view|about|_link|subtitle|_cost|tooltip",
    ),
    "Threema": (
        "threema-ch/threema-android",
        "e2defbb87a37804816cac633885f61fb6abb04e6",
        "app/src/main/res/values{}/strings.xml",
        ANDROID,
        r"status_|voip_call_status|forward_security_(enabled|disabled)",
        r"$^",
    ),
    "FluffyChat, unseen": (
        "krille-chan/fluffychat",
        "76c4ec488e885a962f991fbd812a4d9a8524e145",
        "lib/l10n/intl_{}.arb",
        {"en": "en", "de": "de", "es": "es", "fr": "fr", "pt": "pt_BR", "zh": "zh"},
        r"(you|accepted|activated|answered|banned|changed|created|ended|hasWithdrawn|invitedUser|"
        r"joined|kicked|redactedAn|rejected|sent|sharedThe|startedA|unbanned|userLeft|reacted|"
        r"hasKnocked|canceledKey|completedKey|isReady|requestedKey|startedKey)",
        r"banned$|invitedUsersOnly|you$|your[A-Z]|youAreReady|[a-z](Button|Confirmation)$",
    ),
    "Wire, unseen": (
        "wireapp/wire-android",
        "d34c49fc99a00c9bfa5e12609616317d8567952d",
        "app/src/main/res/values{}/strings.xml",
        {"en": "", "de": "-de", "es": "-es", "fr": "-fr", "pt": "-pt", "zh": "-zh"},
        r"label_system_message",
        r"learn|link|prefix|suffix|retry|button|show|title",
    ),
}
CORPUS = (
    "kite1988/nus-sms-corpus",
    "bf0a365170d324e61e4025edf363d400f1edd1a6",
    {"en": "smsCorpus_en_xml_2015.03.09_all.zip", "zh": "smsCorpus_zh_xml_2015.03.09.zip"},
)
MESSAGES = 10_000  # of people, for each language
NAMES = {
    "en": ("Mira Holt", "Jonas Beck"),
    "de": ("Mira Holt", "Jonas Beck"),
    "es": ("Lucía Paz", "Iván Soto"),
    "fr": ("Chloé Morel", "Hugo Petit"),
    "pt": ("Bruna Reis", "Caio Lima"),
    "zh": ("林小雨", "阿杰"),
}
THINGS = {
    "en": "Sunday Hikers",
    "de": "Wandergruppe",
    "es": "Vecinos",
    "fr": "Les voisins",
    "pt": "Galera",
    "zh": "周末爬山",
}
_PLACE = re.compile(r"%\([^)]*\)[sd]|%\d*\$?[sd@]|\{[^{}]*\}")
_COUNTS = re.compile(r"%[\d$]*d|count|num|amount|duration|time|day|hour|minute|second|date", re.I)
_IS_A_THING = re.compile(
    r"room|chat|group|title|topic|channel|team|conv|purpose|header|question|poll|file|widget|emoji|"
    r"reason|rule|glob|address|link|url|alias",
    re.I,
)
_FEWEST = 8  # characters of a sentence


def fetched(folder: Path, repository: str, commit: str, path: str) -> Path | None:
    """The file of a repository in `folder`, downloaded if it isn't there; None without one."""
    file = folder / repository.replace("/", "+") / path
    if not file.exists():
        url = RAW.format(repository=repository, commit=commit, path=path)
        file.parent.mkdir(parents=True, exist_ok=True)
        try:
            with urllib.request.urlopen(url, timeout=60) as answer:
                file.write_bytes(answer.read())
        except OSError as error:
            print(f"{url}: {error}", file=sys.stderr)
            return None
    return file


def entries(file: Path):
    """Yield (key, sentence) of a file of translations."""
    text = file.read_text(encoding="utf-8")
    if file.suffix == ".xml":
        for node in ElementTree.fromstring(text):
            for part in node if node.tag == "plurals" else [node]:
                if node.tag in ("string", "plurals"):
                    yield node.get("name"), "".join(part.itertext())
    elif file.suffix == ".strings":
        for match in re.finditer(r'^"([^"]+)" = "((?:[^"\\]|\\.)*)";', text, re.MULTILINE):
            yield match[1].partition("#")[0], match[2]
    else:
        yield from _flat(json.loads(text))


def _flat(table, above=""):
    for key, value in table.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{above}{key}|")
        elif isinstance(value, str):
            yield above + key, value


def sentence(text: str, language: str) -> str:
    """A sentence with names, counts and titles in place of what stands for them."""
    names = iter(NAMES[language] * 5)

    def _filled(match):
        if _COUNTS.search(match[0]):
            return "3"
        return THINGS[language] if _IS_A_THING.search(match[0]) else next(names)

    text = re.sub(r"</?[a-zA-Z]+/?>|\*\*", "", _PLACE.sub(_filled, text))
    return text.replace("\\n", "\n").replace("\\'", "'").replace('\\"', '"').strip()


def sentences(folder: Path, program: str) -> list[tuple[str, str]]:
    """[(language, sentence)] of a program, each once; pieces of sentences are left out."""
    repository, commit, path, languages, wanted, unwanted = PROGRAMS[program]
    found = {}
    for language, name in languages.items():
        file = fetched(folder, repository, commit, path.format(name))
        for key, text in entries(file) if file else ():
            if key.startswith("@") or not re.match(wanted, key) or re.search(unwanted, key):
                continue
            said = sentence(text, language)
            is_piece = said[:1].islower() or said[:1].isdigit() or said.endswith(("?", "？"))
            if len(said) >= _FEWEST and not is_piece:
                found[language, said] = True
    return list(found)


def messages(folder: Path, language: str) -> list[str]:
    """Messages of people, without those in which a number or a name was taken out."""
    repository, commit, files = CORPUS
    archive = fetched(folder, repository, commit, files[language])
    if not archive:
        return []
    with zipfile.ZipFile(archive) as opened:
        text = opened.read(opened.namelist()[0]).decode("utf-8", "replace")
    all_of_them = [
        html.unescape(html.unescape(said)).strip()
        for said in re.findall(r"<text>(.*?)</text>", text, re.DOTALL)
    ]
    whole = [said for said in all_of_them if said and "<" not in said]
    return random.Random(0).sample(whole, min(MESSAGES, len(whole)))


def is_aside(judge, text: str, sender: str) -> bool:
    """Whether nothing of a message is its sender's."""
    return not judge.judge(text, sender).own


def main() -> None:
    from twinlib.corpus.readers.chats.doubtful import Judge

    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--into", type=Path, required=True, help="folder for the downloaded files")
    folder = parser.parse_args().into
    judges = {(language, known): Judge(NAMES[language], [], known)
              for language in NAMES for known in (False, True)}  # fmt: skip
    print(f"{'':22}{'of':>6}  unknown layout  known program")
    total, languages = Counter(), Counter()
    for program in PROGRAMS:
        count = Counter()
        for language, said in sentences(folder, program):
            count["all"] += 1
            for known in (False, True):
                aside = is_aside(judges[language, known], said, NAMES[language][0])
                count[known] += aside
                languages[language, known] += aside
            languages[language, "all"] += 1
        total += count
        _line(program, count)
    _line("all programs", total)
    for language in NAMES:
        _line(f"  {language}", {key: languages[language, key] for key in ("all", False, True)})
    for language in ("en", "zh"):
        said = messages(folder, language)
        count = {known: sum(is_aside(judges[language, known], x, NAMES[language][0]) for x in said)
                 for known in (False, True)}  # fmt: skip
        _line(f"people, {language}", {"all": len(said), **count})


def _line(name, count):
    share = {known: count[known] / max(1, count["all"]) for known in (False, True)}
    print(f"{name:22}{count['all']:6}  {share[False]:14.1%}  {share[True]:13.1%}")


if __name__ == "__main__":
    main()
