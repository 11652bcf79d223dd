"""Line breaks of authors and of programs: how many are kept, and how many undone, rightly.

    python benchmarks/line_breaks.py [FOLDER …] [--messages N] [--texts N] [--seed N]

Makes from the texts of folders (the sample blog's by default), in English and in Chinese: chats of
N (3,000) messages in bursts without punctuation, in the forms of WhatsApp, QQ and a table, which go
through the real readers; verse, lists, addresses, menus and dialogue, which an author breaks into
lines; and prose wrapped at 60 to 78 columns, in Chinese at 30 to 40 characters, by programs of
several kinds, with blank lines or indents between paragraphs, as one text or as a file of mails;
and in other layouts: narrow and wide lines, marks that begin lines, English hyphenated at the ends
of lines, dialogue with dashes, replies between quoted lines of a mail.
Prints the share of breaks that come out right: kept in the first three, undone in the wrapped
prose, where the breaks between paragraphs stay.
"""

import argparse
import random
import re
import tempfile
import textwrap
from pathlib import Path

from twinlib.corpus import pipeline, readers
from twinlib.corpus.clean.wrapping import unwrap, unwrap_text
from twinlib.text.script import HAN, columns, language_of

ROOT = Path(__file__).parent.parent
AIM, EXAMPLES = 0.995, 8
WHY = (
    "{what}: below 99.5 %. What is left are paragraphs of two or three lines, or lines that end "
    "where clauses end,\namong others of another width: the same lines may be verse or a list, so "
    "they stay as they are. Around such breaks (⏎):"
)
CLOSING = "，。；：！？、”’」』）》…"
OPENING = "“‘「『（《"


def paragraphs(folders):
    """{language: paragraphs of prose} of the Markdown and text files in folders."""
    found = {"en": [], "zh": []}
    for folder in folders:
        for path in sorted(Path(folder).rglob("*")):
            if path.suffix not in (".md", ".txt"):
                continue
            text = re.sub(r"\A---\n.*?\n---\n", "", path.read_text(encoding="utf-8"), flags=re.S)
            for part in re.split(r"\n\s*\n", text):
                part = part.strip()
                if "\n" not in part and columns(part) > 60 and not re.match(r"[#>|\-*\d]", part):
                    found[language_of(part)].append(" ".join(part.split()))
    return found


def phrases(texts):
    """The clauses of texts, in small letters and without punctuation, as people type."""
    mark = r"[\u2060,.;:!?，。；：！？、…—“”‘’\"'（）()《》]+\s*"
    return [
        piece.strip().lower()
        for text in texts
        for piece in re.split(mark, text)
        if 8 <= columns(piece.strip()) <= 60
        and re.fullmatch(rf"[a-z {HAN}]+", piece.strip().lower())
    ]


# Chats


def chat(pieces, count, form, rng):
    """(text of an export, the owner's bursts) of `count` messages by two people."""
    lines, bursts, minute = [], [], 0
    names = {True: "Nele", False: "Ole"}
    if form == "table":
        lines.append("sender,time,content")
    sent = 0
    mine = False
    while sent < count:
        mine, burst = not mine, []
        for _ in range(rng.randrange(1, 6)):
            text, minute = rng.choice(pieces), minute + rng.randrange(1, 4)
            hour, day = minute // 60 % 24, minute // 1440
            day, month = day % 28 + 1, day // 28 + 1
            if form == "whatsapp":
                lines.append(
                    f"{day:02}.{month:02}.24, {hour:02}:{minute % 60:02} - {names[mine]}: {text}"
                )
            elif form == "qq":
                stamp = f"2024-{month:02}-{day:02} {hour:02}:{minute % 60:02}:00"
                lines += [f"{stamp} {names[mine]}", text, ""]
            else:
                stamp = f"2024-{month:02}-{day:02} {hour:02}:{minute % 60:02}:00"
                lines.append(f"{names[mine]},{stamp},{text}")
            burst.append(text)
            sent += 1
        if mine:
            bursts.append(burst)
    return "\n".join(lines), bursts


