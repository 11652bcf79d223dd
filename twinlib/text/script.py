"""Script and language of a text: character classes, columns, sentences, an estimate of tokens.

HAN and WIDE are ranges to put between the brackets of a regular expression. Characters beyond
U+FFFF are left out: a blog has hardly any but emoji.
"""

import re

# Names of scripts: the keys of data/scripts.yaml, in the order of a table.
SCRIPTS = (
    *("chinese", "latin", "kana", "hangul", "cyrillic", "greek", "arabic", "letters"),
    *("digits", "punctuation", "symbols", "spaces"),
)
# Chinese characters, with the rare ones of extension A and the compatibility block.
HAN = "\u3400-\u9fff\uf900-\ufaff"
# Latin letters with those that carry accents, to put between brackets: É of Élan, ł of Paweł.
_ACCENTED = [chr(code) for code in range(0xC0, 0x250) if chr(code).isalpha()]
UPPER = "A-Z" + "".join(filter(str.isupper, _ACCENTED))
LOWER = "a-z" + "".join(filter(str.islower, _ACCENTED))
LATIN = UPPER + LOWER
# Chinese numerals, to put between brackets: 1 to 9, these and 10, which number lists and headings,
# and zeros, of which the last is a circle that also begins the items of a list.
HAN_UNITS = "一二三四五六七八九"
HAN_TO_TEN = HAN_UNITS + "十"
HAN_ZEROS = "零〇○"
HAN_DIGITS = {sign: value for value, sign in enumerate(HAN_UNITS, 1)} | {"两": 2, "兩": 2}
HAN_DIGITS |= dict.fromkeys(HAN_ZEROS, 0)
HAN_SCALES = {"十": 10, "百": 100, "千": 1000}
HAN_SCALES |= {"万": 10**4, "萬": 10**4, "亿": 10**8, "億": 10**8}
# What a number in a text is written with; circles only where it is told apart from a list's.
HAN_NUMERALS = "零〇" + HAN_UNITS + "两兩" + "".join(HAN_SCALES)
# The same as on cheques, where they can't be changed into others.
HAN_FORMAL = dict(zip("壹贰貳叁參肆伍陆陸柒捌玖拾佰仟", "一二二三三四五六六七八九十百千"))
# Full-width digits, letters and signs with the plain ones that they stand for, each one character.
FULL_WIDTH = {chr(code + 0xFEE0): chr(code) for code in range(0x21, 0x7F)}
# Characters two columns wide in a fixed-width font, and marks that are so in Chinese fonts.
WIDE = (
    "\u1100-\u115f\u2e80-\u9fff\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe4f\uff00-\uff60\uffe0-\uffe6"
    "“”‘’…—"
)
# Chinese, Japanese and Korean characters with their punctuation, as tokenizers see them.
_CJK = HAN + "\u3000-\u303f\u3040-\u30ff\uac00-\ud7a3\uff00-\uffef“”‘’…—"
# After an invisible character in a regular expression: it is no joiner that changes how its
# neighbours are drawn, in emoji of several signs (a family) or between Arabic and Indic letters.
_SIGNS = "\u2190-\u2bff\U0001f000-\U0001faff"
_JOINED_LETTERS = "\u0600-\u08ff\u0900-\u0dff"
STRAY = (
    rf"(?:(?<![{_SIGNS}\ufe0f]\u200d)|(?![{_SIGNS}]))"
    rf"(?:(?<![{_JOINED_LETTERS}][\u200c\u200d])|(?![{_JOINED_LETTERS}]))"
)

# Abbreviations of English, German, Spanish, Portuguese and French, without their full stop. Behind
# these a name or an example follows, so that no sentence ends there.
_GOES_ON = """
    Mr Mrs Ms Dr St Prof Capt Lieut Lt Col Gen Maj Sgt Cpl Adm Cmdr Rev Revd Hon Gov Sen Rep Messrs
    Thos Wm Jas Geo Chas Jno Robt Saml Benj Edw Mt vs Hr Frl Dipl Sr Sra Srta Sres Dra Lic Dña Profa
    Exmo Exma Sto Sta Mme Mlle MM Mgr Ste e.g i.e z.B d.h p.ej p.ex cf Cf vgl Vgl viz
"""
# Behind these no sentence ends before a small letter or a digit: months, numbered things and so on.
_MAY_END = """
    No Nos Nr Fig Figs Vol Vols Ch Chap Sec Art Ed Eds Bd Abb Jr Inc Ltd Co Corp Bros Ave Dept
    etc al approx ca Jan Feb Mar Apr Jun Jul Aug Sep Sept Oct Nov Dec Okt Dez Ene Abr Ago Dic Fev
    Mon Tue
    Tues Wed Thu Thur Thurs Fri Sat Sun ene feb abr jun jul ago sept oct nov dic fev dez janv
    févr avr juil déc usw usf bzw evtl ggf inkl exkl zzgl Mio Mrd Jh Std Tel pág págs Pág
    núm Núm aprox
    env Mai Jän Mär vol chap fig
"""
_CONSONANTS = "bcdfghjklmnpqrstvwxzBCDFGHJKLMNPQRSTVWXZ"


def _behind(words):
    """A regular expression of a place behind one of these words and its full stop."""
    by_length = {}  # Python looks back by as many characters as it knows beforehand
    for word in words.split():
        by_length.setdefault(len(word), []).append(re.escape(word))
    behind = (rf"(?<=(?<![{LATIN}.])(?:{'|'.join(same)})\.)" for same in by_length.values())
    return "|".join(behind)


