"""Step 01, corpus: a folder of writing becomes documents, passages and honest training rows.

Read, clean, drop with a reason, mask, split by whole document, cut into passages, ask. What the owner decided
(decisions.json, by id) is applied on every run: a document can be dropped, restored or edited, a part restored, a row
or a passage's rows dropped or edited ({"action": "edit", "question": …, "text": …}).
"""

import csv
import io
import re
import time
from collections import Counter
from dataclasses import fields
from pathlib import Path

from ..language import t
from ..settings import parse, stop, warning
from ..text import clean, pairs, privacy, questions, readers
from ..text.passages import language_of, passages, split_of
from ..twin import Outcome, Problem, TwinError, figure, write_atomic, write_json, write_records

DOCUMENT = ("id", "title", "text", "date", "source", "author", "language", "kind")
PASSAGE = ("id", "document", "text", "tokens_estimate", "split")
FEW_PASSAGES, FEW_HELD_OUT = 20, 5
REASONS = {  # what a person reads in dropped.csv
    "empty": ("empty", "空文件"), "binary": ("not text", "不是文本"), "large": ("over 20 MB", "超过 20 MB"),
    "unreadable": ("cannot be opened", "打不开"), "damaged": ("damaged archive", "压缩包已损坏"),
    "bomb": ("unpacks to far too much", "解压后大得离谱"), "unsafe": ("leads out of the archive", "路径指向压缩包外"),
    "locked": ("needs a password", "需要密码"), "draft": ("draft", "草稿"), "short": ("too short", "太短"),
    "duplicate": ("duplicate of another text", "与另一篇重复"), "owner": ("you dropped it", "您删掉的"),
    "quote": ("somebody else's words", "引用别人的话"), "code": ("code", "代码"), "table": ("table", "表格"),
    "footnote": ("footnote", "脚注"), "footer": ("call to subscribe", "求关注的话"), "byline": ("byline", "署名")}
KINDS = {"document": ("document", "文章"), "quote": ("quotation", "引文"), "code": ("code", "代码"),
         "table": ("table", "表格"), "footnote": ("footnote", "脚注"),
         "footer": ("footer", "页脚"), "byline": ("byline", "署名")}
PASSED = {"hidden": ("hidden", "隐藏文件"), "link": ("links", "链接"), "cache": ("caches", "缓存"),
          "twin": ("twins", "分身文件夹"), "about": ("README and the like", "README 之类"),
          "image": ("pictures and sound", "图片声音"), "archive": ("nested archives", "套中套的压缩包"),
          "later": ("formats not read yet", "还不能读的格式"), "other": ("other files", "其他文件")}


def problems(settings, twin):
    """What stands against a run: no folder, nothing to read, numbers out of range; no consent is a warning."""
    found = []
    for f in fields(settings):
        try:
            parse(f, getattr(settings, f.name))
        except ValueError as error:
            found.append(Problem("stop", str(error)))
    return found + _source_problems(settings.source) + _consent_problems(settings)


def _source_problems(source):
    path = Path(source).expanduser()
    if not source or not path.exists():
        return [stop(f"There is no folder '{source}': choose the folder or zip that holds your writing.",
                     f"找不到文件夹“{source}”：请选择放着您文字的文件夹或 zip。")]
    try:
        anything = next(iter(readers.files(path, Counter())), None)
    except OSError:
        anything = None
    if anything is None:
        return [stop(f"There is no Markdown, text or zip file in '{source}': put some writing there, or choose another "
                     "folder.", f"“{source}”里没有 Markdown、文本或 zip 文件：请放进一些文字，或换一个文件夹。")]
    return []


def _consent_problems(settings):
    if settings.consent:
        return []
    return [warning("You haven't confirmed that these are your own words, or that you may use them: everything on this "
                    "machine works, publishing will not.",
                    "您还没有确认这些是自己的文字或已得到同意：本机的步骤都能用，但不能发布。")]


def plan(settings, twin):
    """Nothing to derive here."""
    return None


def run(twin, settings, progress):
    """Make documents, passages and rows; see `problems` first. Raises TwinError when nothing is left to learn from."""
    source = Path(settings.source).expanduser()
    if not twin.file("decisions").exists():
        write_json(twin.file("decisions"), {})
    inputs = twin.inputs(source, twin.file("decisions"))
    decisions, ignored = _sound(twin.decisions())
    reading = readers.read(source, lambda done, total: progress(done, total, t("reading", "读取")))
    author = settings.author or twin.name
    documents, dropped = _clean(reading, settings, decisions, author, progress)
    documents, groups = _without_duplicates(documents, dropped, decisions)
    if not documents:
        raise TwinError(_nothing(source, dropped))
    personal = _mask(documents, settings)
    progress.check()
    pieces = _passages(documents, split_of(groups), settings.passage_tokens, author)
    facts = _remember(twin, settings, author, pieces)
    made = _decided(pairs.rows(pieces, author, facts["system_prompt"], settings.raw_share, settings.abstain), decisions)
    _write(twin, documents, dropped, pieces, made)
    figures = _figures(reading, documents, dropped, pieces, made, personal)
    return Outcome(figures, inputs, ignored + _warnings(reading, pieces, documents), settings)


