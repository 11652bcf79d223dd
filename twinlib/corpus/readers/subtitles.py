"""Subtitles (SRT, WebVTT) to prose: repeats merged, lines joined to paragraphs, sounds left out.

Both formats are lines of text after a timing line. No library is used, because three of them
silently lose words of malformed files: srt takes '00:01,000' for a minute, webvtt-py drops cues
with a decimal comma, and pysubs2 drops cues timed '00:01,000 -->', without an hour.
Formats: https://www.w3.org/TR/webvtt1/, and SubRip's, for which there is no specification.
"""

import html
import re
from collections import Counter
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from ...text.inputs.filename import date_of, title_of
from ...text.inputs.input_file import File
from ...text.inputs.json_values import start
from ...text.script import HAN
from ..records import Document
from .chats.form_parts import PHONE
from .chats.messages import Conversation, Message

_CLOCK = r"(?:(\d{1,3})[:：])?(\d{1,2})[:：](\d{1,2})(?:[,.，:](\d{1,3}))?"
# '-->' between the times, or a comma between two with milliseconds, as in YouTube's .sbv
_TIMING = re.compile(
    rf"\s*{_CLOCK}(?:\s*-{{1,2}}>\s*|(?<=\.\d{{3}}),(?=\d\S*\.\d{{3}}$)){_CLOCK}(?:\s.*)?"
)
_BLOCK = re.compile(r"(?:NOTE|STYLE|REGION)\b")
_VOICE = re.compile(r"<v(?:\.[^\s>]*)?\s+([^>]+)>")
_LABEL = re.compile(
    r"(?:>>+\s*|-\s*)?((?:[A-Z][A-Z .'\-]{1,24}|[\u4e00-\u9fff]{2,6}(?: ?[A-Z\d]{1,2})?|"
    r"[A-Z][\w.'\-]+(?: (?:[A-Z][\w.'\-]+|\d{1,2}|[a-z]{1,3}\.?)){0,3}"
    rf"|{PHONE}|[^\W\d_]\w*[_\d]\w*)"  # or a nickname
    r"(?:\s?[\u2600-\u27bf\ufe0f\U0001f000-\U0001faff]{1,4})?)"
    r"(?: ?[(（][^()（）\n]{1,24}[)）])?[:：]\s*(?=\S)"
)
_FULL_NAME = re.compile(r"[^\W\d_][\w.'\-]+(?: [^\W\d_][\w.'\-]*){1,3}(?:\s?[^\w\s]{1,4})?")
_IN_BRACKETS = re.compile(
    r"\s*(?!<v[.\s])[\[(（【<]([^\[\]()（）【】<>:：\n]{1,40})[\])）】>]\s?[:：]?\s*(?=\S)"
)
_SOUND = re.compile(
    r"\[[^\[\]\n]{1,40}\]|【[^【】\n]{1,20}】|[♪♫][^♪♫\n]*[♪♫]?|[(（](?:music|applause|laughter|"
    r"laughs|cheering|sighs?|"
    r"inaudible|silence|音乐|音樂|掌声|掌聲|笑声|笑聲|鼓掌|欢呼|笑)[^()（）\n]{0,12}[)）]",
    re.IGNORECASE,
)
# Chinese and Japanese with their punctuation. Korean has spaces between words.
_UNSPACED = re.compile(f"[{HAN}\u3000-\u30ff\uff00-\uffef“”‘’…—]")
_PAUSE, _PAUSE_UNPUNCTUATED = 2.5, 1.2  # seconds after which a paragraph starts
# Characters after which a paragraph ends with its sentence; half as many, and with a cue, if there
# is no punctuation.
_LONG = 600
_FEWEST_MESSAGES = 6  # of a chat


class _Cue(NamedTuple):
    """A subtitle: the lines on the screen from `start` to `end`, in seconds."""

    start: float
    end: float
    lines: list
    speaker: str = ""


def looks_like(file: File) -> bool:
    """Whether it begins with WEBVTT or a timing line, and is no conversation."""
    return _is_timed(file) and not labelled(file)


def labelled(file: File) -> bool:
    """Whether a file is subtitles that name two speakers or more, from the start on."""
    return _is_timed(file) and len(_speakers(_spoken(start(file)))) > 1


def _is_timed(file):
    return _begins_timed(start(file))


@lru_cache(maxsize=2)  # both readers of subtitles ask
def _begins_timed(text):
    lines = [line.strip() for line in text.split("\n", 40)[:40] if line.strip()][:3]
    return bool(lines) and (
        re.match(r"WEBVTT(?:\s|$)", lines[0]) is not None
        or any(_TIMING.fullmatch(line) for line in lines)
    )


