"""What a question names that the author never wrote of: people, places, works, kin and years.

That is a veto on answering, however near the passages are. It also sees many false premises: "how
was your daughter's wedding?" names a daughter whom no passage calls "my daughter". Other things
that no passage has a word for, such as the helmet of "what does a bicycle helmet cost?", are a veto
where the passages are not very near and have no other word for them, as bicycle for bike.
"""

import difflib
import functools
import re
from collections.abc import Iterable
from itertools import compress

from ..i18n import data
from ..text import numerals
from ..text.script import HAN, HAN_UNITS, HAN_ZEROS, LATIN, LOWER, UPPER, language_of
from ..text.style import tidy
from . import agree, lexical
from .index import Index, Passage

LANGUAGE_SHARE = 0.1  # of the passages, for a language that the author writes in
# Cosine of the embeddings of two words that mean the same: bike and bicycle 0.97, 收费 and 收钱
# 0.94; motorbike and bicycle 0.92, helmet and brake 0.88.
_SAME = 0.935
_SAME_TITLE = 0.75  # how much of two titles is the same, as difflib counts it
_TITLE = re.compile("《([^》]{1,40})》")
_QUOTED = re.compile(rf"[“\"]([{UPPER}][^”\"]{{2,60}})[”\"]")
_CAPITALISED = re.compile(
    rf"(?<![.!?:] )(?<![\n\r])(?<!^)(?<![\"“(])\b(?!I\b|I['’])[{UPPER}][{LOWER}]{{2,}}"
    rf"(?:[ -][{UPPER}][{LOWER}]{{2,}})*"
)
# Capitalised words that name nobody.
_NOT_NAMES = set(
    """
    mr mrs ms miss sir lady lord dr doctor captain colonel commissioner judge king queen uncle aunt
    auntie accountant professor english chinese monday tuesday wednesday thursday friday saturday
    sunday january february march april may june july august september october november december
    """.split()
)
# Chinese characters that the tagger takes for the beginning or the end of a name.
_AROUND_NAMES = set("是在的了和与说问被把给叫让来去也都又很有过没不您你我他她会")
# First words of names that mean nothing alone: York is not New York.
_FIRST_OF_NAMES = set(
    """
    new old great little big north south east west northern southern eastern western upper lower
    high long saint mount lake cape fort port san santa los las united world
    """.split()
)
# First characters of the most common Chinese family names: a word of the dictionary that begins
# with another is most likely no person, even where the tagger says so (养老, 小老鼠).
_FAMILY_NAMES = set(
    "王李张刘陈杨黄赵吴周徐孙马朱胡郭何高林罗郑梁谢宋唐许韩冯邓曹彭曾肖萧田董袁潘于蒋"
    "蔡余杜叶程苏魏吕丁任沈姚卢姜崔钟谭陆汪范金石廖贾夏韦付方白邹孟熊秦邱江尹薛闫阎段"
    "雷侯龙史陶黎贺顾毛郝龚邵万钱严覃武戴莫孔向汤欧司诸上令东皇尉慕"
)
_OFTEN = 2  # passages with a name to which a question adds a character that makes it another
_PEOPLE = ("nr", "nrt", "nrfg")  # tags of rjieba
# English verbs of a question: "do you bake", "did she ever ride", "to sell".
_VERB = re.compile(
    r"\b(?:do|does|did|can|could|would|will|should|may|might|must|to|not|n['’]t|ever|never"
    r"|who|i|you|we|they|people)"
    rf"(?: (?:i|you|we|they|he|she|it|people|ever|not))? ([{LOWER}]+)"
)
_WHERE = re.compile("[里上中下内外边前后间]$")  # 信里: in the letter
_YEAR = re.compile(rf"(?<!\d)(1\d{{3}}|20\d{{2}})(?!\d)|([一二][{HAN_ZEROS}{HAN_UNITS}]{{3}})年")
# "your (adjective) sister"; in Chinese "你妹妹", "你的妹妹".
_YOUR = re.compile(rf"\b(?:your|thy)(?: [{LOWER}]+)? ({agree.KIN_EN})\b")
_YOUR_ZH = re.compile(f"[你您]的?({agree.KIN_ZH})")
# What others say: in quotation marks, or in a sentence after "he said", which may have none.
_QUOTATION = re.compile(r"[“\"][^“”\"\n]{2,400}[”\"]|「[^」\n]{2,400}」")
_SAID = re.compile(
    rf"\b(?:he|she|they|[{UPPER}][{LOWER}]+) (?:said|says|asked|asks|told|answered|replied|cried"
    r"|wrote|writes|shouted|whispered)\b.*"
)
# Languages, in which something is to be said rather than about which.
_LANGUAGES = set("中文 汉语 普通话 英文 英语 英语里 中文里".split())
# "Describe the stall", "and print your": what is to be done, no thing.
_ORDER = re.compile(
    rf"(?:^|[.,;:!?] |\band |\bplease |\bthen )([{LOWER}]+) (?:me|us|all|any|every\w*|some\w*|the"
    r"|an?|your|my|this|that|these|those|it|him|her|them|what|how|why|about|to|in|into|out|up"
    r"|down)\b"
)
# Words before which or as which a thing is no subject: 用英文写.
_MEANS = "用拿以按照像"
_DESCRIBES = re.compile(r"(?:ed|ing|ly|ous|ful|ive|able|less|est)$")
# "his wife" of the author, with no other man between: "What did Ning say about his wife?"
_HIS = re.compile(r"\b(?:his|her)\b")
_HE = re.compile(r"\b(?:he|she)\b")