def _sound(decisions):
    """({id: decision} of those that can be followed, warnings): the file may have been edited by hand."""
    sound = {name: decision for name, decision in decisions.items() if isinstance(decision, dict) and all(
        isinstance(decision.get(key, ""), str) for key in ("action", "text", "question"))}
    wrong = ", ".join(name for name in decisions if name not in sound)
    return sound, [t(f"Decisions that can't be read were ignored: {wrong}. Mend or delete them in decisions.json.",
                     f"有看不懂的决定，已忽略：{wrong}。请在 decisions.json 里改正或删除。")] if wrong else []


def _clean(reading, settings, decisions, author, progress):
    """(documents kept so far, everything dropped): markup, drafts, short texts, and what the owner decided."""
    kept, dropped = [], list(reading.dropped)
    restored = frozenset(name for name, decision in decisions.items() if decision.get("action") == "restore")
    for number, raw in enumerate(reading.documents, 1):
        progress(number, len(reading.documents), t("cleaning", "清洗"))
        action = decisions.get(raw["id"], {}).get("action")
        cleaned = clean.clean(raw["text"], raw["markdown"], restored, raw["author"] or author)
        text = decisions[raw["id"]].get("text", cleaned.text) if action == "edit" else cleaned.text
        reason = _why_not(raw, text, action, settings.short)
        if reason:
            dropped.append(readers.Dropped(raw["source"], "document", reason, text or raw["text"], raw["id"]))
            continue
        dropped += [readers.Dropped(raw["source"], part.what, part.what, part.text, part.id) for part in cleaned.parts]
        title = raw["title"] or cleaned.title or raw["fallback"]
        kept.append({**raw, "title": " ".join(title.split()), "text": text, "author": raw["author"] or author,
                     "language": language_of(text)})
    return kept, dropped


def _why_not(raw, text, action, shortest):
    """The reason to leave a document out, or None; the owner's word comes before ours."""
    if action == "drop":
        return "owner"
    if action in ("restore", "edit") and text:
        return None
    if raw["draft"]:
        return "draft"
    return "short" if len(re.sub(r"\s", "", text)) < max(shortest, 1) else None


def _without_duplicates(documents, dropped, decisions):
    """(documents, {document id: group id}): of near-duplicates the earliest stays, and those the owner wants.

    Documents that share half of the shorter one are of one group, which is never split.
    """
    group = {d["id"]: d["id"] for d in documents}
    gone = set()
    for i, j, jaccard, _ in clean.similar([d["text"] for d in documents]):
        first, second = documents[i], documents[j]
        both = {group[first["id"]], group[second["id"]]}
        group = {name: min(both) if g in both else g for name, g in group.items()}
        loser = max((first, second), key=lambda d: (d["date"] or "9999", -len(d["text"]), d["source"]))
        wanted = decisions.get(loser["id"], {}).get("action") in ("restore", "edit")
        if jaccard >= 0.5 and not wanted and not gone & {first["id"], second["id"]}:
            gone.add(loser["id"])
            dropped.append(readers.Dropped(loser["source"], "document", "duplicate", loser["text"], loser["id"]))
    kept = [d for d in documents if d["id"] not in gone]
    return kept, {d["id"]: group[d["id"]] for d in kept}


def _mask(documents, settings):
    """Mask the documents' texts and titles in place; how much of each kind was found."""
    seen, names, counts = {}, privacy.private_names(settings.names), Counter()
    for document in documents if settings.mask else []:
        for key in ("text", "title"):
            document[key], found = privacy.mask(document[key], document["language"], seen, names)
            counts.update(found)
    return counts


def _passages(documents, splits, limit, author):
    pieces = [{**p, "split": splits[d["id"]], "author": author} for d in documents for p in passages(d, limit)]
    terms = questions.topics(pieces)
    return [{**p, "terms": terms[p["id"]]} for p in pieces]


def _remember(twin, settings, author, pieces):
    """Keep in twin.json what later steps need; consent with the time when it was first given."""
    tokens = Counter()
    for p in pieces:
        tokens[p["language"]] += p["tokens_estimate"]
    languages = [name for name, n in tokens.most_common() if n >= 0.05 * sum(tokens.values())]
    system = pairs.system_prompt(author, languages)
    consent = twin.facts.get("consent") or {}
    if settings.consent != bool(consent.get("given")) or not consent:
        consent = {"given": settings.consent, "when": time.time() if settings.consent else None}
    twin.remember(author=author, introduction=settings.introduction, languages=languages, system_prompt=system,
                  consent=consent, persona_prompt=pairs.persona_prompt(system, settings.introduction, pieces))
    return twin.facts


