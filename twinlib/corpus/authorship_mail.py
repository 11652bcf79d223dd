"""What others wrote in plain mails and posts: replies' quotations, forwarded mails, signatures.

Mail programs put the mail that is answered above or under the answer: after a line such as 'On
3 May 2021 at 10:02, Ann wrote:', with '>' before its lines or without, or under a rule or a block
of headers. They write these in the language of the program: here English, Chinese, German, Spanish,
Portuguese and French. An essay's 'In 1854 Thoreau wrote:' has no time of day and no address; what
follows it is judged by authorship_quotes.py.
"""

import re

from ..text.script import columns, has_han
from .clean.paragraphs import GAP
from .records import RemovedParts

_WROTE = (
    r"(?:wrote|writes|schrieb|schreibt|hat geschrieben|escribió|escribio|escribe|ha escrito|"
    r"escreveu|escreve|a écrit|a ecrit|écrit|写道|寫道|写到|來信|来信)"
)
_ADDRESS = r"[<(\[]?(?:mailto:)?[\w.+-]+@[\w-]+\.[\w.]+[>)\]]?"
_CLOCK = r"\d{1,2}(?:[:.h]|\s?時\s?|\s?时\s?)\d{2}"
_YEAR = r"(?:(?<![A-Za-z0-9])(?:19|20)\d\d(?!\d)|\d{1,2}[./-]\d{1,2}[./-]\d{2}(?![A-Za-z0-9]))"
_SAYS = rf".{{0,160}}(?<![^\W\d_a-zà-ÿ]){_WROTE}(?![a-z]).{{0,80}}[:：]"
# Of a mail program: an address, or a day with a year and a time. A day alone may be an essay's.
_ATTRIBUTION = re.compile(
    rf"(?:(?=.*{_ADDRESS})|(?=.*{_YEAR})(?=.*{_CLOCK})){_SAYS}|"
    rf"(?=.*{_CLOCK})(?=.*{_YEAR}).{{6,80}}{_ADDRESS}.{{0,20}}[:：]",
    re.IGNORECASE,
)
_DATED = re.compile(rf"(?=.*{_YEAR}){_SAYS}", re.IGNORECASE)
_BY_OWNER = re.compile(
    r"\bI wrote|schrieb ich|(?:yo )?escribí\b|\bescrevi\b|j['’](?:ai )?écri|我(?:曾)?写[道到]"
)
_KINDS = (
    r"(?:original(?:e)? ?(?:message|nachricht)|original message|ursprüngliche nachricht|"
    r"originalnachricht|mensaje original|mensagem original|message d['’]origine|message original|"
    r"原始邮件|原始郵件|原邮件|回复的原邮件|forwarded message|forwarded by.{0,60}|"
    r"weitergeleitete nachricht|mensaje reenviado|forwarded|mensagem (?:re)?encaminhada|"
    r"message (?:transféré|réexpédié)|转发邮件信息|转发的邮件|转发邮件|轉寄郵件|轉寄的郵件)"
)
RULE = re.compile(
    rf"[-—_=*\s]{{2,}}\s*{_KINDS}\s*[:：]?\s*[-—_=*\s]{{2,}}|"
    r"begin forwarded message ?:|anfang der weitergeleiteten (?:nachricht|e-?mail) ?:|"
    r"début du message (?:réexpédié|transféré) ?:|inicio del mensaje reenviado ?:|"
    r"início da mensagem (?:re)?encaminhada ?:|开始转发的邮件[:：]|開始轉寄的郵件[:：]",
    re.IGNORECASE,
)
_FROM = r"from|von|de|发件人|发信人|寄件者|寄件人|發件人"
HEADER = re.compile(
    rf"\**(?P<key>{_FROM}|sent|date|gesendet|datum|enviado(?: el| em)?|enviada(?: em)?|fecha|"
    r"data|envoyé(?: le)?|发送时间|发送日期|傳送時間|寄件日期|日期|时间|to|an|para|à|收件人|收信人|"
    r"subject|betreff|asunto|assunto|objet|主题|主題|标题|主旨|cc|bcc|kopie|copie|抄送|副本|reply-to|"
    r"antwort an|responder a|message-id|x-[\w-]+|mime-version|content-[\w-]+|importance|priority)"
    r"\**\s?[:：]\**(?P<value>.{0,200})",
    re.IGNORECASE,
)
_IS_FROM = re.compile(_FROM, re.IGNORECASE)
_MBOX = re.compile(r"From \S+@?\S* .*\d{4}\s*")
_LONGEST = 250  # characters of a line about a mail
_FEWEST_HEADERS = 3  # lines; and one says from whom
_TITLE = r"(?!>>\s?[^<>\n]{1,200}<<)"  # '>>Titel<<' in quotation marks
_MARKED = re.compile(rf"\s{{0,3}}{_TITLE}(?:>|＞)")
_SPACED = re.compile(rf"\s{{0,3}}{_TITLE}(?:(?:>|＞)(?:\s|$|>))")
_SIGNATURE, _SIGNATURE_LINES = re.compile(r"-- ?"), 10
_SENT_FROM = re.compile(
    r"(?:sent from my|sent from|get) (?:iphone|ipad|android|samsung|huawei|outlook|mail|yahoo|"
    r"blackberry|mobile|phone|galaxy)\b.{0,60}|sent with .{2,40}|"
    r"(?:von meinem|mit meinem) .{2,40} gesendet|gesendet (?:von|mit|über) (?:der )?.{2,40}|"
    r"holen sie sich outlook .{2,30}|outlook für .{2,20} (?:beziehen|herunterladen)|"
    r"enviado (?:desde|de|do|a partir do|via) (?:mi|meu|outlook|mail|yahoo|iphone).{0,40}|"
    r"(?:obtener|obter|obtén) (?:o )?outlook .{2,30}|"
    r"envoyé (?:de|depuis|à partir de) (?:mon|outlook|l['’]app|yahoo|iphone).{0,40}|"
    r"(?:obtenir|télécharger|obtenez) outlook .{2,30}|"
    r"(?:发自|發自|来自|從|从)我的.{1,20}(?:傳送|发送)?|获取 ?outlook .{0,20}",
    re.IGNORECASE,
)
# What a text with any of these must have, to look no further at others.
_SIGNS = (
    *"wrote schr escri escrev écri ecri 写道 寫道 写到 来信 來信 message nachricht".split(),
    *"mensaje mensagem 邮件 郵件 forwarded reenviado encaminhada 发件人 发信人 寄件".split(),
    *"發件人 iphone ipad outlook android gesendet enviado envoyé 发自 發自 来自我 从我的".split(),
    *"from: von: de: de： von： gmt+ gmt-".split(),
    *("\n--", "\nfrom ", "sent from", "from :", "de :", "von :"),
)
_BOARD = re.compile(r"\[quote\b[^\]\n]*\]((?:(?!\[quote\b).)*?)\[/quote\]", re.I | re.DOTALL)
_CUES = re.compile(
    rf"{_WROTE}.{{0,100}}[:：]\s*$|{_KINDS}|forwarded|reenviado|weitergeleitete|"
    rf"réexpédié|transféré|转发|轉寄|^\**(?:{_FROM})\**\s?[:：]|^-- ?$|^(?:sent from|gesendet|"
    r"von meinem|mit meinem|enviado|envoyé|get outlook|holen sie|obt|发自|發自|来自我|从我的)|"
    r"@[\w.-]{1,60}[>)\]]{0,2}.{0,20}[:：]\s*$",
    re.MULTILINE | re.IGNORECASE,
)
_CUES_PLAIN = re.compile(rf"^\s{{0,3}}[>＞]|(?:{_CUES.pattern})", _CUES.flags)