def read(file: File) -> Iterator[Document]:
    """Yield the one document of a subtitle file. Raises Unreadable."""
    spoken = _spoken(file.text)
    yield Document(
        file.name,
        text="\n\n".join(text for _, text in _paragraphs(spoken)),
        date=date_of(None, file.name),
        kind="transcript",
        fallback_title=_title(file.name),
    )


def conversation(file: File) -> Conversation:
    """The Conversation of a labelled file: its paragraphs, or its cues. Raises Unreadable.

    Of what was said a message is a paragraph. Where pauses divide nearly all cues, and each names
    who it is from, it was typed: a message is a cue then, with its lines.
    """
    if chat := _chat(_cues(file.text)):
        messages = [Message(name, text) for name, text in chat]
        return Conversation(_title(file.name), messages, known=False, any_layout=True)
    spoken, speaker = [], ""
    for cue in _spoken(file.text):
        speaker = cue.speaker or speaker  # only the first cue of a speaker has the name
        spoken.append(cue._replace(speaker=speaker))
    messages = [Message(speaker, text) for speaker, text in _paragraphs(spoken)]
    return Conversation(_title(file.name), messages)


def _chat(cues):
    """[(sender, text)] of the cues of a chat, '' for those that name nobody; [] if it is none."""
    texts = [html.unescape(re.sub(r"</?v[^<>\n]*>", "", "\n".join(cue.lines))) for cue in cues]
    voices = [_VOICE.search("\n".join(cue.lines)) for cue in cues]
    labels = [None if voice else _LABEL.match(text) for voice, text in zip(voices, texts)]
    count = Counter(label[1] for label in labels if label)
    apart = sum(b.start - a.end > _PAUSE for a, b in zip(cues, cues[1:]))
    chat = []
    for cue, voice, label, text in zip(cues, voices, labels, texts):
        if cue.speaker:
            chat.append((cue.speaker, text.strip()))
        elif label and count[label[1]] > 1:
            chat.append((label[1], text[label.end() :].strip()))
        else:
            chat.append((voice[1].strip() if voice else "", text.strip()))
    named = sum(bool(name) for name, _ in chat)
    many = len(cues) >= _FEWEST_MESSAGES
    return chat if many and apart * 5 >= len(cues) * 4 and named * 5 >= len(cues) * 4 else []


def _speakers(cues):
    """The speakers of cues; none if the first two have none: then 'Rule: …' is no speaker."""
    return {cue.speaker for cue in cues} - {""} if any(cue.speaker for cue in cues[:2]) else set()


def _title(name):
    """The title in a file's name without its language: that of 'talk.zh-Hans.vtt' is 'talk'."""
    return title_of(re.sub(r"\.[a-z]{2,3}(?:-[A-Za-z]{2,4})?(?=\.\w+$)", "", name))


def _spoken(text):
    """The cues of a text, without tags, sounds and labels of speakers."""
    return _unlabelled(_cleaned(_cues(text)))


def _cues(text):
    """All cues of a text, in which blank lines, numbers or the header may be missing."""
    cues, lines, skipping = [], [], False
    for line in text.split("\n") + [""]:
        timing = _TIMING.fullmatch(line)
        if timing:
            _unnumbered(lines)
            lines = []
            groups = timing.groups()
            cues.append(_Cue(_seconds(groups[:4]), _seconds(groups[4:]), lines))
        elif _BLOCK.match(line) and (not lines or not lines[-1].strip()):
            skipping = True
        elif skipping:
            skipping = bool(line.strip())
        elif cues:
            lines.append(line)
    return _named_in_brackets([cue for cue in cues if any(line.strip() for line in cue.lines)])


def _named_in_brackets(cues):
    """The cues without '[Ole] ' at their beginning, which becomes the speaker, if most have it."""
    heads = [_IN_BRACKETS.match(cue.lines[0]) for cue in cues]
    names = Counter(head[1].strip() for head in heads if head)
    if len(names) < 2 or names.total() * 3 < len(cues) * 2 or len(names) * 2 > names.total():
        return cues
    return [
        cue._replace(lines=[cue.lines[0][head.end() :], *cue.lines[1:]], speaker=head[1].strip())
        if head
        else cue
        for cue, head in zip(cues, heads)
    ]


def _unnumbered(lines):
    """Take the number or the name of the next cue off the end of `lines`."""
    if lines and (
        lines[-1].strip().isdecimal()
        or len(lines) > 1
        and lines[-1].strip()
        and not lines[-2].strip()
    ):
        lines.pop()