def _decided(rows, decisions):
    """Rows without those that the owner dropped, and with what the owner edited."""
    kept = []
    for row in rows:
        decision = decisions.get(row["id"]) or decisions.get(row["passage"]) or {}
        if decision.get("action") == "edit":
            changed = {"user": decision.get("question"), "assistant": decision.get("text")}
            row["messages"] = [{**m, "content": changed.get(m["role"]) or m["content"]} for m in row["messages"]]
            row["source"] = "owner"
        if decision.get("action") != "drop":
            kept.append(row)
    return kept


def _write(twin, documents, dropped, pieces, rows):
    write_records(twin.file("documents"), [{key: d[key] for key in DOCUMENT} for d in documents])
    write_records(twin.file("passages"), [{key: p[key] for key in PASSAGE} for p in pieces])
    for split in ("train", "val", "test"):
        write_records(twin.file(split), [row for row in rows if row["split"] == split])
    table = io.StringIO()
    writer = csv.writer(table, lineterminator="\n")
    writer.writerow(("document", "what", "reason", "text", "characters", "id"))
    for d in dropped:
        start, _ = privacy.mask(" ".join(d.text.split())[:80], language_of(d.text), {})
        writer.writerow((d.document, t(*KINDS[d.what]), t(*REASONS[d.reason]), start, len(d.text), d.id))
    write_atomic(twin.file("dropped"), table.getvalue())


def _figures(reading, documents, dropped, pieces, rows, personal):
    texts = [d for d in dropped if d.what == "document"]
    splits = Counter(p["split"] for p in {p["document"]: p for p in pieces}.values())
    kinds = Counter(row["kind"] for row in rows)
    found = {
        "documents": figure(len(documents), note=_listed(Counter(d["language"] for d in documents))),
        "dropped": figure(len(texts), n=len(texts) + len(documents),
                          note=_listed(Counter(t(*REASONS[d.reason]) for d in texts))),
        "parts_dropped": figure(len(dropped) - len(texts), note=_listed(
            Counter(t(*KINDS[d.what]) for d in dropped if d.what != "document"))),
        "passed_over": figure(sum(reading.passed.values()), note=_listed(
            Counter({t(*PASSED[sort]): n for sort, n in reading.passed.items()}))),
        "passages": figure(len(pieces)), "rows": figure(len(rows), note=_listed(kinds)),
        "characters_in": figure(sum(len(d["text"]) for d in reading.documents)),
        "characters_kept": figure(sum(len(d["text"]) for d in documents)),
        "tokens": figure(sum(p["tokens_estimate"] for p in pieces), note=t("an estimate", "估计值")),
        "personal_data": figure(sum(personal.values()), note=_listed(
            Counter({t(kind, privacy.LABELS[kind]): n for kind, n in personal.items()})))}
    return found | {f"{split}_documents": figure(splits[split]) for split in ("train", "val", "test")}


def _listed(counts):
    return ", ".join(f"{name} {n}" for name, n in sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def _warnings(reading, pieces, documents):
    found = []
    train = sum(p["split"] == "train" for p in pieces)
    held = sum(p["split"] == "test" for p in pieces)
    if train < FEW_PASSAGES:
        found.append(t(f"Only {train} passages to learn from: under about {FEW_PASSAGES}, training will not help. "
                       "Add more writing, or use the persona prompt alone.",
                       f"只有 {train} 段可学：少于大约 {FEW_PASSAGES} 段，训练没有用。请多放些文字，或者只用提示词。"))
    if held < FEW_HELD_OUT:
        found.append(t(f"Only {held} passages are held out for the exam: its figures will say 'too few to tell'. More "
                       "documents help.", f"留作考试的只有 {held} 段：分数会显示“太少，看不出来”。多放几篇文章就好。"))
    authors = {d["author"] for d in documents}
    if len(authors) > 1:
        names = ", ".join(sorted(authors)[:4])
        found.append(t(f"The texts name several authors ({names}): take out what isn't yours.",
                       f"文章署了不同的名字（{names}）：请去掉不是您写的。"))
    if reading.passed["later"]:
        found.append(t(f"{reading.passed['later']} files (HTML, PDF, Word and the like) can't be read yet: save them "
                       "as text or Markdown to use them.",
                       f"有 {reading.passed['later']} 个文件（HTML、PDF、Word 等）还读不了：请另存为文本或 Markdown。"))
    return found


def _nothing(source, dropped):
    why = _listed(Counter(t(*REASONS[d.reason]) for d in dropped if d.what == "document"))
    why = why or t("no text files", "没有文本文件")
    return t(f"Nothing in {source} can be learnt from ({why}): add longer texts in Markdown or plain text.",
             f"{source} 里没有可学的文字（{why}）：请放一些更长的 Markdown 或文本文件。")