def kept_in_chat(text, bursts, suffix):
    """(line breaks within bursts, how many of them are in the answers)."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / f"chat{suffix}").write_text(text, encoding="utf-8")
        raws = list(readers.read(folder, readers.Options(("Nele",))))
    log, totals = readers.ReadLog(), pipeline.Totals()
    made = pipeline.documents(raws, pipeline.Rules("Nele", me=("Nele",), mask=False), log, totals)
    answers = {answer for document in made for answer in (t.answer for t in document.turns)}
    total = sum(len(burst) - 1 for burst in bursts)
    right = sum(len(burst) - 1 for burst in bursts if "\n".join(burst) in answers)
    return total, right


# Lines that an author makes


def own_lines(pieces, rng, zh):
    """A text whose line breaks are its author's."""
    kind = rng.choice(("verse", "equal", "list", "menu", "address", "dialogue", "lyric"))
    some = [rng.choice(pieces) for _ in range(rng.randrange(3, 24))]
    if kind == "equal":
        length = rng.choice((7, 10, 12, 14)) if zh else rng.randrange(34, 50)
        joined = ("" if zh else " ").join(pieces[n] for n in rng.sample(range(len(pieces)), 60))
        if zh:
            some = [joined[n * length : (n + 1) * length] for n in range(len(some))]
        else:  # five stresses or so: lines of about one length, broken between phrases
            some = [p for p in pieces if abs(columns(p) - length) <= 4][: len(some)] or some
    lines = {
        "verse": lambda: [p + rng.choice(("", "，" if zh else ",", "")) for p in some],
        "equal": lambda: some,
        "list": lambda: [f"{p}{'：' if zh else ': '}{rng.randrange(1, 9)}" for p in some],
        "menu": lambda: [f"{p[:16]} …… {rng.randrange(10, 99)}" for p in some],
        "address": lambda: [p[:20].title() for p in some[:5]],
        "dialogue": lambda: [f"“{p}。”" if zh else f'"{p.capitalize()}."' for p in some],
        "lyric": lambda: [p.capitalize() for p in some],
    }[kind]()
    if kind in ("verse", "equal", "lyric") and len(lines) > 8:
        return "\n\n".join("\n".join(lines[n : n + 4]) for n in range(0, len(lines), 4))
    return "\n".join(lines)


# Wrapped prose


def wrapped(text, width, how):
    """The lines of a paragraph as a program breaks it.

    `how`: 'words', 'hyphens' (and within words), 'chinese', 'terminal' (a column less), 'loose'
    (marks may begin lines), 'cut' (by characters).
    """
    if how == "hyphens":
        return hyphenated(text, width)
    if how == "words":
        return textwrap.wrap(text, width)
    if how == "cut":
        return [text[n : n + width] for n in range(0, len(text), width)]
    limit = width * 2 if how == "chinese" else width * 2 - 1
    lines, line = [], ""
    for word in re.findall(r"[A-Za-z0-9.\-]+ ?|.", text):
        hangs = word[0] in CLOSING and how != "loose"
        if line and columns(line + word.rstrip()) > limit and not hangs:
            carried = ""
            while line and line[-1] in OPENING and how == "chinese":
                line, carried = line[:-1], line[-1] + carried
            lines.append(line.rstrip())
            line = carried
        line += word
    return [*lines, line] if line else lines


def hyphenated(text, width):
    """Lines with words divided at their ends, as typesetting programs do; an indent stays."""
    indent = text[: len(text) - len(text.lstrip())]
    lines, line = [], ""
    for word in text.split():
        free = width - len(line) - 1
        if line and len(word) > free:
            at = min(free - 1, len(word) - 3)
            if word.isalpha() and at > 2:
                lines.append(f"{line} {word[:at]}-")
                line = word[at:]
            else:
                lines.append(line)
                line = word
        else:
            line = f"{line} {word}" if line else indent * (not lines) + word
    return [*lines, line]


def laid_out(texts, rng, zh, how="", widths=None, indent=None):
    """(wrapped text, the text before) of paragraphs, as one program writes them."""
    how = how or (rng.choice(("chinese", "cut", "terminal")) if zh else "words")
    width = rng.randrange(*(widths or ((30, 41) if zh else (60, 79))))
    indent = rng.choice(("", "　　" if zh else "    ")) if indent is None else indent
    gap = "\n" if indent and rng.random() < 0.5 else "\n\n"
    pages = []
    for text in texts:
        lines = wrapped(indent + text, width, how)
        pages.append("\n".join(lines))
    return gap.join(pages), gap.join(indent + text for text in texts)


def mails(texts, rng, zh):
    """The same for a file of mails that different programs wrapped."""
    parts = []
    for number in range(0, len(texts), 5):
        head = f"Subject: {number}\nDate: 2004-05-{number % 28 + 1:02}\n\n"
        body, before = laid_out(texts[number : number + 5], rng, zh)
        parts.append((head + body + "\n\nN.", head + before + "\n\nN."))
    return "\n\n".join(p for p, _ in parts), "\n\n".join(p for _, p in parts)