def without_mails_of_others(
    text: str,
    removed: RemovedParts,
    author: str = "",
    markup: bool = True,
    is_body: bool = False,
) -> str:
    """The text without quoted and forwarded mails, their headers, and signatures of programs.

    What is taken out goes to `removed`, unless the owner wants it back. `author` is the owner's
    name, to tell mails that they sent. With `markup`, '>' alone is left to the Markdown parser. A
    text that `is_body` of one mail begins with a header only where it forwards another.
    """
    low = "\n" + text.lower()
    if "[/quote]" in low:
        for _ in range(3):  # quotations within quotations
            text = _BOARD.sub(lambda match: _without(match, removed), text)
    signs, cues = (_SIGNS, _CUES) if markup else ((*_SIGNS, ">", "＞"), _CUES_PLAIN)
    found = [sign for sign in signs if sign in low]
    if not found:
        return text
    lines = text.split("\n")
    # A cue is within a line, and slow to look for in all of a text.
    near = (
        line
        for line, small in zip(lines, low.split("\n")[1:])
        if "@" in line or any(sign in f"\n{small}" for sign in found)
    )
    if not cues.search("\n".join(near)):
        return text
    labels = _Labels(lines, author, markup, is_body).of_lines()
    if not any(labels):
        return text
    kept, number = [], 0
    while number < len(lines):
        end = number
        while end < len(lines) and labels[end] == labels[number]:
            end += 1
        part = lines[number:end]
        if labels[number] and removed.take(*labels[number], _bare(part)):
            part = ["", GAP, ""] if labels[number] == _QUOTE else [""]
        kept += part
        number = end
    return "\n".join(kept)


