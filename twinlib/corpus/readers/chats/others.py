"""Words in a message that aren't its sender's: quotations, copied messages, the app's sentences.

Programs write these as text in English, Chinese (both scripts), German, Spanish, Portuguese and
French: what happened to the group, polls, and the message that a reply answers. Messages that were
copied from a chat and pasted into another keep their time and name.
"""

import re
from typing import NamedTuple

from .text_forms import STAMP

_DASHES = r"[ \t\r]*\n[ \t\r\n]*(?:[-—–─] ?){5,}[ \t\r]*\n"
_INSIDE = r"(?:[^\[\]]|\[[^\[\]\n]{0,20}\])*"  # with emoticons: [捂脸]
_REPLY = (
    r"(?:引用|回复|回覆|reply(?: to)?|quote[sd]?|quoting|in reply to|replying to|antwort(?: auf)?|"
    r"zitat(?: von)?|respuesta a|en respuesta a|citando a|resposta a|em resposta a|"
    r"réponse à|en réponse à|citation de)"
)
_QUOTED = re.compile(
    rf"[\[【]{_REPLY}[ :：]?\s*(?:(?P<who1>[^:：\n\]】]{{1,40}})[:：])?"
    rf"(?P<asked1>{_INSIDE}?)[\]】]\s*(?P<own1>.*)"
    rf"|[「“\"](?:(?P<who2>[^:：\n」”\"]{{1,40}})[:：])?(?P<asked2>[^」]*?)[」”\"]{_DASHES}"
    r"(?P<own2>.*)"
    rf"|(?P<own3>[^\n]+(?:\n(?![\[【「]?{_REPLY}[ :：])[^\n]*)*)"
    rf"\n(?:[\[【「]{_REPLY}[ :：]|{_REPLY}[:：])\s*(?:(?P<who3>[^:：\n]{{1,40}})[:：])?"
    r"(?P<asked3>.+)",
    re.DOTALL | re.IGNORECASE,
)
# The first line of a copied message, with its text, or with the text on the next lines.
_PASTED = re.compile(
    r"\[(?=(?:[^\]\n\d]*\d+){4})[^\]\n]{8,40}\] ?[^:：\n]{1,60}[:：](?:\s.*)?|"
    rf"{STAMP}(?: [-–]|[,;])? [^:：\n]{{1,60}}[:：] .*"
)
_PASTED_HEAD = re.compile(
    rf"[^\n:：，。]{{1,40}},? \[(?:{STAMP}|(?=(?:[^\]\n\d]*\d+){{4}})[^\]\n]{{8,40}})\]:?|"
    rf"[^\s，。][^\n，。]{{0,38}}\s{STAMP}|{STAMP}\s[^\n，。:：]{{1,40}}"
)
_MARKED = re.compile(r"(?:>|&gt;|＞)\s.*")
# Polls and events: a first line, and lines for the choices.
_POLL = re.compile(
    r"(?:poll|投票|接龙|umfrage|abstimmung|encuesta|enquete|sondagem|sondage|sondaggio)\s?[:：]",
    re.IGNORECASE,
)
_CHOICE = re.compile(
    r"\s*(?:(?:option|选项|選項|auswahl|opción|opcion|opção|opcao|choix|opzione)\s?\d*\s?[:：].*|"
    r".*[(（]\s?\d+ ?(?:votes?|票|stimmen?|votos?|voix|voti?)\s?[)）])\s*",
    re.IGNORECASE,
)
_GROUP_EN = r"(?:this |the )?group(?:['’]s)?"
# What a member did, as the app says it after the member's name.
_DONE = re.compile(
    "|".join(
        (
            rf"created {_GROUP_EN}.*|changed {_GROUP_EN} (?:icon|name|description|settings|subject|"
            r"photo).*|changed the (?:subject|group name|title)\b.*|deleted this group['’]s icon|"
            r"(?:added|removed) [^\n]{1,80}|left(?: the (?:group|chat))?|was (?:added|removed)|"
            r"joined (?:using|from|via|the group|the chat|this group).*|requested to join.*|"
            r"(?:is|are|['’]re) (?:now|no longer) an admin.*|pinned a message|"
            r"(?:changed|updated) (?:their|your|his|her) (?:phone )?number.*|"
            r"changed to \+?[\d ()\-]{6,}.*|(?:turned (?:on|off)|updated|set) (?:disappearing "
            r"messages|the message timer).*|started a (?:video |voice )?call|"
            r"(?:blocked|unblocked) this contact.*",
            r"\s?(?:已?(?:创建|建立|創建)了?[^\n]{0,4}(?:群|組).*|(?:已?更改|修改|變更|更換|更换)了?"
            r"[^\n]{0,6}(?:群|主题|主題|图标|頭像|说明).*|将[^\n]{0,4}群[^\n]*(?:更改|改|變更)为.*|"
            r"將[^\n]{0,4}群[^\n]*改?為.*|(?:已?添加|新增|加入|移除|移出)了\s?[^\n]{1,40}|"
            r"已?(?:退出|离开|離開)了?(?:群组|群聊|群組|本群|该群)?|"
            r"(?:通过|使用|透過)[^\n]{0,20}(?:链接|連結|二维码)加入.*|"
            r"已?(?:更改|更換|变更)了?(?:电话|手机|電話)?号?碼?码?.*|(?:开启|關閉|关闭|開啟)了(?:限时|"
            r"阅后即焚|自动销毁|限時)消?訊?息?.*|(?:现在|已)(?:是|成为|成為)(?:群)?管理[员員].*)",
            r"hat (?:die|diese) Gruppe\b.*(?:erstellt|verlassen)|hat (?:das|den|die) (?:Gruppen\w*|"
            r"Betreff|Beschreibung)\b.*(?:geändert|gelöscht|entfernt)|"
            r"hat [^\n]{1,60} (?:hinzugefügt|entfernt)|ist (?:\S+ ){0,6}beigetreten|"
            r"wurde (?:hinzugefügt|entfernt)|hat (?:die|seine|ihre) (?:Telefon)?nummer.*|"
            r"hat selbstlöschende Nachrichten.*|(?:bist|ist) (?:jetzt|nun|kein) (?:ein )?Admin.*|"
            r"hat eine Nachricht angeheftet",
            r"(?:creó|ha creado) (?:el|este) grupo.*|(?:cambió|ha cambiado) (?:el|la|los|este) "
            r"(?:[íi]cono|imagen|foto|asunto|nombre|descripción|ajustes).*|"
            r"(?:añadió|agregó|eliminó|sacó) a [^\n]{1,60}|te (?:añadió|agregó)|"
            r"salió(?: del grupo)?|se unió (?:usando|mediante|con|desde).*|"
            r"cambió (?:su|de) número.*|fijó un mensaje|(?:ahora )?(?:es|eres) admin\w*.*",
            r"criou (?:o|este) grupo.*|(?:mudou|alterou) (?:o|a|os|as) (?:[íi]cone|imagem|foto|"
            r"assunto|nome|descrição|configurações).*|(?:adicionou|removeu) [^\n]{1,60}|"
            r"saiu(?: do grupo)?|entrou (?:usando|com|através|pelo).*|"
            r"(?:mudou|alterou) (?:de|o seu|seu) número.*|fixou uma mensagem|"
            r"(?:agora )?é (?:um )?(?:admin\w*).*|foi adicionad[oa].*",
            r"a créé (?:le|ce) groupe.*|a (?:changé|modifié) (?:l['’](?:icône|image)|"
            r"(?:la|le|les) (?:photo|description|nom|sujet|titre|paramètres)).*|"
            r"a (?:ajouté|retiré|supprimé) [^\n]{1,60}|(?:t['’]|vous )a ajoutée?|"
            r"a quitté(?: le groupe)?|est partie?|a rejoint .*(?:lien|groupe).*|"
            r"a changé (?:de|son) numéro.*|a épinglé un message|"
            r"(?:êtes|es|est) (?:maintenant|désormais) (?:un )?admin\w*.*",
        )
    )
    + r"|\.?",
    re.IGNORECASE,
)
# The same about the owner of the phone, where no human would say it so.
_YOU = re.compile(
    r"(?:you['’]re|you are) (?:now|no longer) an admin\.?|you were (?:added|removed)\.?|"
    rf"you (?:created|changed|left) {_GROUP_EN}(?: .*)?|you joined using .*|"
    r"you (?:turned (?:on|off)|updated) (?:disappearing messages|the message timer).*|"
    r"your security code with .* changed.*|you (?:un)?blocked this contact.*|"
    r"(?:你|您)(?:现在|現在|已)(?:是|成为|成為)(?:群组|群組|本群)?管理[员員]。?|"
    r"(?:你|您)(?:创建|建立)了(?:此|本|该)?群[组組聊].*|"
    r"du bist (?:jetzt|nun) (?:ein )?admin\.?|du wurdest (?:hinzugefügt|entfernt)\.?|"
    r"du hast (?:die|diese) gruppe .*(?:erstellt|verlassen)\.?|"
    r"ahora (?:eres|es) admin\w*\.?|(?:te|lo|la) añadieron al grupo\.?|creaste (?:el|este) grupo.*|"
    r"(?:agora )?você (?:agora )?é (?:um )?admin\w*\.?|você (?:foi adicionad[oa]|criou o grupo).*|"
    r"(?:vous êtes|tu es) (?:maintenant|désormais) (?:un )?admin\w*\.?|"
    r"vous avez (?:créé|quitté) le groupe.*",
    re.IGNORECASE,
)
# Without these signs no line of a message is copied or marked; what `_YOU` may begin with.
_PASTED_CUE = re.compile(r"\d.*\d|[>＞]|&gt;", re.DOTALL)
_YOU_BEGINS = tuple("yo 你 您 du ah te lo la cr ag vo tu".split())
_LONGEST = 200  # characters of what an app says about a group