def other_layouts(texts, rng, zh):
    """Yield (what, wrapped text, the text before) of paragraphs in less usual layouts."""
    yield "wrapped, narrow", *laid_out(texts, rng, zh, widths=(16, 30) if zh else (36, 60))
    yield "wrapped, wide", *laid_out(texts, rng, zh, widths=(41, 60) if zh else (79, 121))
    yield "wrapped, marks first", *laid_out(texts, rng, zh, how="loose" if zh else "")
    said = [rng.choice(("——", "“") if zh else ("— ", "- ")) + text for text in texts]
    yield "wrapped, dialogue", *laid_out(said, rng, zh)
    if not zh:
        yield "wrapped, hyphens", *laid_out(texts, rng, zh, how="hyphens")
    lines = wrapped(texts[0], 30 if zh else 60, "chinese" if zh else "words")
    quoted, pages = "\n".join("> " + line for line in lines), []
    for part in laid_out(texts[1:] or texts, rng, zh, indent=""):
        pages.append("\n\n".join(f"{quoted}\n\n{text}" for text in part.split("\n\n")))
    yield "wrapped, replies", *pages


def right_breaks(laid, before, after):
    """(breaks, right ones): what stands between two characters where `laid` has a line break."""
    # Hyphens don't count, as a program's are in none of the others.
    laid, before, after = (text.replace("-", "") for text in (laid, before, after))
    gaps_laid, gaps_before, gaps_after = map(_gaps, (laid, before, after))
    places = [n for n, gap in gaps_laid.items() if "\n" in gap]
    if max(gaps_before, default=0) > len(re.sub(r"\s", "", after)):
        return len(places), 0
    right = 0
    for place in places:
        wanted, got = gaps_before.get(place, ""), gaps_after.get(place, "")
        right += ("\n" in wanted) == ("\n" in got) and bool(wanted) == bool(got)
    return len(places), right


def wrong_break(laid, before, after):
    """The text around the first line break of `laid` that comes out wrong; '' if none does."""
    gaps_before, gaps_after = map(_gaps, (before, after))
    position = 0
    for match in re.finditer(r"(\S+)(\s*)", laid.strip()):
        position += len(match[1])
        wanted, got = gaps_before.get(position, ""), gaps_after.get(position, "")
        if "\n" in match[2] and ("\n" in wanted) != ("\n" in got):
            text = laid.strip()
            return f"{text[: match.end(1)][-50:]}⏎{text[match.end() :][:30]}".replace("\n", "⏎")
    return ""


def _gaps(text):
    """{number of characters before it: white space} of a text."""
    gaps, position = {}, 0
    for match in re.finditer(r"(\S+)(\s*)", text.strip()):
        position += len(match[1])
        if match[2]:
            gaps[position] = match[2]
    return gaps


def measure(found, messages, texts, seed=1):
    """({(what, language): (breaks, right)}, {…: wrong breaks with their context}) of N texts."""
    rng, other_rng, results, wrong = random.Random(seed), random.Random(seed), {}, {}

    def count(what, language, pair):
        total, right = results.get((what, language), (0, 0))
        results[what, language] = total + pair[0], right + pair[1]

    for language, prose in found.items():
        zh, pieces = language == "zh", phrases(prose)
        if not pieces:
            continue
        for form, suffix in (("whatsapp", ".txt"), ("qq", ".txt"), ("table", ".csv")):
            count("chats", language, kept_in_chat(*chat(pieces, messages, form, rng), suffix))
        for _ in range(texts):
            lines = own_lines(pieces, rng, zh)
            count("own lines, plain", language, right_breaks(lines, lines, unwrap_text(lines)))
            blocks = unwrap([("text", part) for part in lines.split("\n\n")])
            after = "\n\n".join(text for _, text in blocks)
            count("own lines, Markdown", language, right_breaks(lines, lines, after))
            start = rng.randrange(len(prose))
            size = rng.choice((3, 8, 20))
            laid, before = laid_out(prose[start : start + size], rng, zh)
            both = (
                ("wrapped, plain", laid, before),
                (
                    "wrapped, mails",
                    *mails(prose[start : start + 25], rng, zh),
                ),
            )
            others = other_layouts(prose[start : start + size], other_rng, zh)
            for what, laid, before in (*both, *others):
                after = unwrap_text(laid)
                count(what, language, right_breaks(laid, before, after))
                wrong.setdefault((what, language), []).append(wrong_break(laid, before, after))
    return results, wrong


def main():
    """Read the command line and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folders", nargs="*", type=Path)
    parser.add_argument("--messages", type=int, default=3000)
    parser.add_argument("--texts", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    folders = options.folders or [ROOT / "data_samples", ROOT / "twinlib" / "data" / "voices"]
    results, wrong = measure(paragraphs(folders), options.messages, options.texts, options.seed)
    print("what                  language   breaks    right")
    for (what, language), (total, right) in results.items():
        print(f"{what:21} {language:8} {total:8} {right / total:8.2%}")
    for key, (total, right) in results.items():
        if right < AIM * total:
            print("\n" + WHY.format(what=f"{key[0]}, {key[1]}"))
            for text in list(filter(None, wrong.get(key, ())))[:EXAMPLES]:
                print(f"  {text}")


if __name__ == "__main__":
    main()