def _without(match, removed):
    """What stays of a forum's [quote]: nothing, or its words where the owner wants them back."""
    words = match[1].strip()
    return f"\n\n{GAP}\n\n" if removed.take("quote", "quote", words) else words


def _bare(lines):
    return "\n".join(re.sub(r"^\s{0,3}(?:[>＞]\s?)+", "", line) for line in lines).strip()


_QUOTE, _OWN_HEADER, _FOOTER = ("quote", "quote"), ("properties", "mail"), ("footer", "platform")


class _Labels:
    """Why each line of a text is left out, if it is: the (what, reason) of `of_lines`."""

    def __init__(self, lines, author, markup, is_body=False):
        self.lines, self.author = lines, author.casefold().strip()
        self.bare = [line.strip() for line in lines]
        self.labels: list[tuple[str, str] | None] = [None] * len(lines)
        self.headers = self._header_blocks()
        first = next((n for n, line in enumerate(self.bare) if line), 0)
        # A file of mails begins with a header: others in it begin mails, not quotations.
        begins = first in self.headers or bool(_MBOX.fullmatch(self.bare[first]))
        self.is_file = begins and not is_body
        self.starts = sorted(
            [n for n, line in enumerate(self.bare) if _MBOX.fullmatch(line)]
            + [n for n in self.headers if self.is_file and not self._is_under_a_rule(n)]
        )
        self.is_mail = bool(self.headers) or is_body
        self.markup = markup

    def of_lines(self):
        number = 0
        while number < len(self.lines):
            number = self._label(number)
        self._marked()
        self._signatures()
        return self.labels

    def _header_blocks(self):
        """{first line: (line after the last, value of its From)} of blocks of headers."""
        blocks, number = {}, 0
        while number < len(self.bare):
            end, sender, keys = number, "", set()
            while end < len(self.bare) and (match := HEADER.match(self.bare[end])):
                keys.add(match["key"].casefold())
                if _IS_FROM.fullmatch(match["key"]) and not sender:
                    sender = match["value"].strip()
                end += 1
                while end < len(self.bare) and re.match(r"[ \t]+\S", self.lines[end]):
                    end += 1  # a folded header
            if len(keys) >= _FEWEST_HEADERS and sender:
                blocks[number] = end, sender
            number = max(end, number + 1)
        return blocks

    def _is_under_a_rule(self, number):
        above = [line for line in self.bare[max(0, number - 3) : number] if line]
        return bool(above) and bool(RULE.fullmatch(above[-1]))

    def _end_of_mail(self, number):
        """The first line of the next mail of a file of mails, or the end."""
        return next((start for start in self.starts if start > number), len(self.lines))

    def _label(self, number):
        """Label what begins at a line; the number of the next line to look at."""
        if number in self.headers:
            end, sender = self.headers[number]
            if self._is_by_other(sender) or not self.is_file:
                return self._quote(number, self._end_of_mail(number))
            return self._mark(number, end, _OWN_HEADER)
        line = self.bare[number]
        if _MBOX.fullmatch(line) and self.is_file:
            return self._mark(number, number + 1, _OWN_HEADER)
        if RULE.fullmatch(line):
            self.is_mail = True
            return self._quote(number, self._end_of_mail(number))
        if _SENT_FROM.fullmatch(line):
            return self._mark(number, number + 1, _FOOTER)
        end, sure = self._attribution(number)
        below = next((n for n in range(end, len(self.bare)) if self.bare[n]), len(self.bare))
        marked = below < len(self.bare) and _MARKED.match(self.lines[below])
        if not end or not (sure or marked or self._is_signed(number)):
            return number + 1
        self.is_mail = True
        if marked:
            return self._mark(number, end, _QUOTE)  # the lines with '>' follow in `_marked`
        return self._quote(number, self._end_of_mail(number))

    def _attribution(self, number):
        """(the line after an attribution that begins here, whether a program wrote it), or (0, …).

        It may be on up to three lines.
        """
        joined = ""
        for end in range(number, min(number + 3, len(self.bare))):
            line = self.bare[end]
            if not line or _MARKED.match(line):
                break
            joined = f"{joined} {line}".strip()
            if len(joined) > _LONGEST:
                break
            if line[-1] in ":：":
                made = bool(_ATTRIBUTION.fullmatch(joined))
                found = not _BY_OWNER.search(joined) and (made or _DATED.fullmatch(joined))
                # An essay may say when somebody wrote, but not their address.
                return (end + 1, made and "@" in joined) if found else (0, False)
            if re.search(r"[。！？!?]$|[a-z]\.$", line):
                break
        return 0, False

    def _is_signed(self, number):
        """Whether a mail ends above a line: with a greeting or a name, not with a sentence."""
        above = [line for line in self.bare[:number] if line][-1:]
        return self.is_mail or any(
            columns(line) <= 30 and not re.search(r"[.。!！?？:：,，;；…]$", line) for line in above
        )

    def _is_by_other(self, sender):
        """Whether a mail's From surely isn't the owner: another name in the same script."""
        name = re.sub(_ADDRESS, "", sender).strip(" \"'<>*").casefold()
        if not self.author or not name or has_han(name) != has_han(self.author):
            return False
        if set(re.findall(r"\w+", name)) & set(re.findall(r"\w+", self.author)):
            return False
        return self.author not in sender.casefold() and name not in self.author

    def _quote(self, number, end):
        return self._mark(number, end, _QUOTE)

    def _mark(self, number, end, label):
        self.labels[number:end] = [label] * (end - number)
        return end

    def _marked(self):
        """Lines that begin with '>': in mails all, in plain text where a space follows."""
        if self.markup and not self.is_mail:
            return
        sign = _MARKED if self.is_mail else _SPACED
        for number, line in enumerate(self.lines):
            if sign.match(line) and not self.labels[number]:
                self.labels[number] = _QUOTE
        for number, line in enumerate(self.bare):  # blank lines within a quotation
            around = self.labels[number - 1 : number + 2 : 2]
            if not line and not self.labels[number] and around == [_QUOTE, _QUOTE]:
                self.labels[number] = _QUOTE

    def _signatures(self):
        """Short lines under '-- ' at the end of a mail."""
        for number, line in enumerate(self.lines):
            if not _SIGNATURE.fullmatch(line.lstrip(">")) or self.labels[number]:
                continue
            end = self._end_of_mail(number)
            below = [n for n in range(number + 1, end) if self.bare[n] and not self.labels[n]]
            short = all(columns(self.bare[n]) <= 72 for n in below)
            told = any(
                re.search(rf"{_ADDRESS}|https?://|www\.|\d{{5}}", self.bare[n]) for n in below
            )
            if below and len(below) <= _SIGNATURE_LINES and short and (self.is_mail or told):
                for n in range(number, below[-1] + 1):
                    self.labels[n] = self.labels[n] or _FOOTER
