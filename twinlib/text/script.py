"""Script and language of a text: Chinese characters, sentences, tokens by estimate, names of scripts."""

import re

CJK = "\u3400-\u9fff\uf900-\ufaff"
CJK_ALL = CJK + "\u3000-\u303f\u3040-\u30ff\uac00-\ud7a3\uff00-\uffef“”‘’…—"
ABBREVIATIONS = r"(?<!Mr\.)(?<!Mrs\.)(?<!Dr\.)(?<!St\.)(?<!Ms\.)(?<!vs\.)(?<!No\.)(?<![A-Z]\.)"
SENTENCE = re.compile(
    r"(?<=[。！？!?…])(?![”’」』）)!?。！？…\s])|(?<=[。！？!?…][”’」』）)])(?!\s)|(?<=[.!?][\"')”’])\s+|"
    rf"{ABBREVIATIONS}(?<=[.!?])\s+"
)
CLAUSE = re.compile(r"(?<=[；;，,：:])\s*")


def tokens_estimate(text):
    """About how many tokens a text has: 0.7 a Chinese character, 1.3 an English word. For planning, not exact."""
    return round(_tokens(text))


def _tokens(text):
    chinese = len(re.findall(f"[{CJK_ALL}]", text))
    words = len(re.findall(r"[A-Za-z0-9'’\-]+|[^\sA-Za-z0-9]", re.sub(f"[{CJK_ALL}]", " ", text)))
    return 0.7 * chinese + 1.3 * words


def language_of(text):
    """'zh' when there are at least as many Chinese characters as half the Latin words, else 'en'."""
    return (
        "zh"
        if len(re.findall(f"[{CJK}]", text)) * 2 > len(re.findall(r"[A-Za-z]+", text))
        else "en"
    )


# Among the most frequent characters of any Chinese text, both scripts: a right decoding is full of them (about a
# third of a text), a wrong one has hardly any.
COMMON = set(
    "的一是不了人我在有他这为之大来以个中上们到说国和地也子时道出而要于就下得可你年生自会那后能对着事其里所去行过家十用发天如然作方成者多日都三小军二无同么经法当起与"
    "好看学进种将还分此心前面又定见只主没公从這為來個們說國時後會對裡過發當與學進種將還無經沒從麼點問開長話樣讓，。、；：？！「」“”"
)


def commonness(text):
    """The share of a text's non-ASCII characters that are everyday Chinese ones, 0 to 1."""
    others = [character for character in text[:20_000] if character > "\x7f"]
    return sum(character in COMMON for character in others) / len(others) if others else 0.0


LABELS = {  # script: (English, Chinese), in the order of a table
    "chinese": ("Chinese characters", "汉字"),
    "latin": ("Latin letters", "拉丁字母"),
    "kana": ("kana", "假名"),
    "hangul": ("Hangul", "谚文"),
    "cyrillic": ("Cyrillic", "西里尔字母"),
    "greek": ("Greek", "希腊字母"),
    "arabic": ("Arabic", "阿拉伯字母"),
    "letters": ("other letters", "其他文字"),
    "digits": ("digits", "数字"),
    "punctuation": ("punctuation", "标点"),
    "symbols": ("symbols and emoji", "符号和表情"),
    "spaces": ("spaces and invisible characters", "空白和不可见字符"),
}