# Not behind a single capital, as in a name, nor within "z. B." or behind "p. ex."
_INITIAL = rf"(?<=(?<![{LATIN}])[{UPPER}]\.)|(?<=(?<![{LATIN}.])[{LOWER}]\.)(?=\s+[{LATIN}]\.)"
_INITIAL += rf"|(?<=(?<![{LATIN}])p\.)(?=\s+e[xj]\.)|(?<=(?<![{LATIN}])p\. e[xj]\.)"
# Words without a vowel, and "p.m."
_SHORT = (
    "|".join(rf"(?<=(?<![{LATIN}])[{_CONSONANTS}]{{{n}}}\.)" for n in (1, 2, 3, 4))
    + rf"|(?<=(?<![{LATIN}])[{LATIN}]\.[{LATIN}]\.)"
)
_DAY = r"(?<=(?<!\d)\d\.)(?=\s+{months})|(?<=(?<!\d)\d\d\.)(?=\s+{months})".format(
    months="(?:Jan|Feb|März|April|Mai|Jun|Jul|Aug|Sept|Okt|Nov|Dez)"
)
_ABBREVIATED = (
    rf"(?!{_behind(_GOES_ON)}|{_INITIAL}|{_DAY})"
    rf"(?!(?:{_behind(_MAY_END)}|{_SHORT})\s+[{LOWER}\d])"
)
SENTENCE = re.compile(
    r"(?<=[。！？!?…])(?![”’」』）)!?。！？…\s])|(?<=[。！？!?…][”’」』）)])(?!\s)|(?<=[.!?][\"')”’])\s+|"
    rf"(?<=[.!?]){_ABBREVIATED}\s+"
)
CLAUSE = re.compile(r"(?<=[；;，,：:])\s*")


def tokens_estimate(text: str) -> int:
    """Estimate how many tokens a text has, to plan with: see `tokens_unrounded`."""
    return round(tokens_unrounded(text))


def tokens_unrounded(text: str) -> float:
    """0.7 tokens a Chinese character and 1.3 an English word, for sums over many short pieces."""
    chinese = len(re.findall(f"[{_CJK}]", text))
    words = len(re.findall(r"[A-Za-z0-9'’\-]+|[^\sA-Za-z0-9]", re.sub(f"[{_CJK}]", " ", text)))
    return 0.7 * chinese + 1.3 * words


def sentences(text: str) -> list[str]:
    """The sentences of a text in order, without the blanks around them; some may be ''."""
    edges = [0, *(match.end() for match in SENTENCE.finditer(text)), len(text)]
    return [text[start:end].strip() for start, end in zip(edges, edges[1:])]


def han_pairs(text: str) -> list[str]:
    """The pairs of neighbouring Chinese characters of a text, in order."""
    return re.findall(f"(?=([{HAN}]{{2}}))", text)


def sentences_within(text: str, tokens: float) -> str:
    """The whole sentences at the start of a text that have at most `tokens` by estimate."""
    ends = [match.end() for match in SENTENCE.finditer(text)] + [len(text)]
    fitting = [end for end in ends if tokens_estimate(text[:end]) <= tokens]
    return text[: max(fitting, default=0)].strip()


def language_of(text: str) -> str:
    """'zh' when a text has more than half as many Chinese characters as Latin words, else 'en'."""
    chinese, latin = count_han(text), len(re.findall(f"[{LATIN}]+", text))
    return "zh" if chinese * 2 > latin else "en"


def count_han(text: str) -> int:
    """The number of Chinese characters in a text."""
    return len(re.findall(f"[{HAN}]", text))


def word_count(text: str) -> int:
    """The length of a text as people count it: Chinese characters plus Latin words and numbers."""
    return len(re.findall(rf"[{HAN}]|[{LATIN}0-9]+(?:['’\-][{LATIN}0-9]+)*", text))


def has_han(text: str) -> bool:
    """Whether a text has a Chinese character in it."""
    return bool(re.search(f"[{HAN}]", text))


def not_in_capitals(words: str) -> str:
    """A regular expression of words as they are or with a capital: 'us' and 'Us', but not 'US'.

    For pronouns, where IGNORECASE would find countries, departments and organisations as well.
    """
    return "|".join(f"[{word[0].upper()}{word[0]}]{word[1:]}" for word in words.split())


def is_wide(character: str) -> bool:
    """Whether a character is one of WIDE; '' is not."""
    return bool(re.match(f"[{WIDE}]", character))


def space_between(left: str, right: str) -> str:
    """What joins two lines of a sentence: nothing between two Chinese characters, else a space."""
    return "" if is_wide(left[-1:]) and is_wide(right[:1]) else " "


def columns(text: str) -> int:
    """About how many columns a text takes in a fixed-width font, for limits on the length of lines.

    Counted in UTF-8, where wide characters take three bytes: far quicker than looking up each one,
    as `progress.width` does, which is exact.
    """
    return len(text) if text.isascii() else (len(text) + len(text.encode("utf-8", "replace"))) // 2


# Everyday Chinese characters, simplified and traditional: a third of a text that was decoded with
# the right encoding, hardly any of one that was not.
_COMMON = set(
    "的一是不了人我在有他这为之大来以个中上们到说国和地也子时道出而要于就下得可你年生自会那后能"
    "对着事其里所去行过家十用发天如然作方成者多日都三小军二无同么经法当起与"
    "好看学进种将还分此心前面又定见只主没公从"
    "這為來個們說國時後會對裡過發當與學進種將還無經沒從麼點問開長話樣讓，。、；：？！「」“”"
)


def commonness(text: str) -> float:
    """The share of a text's non-ASCII characters that are everyday Chinese ones, 0 to 1."""
    foreign = [character for character in text[:20_000] if not character.isascii()]
    return sum(character in _COMMON for character in foreign) / max(1, len(foreign))