class Words(NamedTuple):
    """A message: its sender's `own` words, the message that it `answers`, what was `pasted`.

    `whom` wrote what it answers, '' if that is unknown.
    """

    own: str
    whom: str = ""
    answers: str = ""
    pasted: str = ""


def words(text: str) -> Words:
    """The words of a message, by whose they are."""
    own, whom, answers = unquoted(text)
    if not _PASTED_CUE.search(own):
        return Words(own, whom, answers)
    lines, pasted, body = [], [], False
    for line in own.split("\n"):
        bare = line.strip()
        head = _PASTED_HEAD.fullmatch(bare)
        if head or _PASTED.fullmatch(bare) or _MARKED.fullmatch(bare) or body and bare:
            pasted.append(bare)
            body = bool(head) or body
        else:
            lines.append(line)
            body = False
    if not pasted:
        return Words(own, whom, answers)
    return Words("\n".join(lines).strip(), whom, answers, "\n".join(pasted))


def unquoted(text: str) -> tuple[str, str, str]:
    """(own text, whom it quotes, what it quotes) of a reply; the last two are '' without one."""
    match = _QUOTED.match(text) if re.search(r"[\n\]】]", text) else None
    if not match:
        return text, "", ""
    own, who, quoted = (
        next((match[f"{part}{n}"] for n in "123" if match[f"{part}{n}"]), "").strip()
        for part in ("own", "who", "asked")
    )
    quoted = re.sub(r"[\]】」]$", "", quoted) if match["asked3"] else quoted
    return (own, who, quoted) if own else (text, "", "")


def is_by_app(text: str, sender: str, title: str = "") -> bool:
    """Whether a message of `sender` in the chat `title` is a poll, or a sentence of the app.

    These begin with the name of the sender, or of anybody where the group itself is the sender.
    """
    first, _, below = text.partition("\n")
    rest = below.split("\n") if below else []
    if rest and _POLL.match(first) and any(map(_CHOICE.fullmatch, rest)):
        return True
    if len(text) > _LONGEST or rest:
        return False
    if text[:2].casefold().startswith(_YOU_BEGINS) and _YOU.fullmatch(text):
        return True
    if sender and text.startswith(sender):
        after = text[len(sender) :]
        return bool(after) and not after[0].isalnum() and _does(after) or _does_chinese(after)
    if sender and sender == title:
        spaces = [match.end() for match in re.finditer(r"\s", text[:60])]
        return any(_does(" " + text[end:]) for end in spaces)
    return False


def _does(after):
    return bool(_DONE.fullmatch(after.strip().rstrip("."))) and bool(after.strip(" ."))


def _does_chinese(after):
    return bool(re.match("[\u4e00-\u9fff]", after)) and _does(after)