def to_author(question: str, author: str) -> str:
    """A question about the author by name as one to the author: "Ning's wife" is "your wife".

    He, his and so on are changed as well where the question names nobody else.
    """
    name = re.escape(author.strip())
    if not name or re.search(r"\byou(?:r|rs)?\b|[你您]", tidy(question)):
        return question
    edge = "" if re.search(f"[{HAN}]", author) else rf"(?<![{LATIN}])(?<!\d)"
    found = re.compile(rf"{edge}{name}(['’]s)?(?![{LATIN}])", re.IGNORECASE)
    if not found.search(question):
        return question
    if language_of(question) == "zh":
        others = [name for name in agree.names(question) - {author} if name not in author]
        text = found.sub("你", question)
        return (
            text if any(_is_person(each) for each in others) else re.sub("[他她](?!们)", "你", text)
        )
    text = found.sub(lambda match: "your" if match[1] else "you", question)
    if re.search(rf"(?<=\s)[{UPPER}][{LOWER}]", text):  # he may be somebody else
        return text
    text = _HE.sub("you", _HIS.sub("your", text))
    return re.sub(r"\b([Dd]o)es (?=you\b)", r"\1 ", text)


def _is_person(word):
    return re.fullmatch(agree.KIN_ZH, word) is None


def is_asked_for(name: str, question: str) -> bool:
    """Whether a veto is what a question asks for, and it may be said that nothing is on it.

    A name or a year is; a word that only describes another one, or that something is to be done
    with, is not.
    """
    text, name = tidy(question), tidy(name)
    at = text.find(name)
    if at < 0:
        return True
    if re.search(f"[{HAN}]", name):
        return text[max(0, at - 1) : at] not in set(_MEANS)
    follows = re.match(r" ([\w'-]+)", text[at + len(name) :])
    describes = _DESCRIBES.search(name) and follows and name not in _capitalised(question)
    return not (describes and follows[1] not in lexical.question_words())


def _capitalised(question):
    return {tidy(name) for name in _names_en(question)}


def named(
    index: Index, question: str, splits: Iterable[str] | None = None
) -> tuple[list[str], list[str]]:
    """What a question names and no passage holds: ([surely], [perhaps]), as it is written there.

    Perhaps: things, and Chinese words that the tagger takes for places. Names are judged only in a
    language that the author writes in: elsewhere they are spelt otherwise.
    """
    language = language_of(question)
    allowed = index.allowed(splits)
    years = _unknown_years(question, index, allowed)
    if (index.languages[allowed] == language).sum() < LANGUAGE_SHARE * allowed.sum():
        return years, []
    if language == "zh":
        names, tagged, things = _names_zh(question)
    else:
        names, tagged, things = _names_en(question), [], _things_en(question, index)
    works = _TITLE.findall(question) + _QUOTED.findall(question)
    names = [name for name in names if name not in works]
    works = [work for work in works if not _is_there(index, work, allowed)]
    names, tagged, things = (
        [name for name in group if not _holds(index, name, allowed)]
        for group in (names, tagged, things)
    )
    if language == "zh":
        tagged, things = (
            [name for name in group if not _is_cut_wrong(name, question, index, allowed)]
            for group in (tagged, things)
        )
    return works + names + tagged + _unknown_kin(question, index, allowed) + years, things