def _seconds(groups):
    hours, minutes, seconds, part = (int(group or 0) for group in groups)
    return hours * 3600 + minutes * 60 + seconds + part / 10 ** len(groups[3] or "0")


def _cleaned(cues):
    """Cues without tags and sounds."""
    cleaned = []
    for cue in cues:
        voice = _VOICE.search("\n".join(cue.lines))
        lines = (
            _SOUND.sub("", html.unescape(re.sub(r"</?[^<>\n]*>|\{\\[^{}]*\}", "", line)))
            for line in cue.lines
        )
        lines = [re.sub(r"^\s*(?:>>+|-)\s*(?=\S)", "", " ".join(line.split())) for line in lines]
        lines = [line for line in lines if re.search(r"\w", line)]
        if lines:
            speaker = cue.speaker or (voice[1].strip() if voice else "")
            cleaned.append(cue._replace(lines=lines, speaker=speaker))
    return cleaned


def _unlabelled(cues):
    """Cues without 'NAME: ', which becomes the speaker, where a name labels two cues or more.

    Where nearly all labels do that, names of two words or more label one, too, and any name where
    nearly all cues have a label.
    """
    labels = Counter(
        match[1] for cue in cues for line in cue.lines if (match := _LABEL.match(line))
    )
    names = {name for name, count in labels.items() if count > 1}
    each = sum(bool(_LABEL.match(cue.lines[0])) for cue in cues) * 10 >= len(cues) * 9
    often = sum(labels[name] for name in names) * 4 >= labels.total() * 3
    if names and (each or often):
        names |= {name for name in labels if each or _FULL_NAME.fullmatch(name)}
    unlabelled = []
    for cue in cues:
        for line in cue.lines if names else ():
            match = _LABEL.match(line)
            name = match[1] if match and match[1] in names else ""
            text = line[match.end() :] if name else line
            unlabelled.append(cue._replace(lines=[text], speaker=name or cue.speaker))
    return unlabelled or cues


def _is_rolling(cues):
    """Whether at least a third of the cues begin with the last line of the cue before."""
    repeats = sum(b.lines[0].startswith(a.lines[-1]) for a, b in zip(cues, cues[1:]))
    return repeats > 1 and repeats * 3 >= len(cues) - 1


def _without_repeats(cues):
    """Cues without the lines that are still on the screen from the cue before."""
    unrolled, shown = [], []
    for cue in cues:
        same = next(
            size
            for size in range(min(len(shown), len(cue.lines)), -1, -1)
            if shown[len(shown) - size :] == cue.lines[:size]
        )
        new = cue.lines[same:]
        # The line grows word by word.
        if not same and unrolled and shown and new and new[0].startswith(shown[-1]):
            new[0] = new[0][len(shown[-1]) :].strip()
        shown = (shown + cue.lines[same:])[-4:] if same < len(cue.lines) else shown
        if any(new):
            unrolled.append(cue._replace(lines=[line for line in new if line]))
    return unrolled


def _paragraphs(cues):
    """[(speaker, text)] of paragraphs, cut at pauses, changes of speaker, and sentences if long.

    Chinese subtitles made by hand have no punctuation: each cue is a clause, to which a comma or a
    full stop is added (`by_clause`).
    """
    rolling = _is_rolling(cues)
    cues = _without_repeats(cues) if rolling else cues
    all_text = "".join(line for cue in cues for line in cue.lines)
    unpunctuated = len(re.findall(r"[。！？，、；!?,;.]", all_text)) * 60 < len(all_text)
    by_clause = (
        unpunctuated and not rolling and len(_UNSPACED.findall(all_text)) * 2 > len(all_text)
    )
    texts, speakers, last = [], [], None
    for cue in cues:
        pause = last and cue.start - last.end > (_PAUSE_UNPUNCTUATED if unpunctuated else _PAUSE)
        ended = (
            texts
            and len(texts[-1]) > (_LONG // 2 if unpunctuated else _LONG)
            and (unpunctuated or texts[-1][-1] in '。！？!?.…”"')
        )
        if last is None or pause or ended or cue.speaker != last.speaker:
            texts.append("")
            speakers.append(cue.speaker)
        elif by_clause and re.search(r"\w$", texts[-1]):
            texts[-1] += "，"
        for line in cue.lines:
            texts[-1] = _join(texts[-1], line)
        last = cue
    if by_clause:
        texts = [re.sub(r"(?<=\w)$", "。", text) for text in texts]
    return list(zip(speakers, texts))


def _join(first, second):
    """Two lines as one, without a space if either side of the join is Chinese."""
    close = not first or _UNSPACED.match(first[-1]) or _UNSPACED.match(second)
    return first + ("" if close else " ") + second
