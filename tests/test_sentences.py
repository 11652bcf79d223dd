"""Where a sentence ends: not behind a title, a month or another abbreviation."""

import pytest

from twinlib.text.script import sentences

WHOLE = [
    "I know not how much Dr. Thos. Pepys has.",
    "We met Capt. Cocke and Lieut. Lambert at the dock.",
    "Prof. Lee et al. wrote it, e.g. in Fig. 3 of the book.",
    "They came on Jan. 5 and stayed.",
    "I rose at 5 p.m. and left.",
    "Bread, cheese, etc. were on the table.",
    "Mr. J. Smith of Mt. Pleasant paid.",
    "See No. 7 and vol. 2 of it.",
    "Rev. Wm. Penn and Gen. Monk dined here.",
    "Messrs. Brown vs. Green, cf. Chap. 4 there.",
    "Smith, Jr. was late, i.e. Tuesday.",
    "The firm Hill Bros. and Sons.",
    "On Sat. 9 we rest.",
    "It cost approx. 40 pounds.",
    "Wir sahen Hr. Braun, Prof. Dr. Klein und Frl. Meier.",
    "Obst, z. B. Birnen, bzw. saure Kirschen.",
    "Am 3. Mai kam er, d.h. zu spät.",
    "Brot, Käse usw. standen da, vgl. Abb. 2 dort.",
    "El Sr. Ruiz y la Sra. Vega vinieron.",
    "Véase la pág. 12 del libro, p. ej. aquí.",
    "Pan, queso, etc. en la mesa de la Dra. Gil.",
    "O Exmo. Sr. Costa e a Profa. Lima chegaram.",
    "Veio a 3 dez. 2019 com a Dra. Reis.",
    "M. Dupont et Mme. Roux, p. ex. hier.",
    "Le 4 janv. 2020, Mlle. Petit partit.",
]
TWO = [
    ("I like it.", "But he does not."),
    ("ok.", "see you then."),
    ("I like art.", "it is quiet."),
    ("We left at 5 p.m.", "The road was dry."),
    ("Bread, cheese, etc.", "We ate it all."),
    ("He came in Jan.", "She came later."),
    ("I was 30.", "He was older."),
    ("I saw it on TV.", "Then I slept."),
    ("We went to sea.", "20 men came along."),
    ("Is that so?", "yes it is."),
    ("Er kam spät.", "Wir aßen schon."),
    ("Ich war 30.", "Er war älter."),
    ("Vino tarde.", "No comimos."),
    ("Il vint.", "Nous mangeons."),
    ("茶要烫。", "烫才停得下来。"),
    ("你来吗？", "我不来！"),
    ("“走吧。”", "他站起来。"),
    ("他买了No.5香水。", "第二天就丢了。"),
    ("He asked “why?”", "I said nothing."),
    ("Tom!", "Come here."),
]


@pytest.mark.parametrize("text", WHOLE)
def test_no_sentence_ends_at_an_abbreviation(text):
    assert sentences(text) == [text]


@pytest.mark.parametrize("first, second", TWO)
def test_a_sentence_ends_where_the_next_one_begins(first, second):
    joint = "" if first[-1] in "。？”" and second[0] > "一" else " "
    assert [part for part in sentences(first + joint + second) if part] == [first, second]