def has_synonym(index: Index, thing: str, passages: Iterable[Passage]) -> bool:
    """Whether a word of these passages means the same as a thing, by its embedding."""
    if index.embedder is None:
        return False
    words = sorted({word for passage in passages for word in whole_words(passage.searched)})
    vectors = index.embedder.compute([thing, *words], False)
    return len(words) > 0 and float((vectors[1:] @ vectors[0]).max()) >= _SAME


def whole_words(text: str, shortest: int = 2) -> list[str]:
    """The words of a text with their endings, without the everyday ones.

    English ones have three letters at least, Chinese ones `shortest` characters.
    """
    import rjieba

    left_out = lexical.question_words()
    english = re.findall(rf"[{LOWER}]{{3,}}", tidy(text))
    han = [word for run in re.findall(f"[{HAN}]+", text) for word in rjieba.cut(run)]
    words = [word for word in english + han if len(word) >= shortest]
    return [word for word in words if word not in left_out]


def _holds(index, name, allowed):
    """Whether a passage has all parts of a name: its runs of Chinese and its other words."""
    found = []
    for part in re.findall(f"[{HAN}]+|[^{HAN}]+", tidy(name)):
        for word in [part] if re.match(f"[{HAN}]", part) else lexical.words(part):
            found = index.lexical.texts_with(word)
            found = found[allowed[found]]
            if not len(found):
                return False
    first = tidy(name).split()[:1]
    if first and first[0] in _FIRST_OF_NAMES:
        return any(tidy(name) in tidy(index.texts[place]) for place in found)
    return True


def _is_there(index, work, allowed):
    """Whether a passage names a work or has its words in a row, or a title is nearly the same."""
    work = tidy(work).strip(" .,;:!?。，！？…")
    texts = [tidy(text) for text in compress(index.texts, allowed)]
    if any(work in text for text in texts):
        return True
    titles = {tidy(passage.title) for passage in compress(index.passages, allowed)}
    return bool(difflib.get_close_matches(work, titles, 1, _SAME_TITLE))


def _is_cut_wrong(name, question, index, allowed):
    """Whether a Chinese name of the tagger's is cut out of other words of the passages.

    那本书 is a book, 阿蘅是 is 阿蘅 with 是 after it, 小满练 is 小满 with a verb, and 满拧 the end
    of 小满 and the beginning of 拧: a pair of characters over its edge that stands in half of the
    passages with the one inside is a word.
    """

    def held(text):
        return int(allowed[index.lexical.texts_with(text)].sum())

    if name[0] in "这那哪某" and len(name) > 2:  # 那本书
        return True
    if len(name) > 2 and (
        held(name[:-1]) >= (1 if name[-1] in _AROUND_NAMES else _OFTEN)
        or (name[0] in _AROUND_NAMES and held(name[1:]))
    ):
        return True
    start = question.find(name)
    end = start + len(name)
    over = [(question[start - 1 : start + 1], name[0]), (question[end - 1 : end + 1], name[-1])]
    for pair, inside in over:
        count = held(pair) if re.fullmatch(f"[{HAN}]{{2}}", pair) else 0
        if count and 2 * count >= max(2, sum(inside in t for t in compress(index.texts, allowed))):
            return True
    return False


def _names_en(question):
    question = question.strip()
    names = _QUOTED.findall(question)
    for run in _CAPITALISED.findall(question):
        parts = [part for part in re.split("[ -]", run) if part.lower() not in _NOT_NAMES]
        whole = parts and parts[0].lower() in _FIRST_OF_NAMES
        # Else the surname tells: a first name may be another's.
        names += [" ".join(parts)] if whole else parts[-1:]
    return names


def _things_en(question, index):
    """The words of a question that may name things: no everyday words, no verbs, no numbers."""
    text = tidy(question)
    known = lexical.question_words() | index.lexical.joined(question).keys() | _everyday()
    # "did they buy" for "did Xiaoman buy"
    asked = tidy(re.sub(rf"(?<=\s)[{UPPER}][\w'’]+(?: [{UPPER}][\w'’]+)*", "they", question))
    verbs = _VERB.findall(asked) + _ORDER.findall(text)
    known |= {stem for verb in verbs for stem in lexical.words(verb)}
    written = {}
    for word in re.findall(rf"[{LOWER}]{{3,}}", text):
        written |= dict.fromkeys(lexical.words(word), word)
    return [word for stem, word in written.items() if stem not in known]


@functools.cache
def _everyday():
    return frozenset(lexical.words(data("common_words")["en"]))


def _names_zh(question):
    """(names of people and works, what the tagger takes for people, for places and things)."""
    import rjieba

    names = _TITLE.findall(question)
    rest = _TITLE.sub("，", question)
    names += re.findall(rf"[{LATIN}][{LATIN}]{{2,}}", rest)
    titles = data("no_names")["titles"]["zh"].split()
    people, things, left_out, before = [], [], lexical.question_words(), ("", "")
    for word, tag in rjieba.tag(rest):
        if word in titles and before[1] in _PEOPLE and len(before[0]) == 1:  # 丁大夫
            names.append(before[0] + word)
        before = word, tag
        if re.fullmatch(f"[{HAN}]{{2,}}", word) and tag.startswith("n"):
            if tag in _PEOPLE and _may_be_a_person(word):
                people.append(word)
            elif (thing := _WHERE.sub("", word)) not in left_out | _LANGUAGES and len(thing) > 1:
                things.append(thing)
    return names, people, things


def _may_be_a_person(word):
    """Whether a word that the tagger takes for a person begins as a name does, or is in no
    dictionary."""
    import rjieba

    return word[0] in _FAMILY_NAMES or rjieba.cut(word, False) != [word]


def _unknown_kin(question, index, allowed):
    """Kin of the author's that a question takes for granted and that no passage calls his.

    In Chinese, where "my" is often left out, that no passage speaks of.
    """
    found = []
    for kin in _YOUR.findall(tidy(question)):
        mine = re.compile(rf"\b[Mm]y(?: [{LOWER}]+)? {kin.rstrip('s')}", re.IGNORECASE)
        places = index.lexical.texts_with(lexical.words(kin)[0])
        texts = (_without_others(index.passages[n].text) for n in places[allowed[places]])
        if not any(mine.search(text) for text in texts):
            found.append(kin)
    for kin in _YOUR_ZH.findall(question):
        if not any(kin[:2] in text for text in compress(index.texts, allowed)):
            found.append(kin)
    return found


def _without_others(text):
    """A text without what others say in it."""
    text = _QUOTATION.sub(" ", text)
    return "\n".join(_SAID.sub("", sentence) for sentence in lexical.sentences(text))


def years(question: str) -> list[str]:
    """The years that a question names, in digits."""
    return [digits or str(numerals.han(han)) for digits, han in _YEAR.findall(question)]


def _unknown_years(question, index, allowed):
    """The years of a question that no passage is from or speaks of."""
    found = []
    for digits, han in _YEAR.findall(question):
        year = digits or str(numerals.han(han))
        if not any(
            passage.date.startswith(year)
            or year in text
            or (_may_say(year, text) and int(year) in numerals.numbers(text))
            for passage, text in compress(zip(index.passages, index.texts), allowed)
        ):
            found.append(digits or f"{han}年")
    return found


def _may_say(year, text):
    """Whether a text may have a year in words, which takes a hundredth of reading its numbers."""
    return _year_in_words(year).search(text) is not None


@functools.cache
def _year_in_words(year):
    in_han = "".join(
        f"[{HAN_ZEROS}]" if digit == "0" else HAN_UNITS[int(digit) - 1] for digit in year
    )
    return re.compile(
        rf"{in_han}|{year[0]},{year[1:]}|[一二两]千|\b(?:one|two|a) thousand\b"
        r"|\b(?:ten|eleven|twelve|\w+teen|twenty)(?:[- ]\w+)? hundred\b",
        re.IGNORECASE,
    )
