"""Step 05: how much like the author the twin is, on documents that it never saw; every row answers the same questions.

Rows: the base, the base with the persona prompt, the trained twin, and the twin as each GGUF file. First samples only,
the same settings for all. Answers and scores are kept with the hash of the model that gave them: nothing is computed
twice. Not here yet, and said so in the report: the figures in scorecard.LATER.
"""

import contextlib
import copy
import functools
import json
from importlib import resources

from ..language import t
from ..settings import resolve, stop, warning
from ..text import scorecard, style
from ..text.passages import language_of
from ..twin import Outcome, Problem, TwinError, content_id, read_records, write_records

TOP_P = 0.9
CUT = {"zh": 300, "en": 900}  # characters, about 220 tokens: the longest text that is scored
PREFIX = 50  # tokens given, and tokens asked for, when we look for copies
FEW = 5  # documents; with fewer an interval says little


def problems(settings, twin):
    """What keeps the twin from being measured, in sentences."""
    try:
        return _problems(twin)
    except TwinError as error:
        return [Problem("stop", str(error))]


def _problems(twin):
    found = []
    documents = {passage["document"] for passage in _passages(twin, "test")}
    if not documents or not _questions(twin):
        found.append(stop("No document was held out, so nothing can be measured: give step 01 3 documents or more.",
                          "没有留出的文章，没法测：第 01 步至少需要 3 篇文章。"))
    elif len(documents) < FEW:
        found.append(_few(documents))
    if not twin.newest_adapter()[0]:
        found.append(stop("There is no fresh adapter: run the step 'persona' first.",
                          "没有最新的适配器：请先运行“persona”这一步。"))
    if not _ggufs(twin):
        found.append(warning("There is no GGUF file, so its row is left out: run the step 'quantize' first to have it.",
                             "还没有 GGUF 文件，表里会少这一行：想要的话先运行“quantize”这一步。"))
    elif twin.state("quantize").name == "stale":
        found.append(warning("The GGUF files are older than the adapter: run the step 'quantize' again for a fair row.",
                             "GGUF 文件比适配器旧：请重新运行“quantize”，这一行才公平。"))
    return found


def _few(documents):
    return warning(f"Too few to tell: {len(documents)} held-out documents; read the intervals as wider than they are.",
                   f"只留出了 {len(documents)} 篇文章，太少，说不准；实际的误差比区间更大。")


def plan(settings, twin):
    """How many questions and tokens, with memory and time."""
    from ..engines import hardware

    return hardware.plan("evaluate", settings, hardware.machine(), {"base": twin.facts.get("base", {}).get("name")})


def run(twin, settings, progress):
    """Answer, score, compare; figures are named as in DESIGN.md, one of a row as NAME.ROW (the twin's without)."""
    from ..engines import models

    stops = [problem for problem in problems(settings, twin) if problem.level == "stop"]
    if stops:
        raise TwinError(stops[0].text)
    settings = resolve(settings, plan(settings, twin).values)
    adapter = twin.newest_adapter()[1]
    ggufs = _ggufs(twin)
    made = ggufs.values() or [twin.gguf("Q8_0")]
    inputs = twin.inputs(twin.file("passages"), twin.file("test"), twin.adapter("persona"), twin.adapter("reasoning"),
                         *made, base=True)
    questions = _spread(_questions(twin), settings.questions)
    mine = _spread(_cut(_passages(twin, "test")), 2 * settings.questions)
    train = _passages(twin, "train")
    theirs = _others(mine, train)
    starts = _spread(train, max(8, settings.questions))
    total = (3 + len(ggufs)) * len(questions) + 2 * len(mine + theirs) + len(starts)
    keep = Keeper(twin, progress, total, 32 if models.device() == "cuda" else 8)
    asked = conversations(twin, questions)
    answers, gains, copies = _measure_torch(twin, settings, adapter, asked, mine + theirs, starts, keep)
    for kind, path in ggufs.items():
        answers[f"twin-{kind}"] = _gguf_answers(twin, settings, kind, path, asked["twin"], keep)
    keep.only([answer for row in answers.values() for answer in row])
    for text, gain in zip(mine + theirs, gains):
        text["gain"] = gain
    figures, warnings = _figures(twin, questions, answers, (mine, theirs), copies, train)
    return Outcome(figures, inputs, warnings, settings)


def _figures(twin, questions, answers, texts, copies, train):
    """(figures, warnings), in the order of the score card."""
    asked = conversations(twin, questions)
    rows = {name: [{**question, "text": answer["text"], "prompt": "\n".join(turn["content"] for turn in told)}
                   for question, answer, told in zip(questions, row, asked[name.split("-")[0]])]
            for name, row in answers.items()}
    own = [answer for name, row in rows.items() if name.startswith("twin") for answer in row]
    held_out = _passages(twin, "test")
    known = {language: style.voice([p["text"] for p in train if p["language"] == language], voices(language), language)
             for language in {question["language"] for question in questions}}
    copied, warnings = scorecard.copied(copies, [p["text"] for p in held_out], [p["text"] for p in train], own)
    likeness = {name: scorecard.sounds_like_me(known, row, rows["base"], name) for name, row in rows.items()}
    figures = {"prediction_gain": scorecard.prediction_gain(*texts), **_named("sounds_like_me", likeness), **copied,
               "personal_data": scorecard.personal_data(own), **_named("nonsense", scorecard.nonsense(rows)),
               **scorecard.later()}
    beaten = scorecard.prompt_beats_twin(figures)
    documents = {passage["document"] for passage in held_out}
    few = [_few(documents).text] if len(documents) < FEW else []
    return figures, ([beaten] if beaten else []) + few + warnings


def _named(name, rows):
    """{NAME: the twin's figure, NAME.ROW: each other row's}."""
    return {name: rows["twin"]} | {f"{name}.{row}": found for row, found in rows.items() if row != "twin"}


# What is measured on


def _passages(twin, split):
    return [{**passage, "language": language_of(passage["text"])}
            for passage in twin.records("passages") if passage["split"] == split]


def _questions(twin):
    """[{question, id, document, language, real, messages}] of the held-out documents, each question once."""
    passages = {passage["id"]: passage for passage in _passages(twin, "test")}
    found = {}
    for row in twin.records("test"):
        if row["kind"] == "qa" and row["passage"] in passages:
            passage, question = passages[row["passage"]], row["messages"][-2]["content"]
            found.setdefault(question, {
                "id": row["id"], "question": question, "document": passage["document"],
                "language": passage["language"], "real": row["messages"][-1]["content"],
                "messages": row["messages"][:-1]})
    return list(found.values())


def conversations(twin, questions):
    """{row: conversations}: each row's way of asking the same questions."""
    asked = [question["messages"][-1:] for question in questions]
    persona = {"role": "system", "content": twin.facts.get("persona_prompt", "")}
    return {"base": asked, "prompt": [[persona, *turn] for turn in asked],
            "twin": [question["messages"] for question in questions]}


def _spread(items, most):
    """At most so many items, taken from the documents in turn: each document's first, then each one's second."""
    places, seen = [], {}
    for item in items:
        seen[item["document"]] = seen.get(item["document"], -1) + 1
        places.append(seen[item["document"]])
    order = sorted(range(len(items)), key=lambda i: places[i])
    return [items[i] for i in order[:most]]


def _cut(passages):
    return [{**passage, "text": passage["text"][:CUT[passage["language"]]]} for passage in passages]


def voices(language):
    """{name: text} of the invented other people in a language."""
    folder = resources.files("twinlib") / "voices"
    ending = f".{language}.txt"
    return {file.name.removesuffix(ending): file.read_text(encoding="utf-8")
            for file in sorted(folder.iterdir(), key=lambda file: file.name) if file.name.endswith(ending)}


def _others(mine, train):
    """As many texts of other people as `mine` has in each language, where there are so many; a voice is a document."""
    found = []
    typed = "".join(passage["text"] for passage in train)
    for language, size in CUT.items():
        wanted = sum(passage["language"] == language for passage in mine)
        texts = [{"document": name, "language": language, "text": style.typed_like(text[i:i + size], typed)}
                 for name, text in voices(language).items() for i in range(0, len(text) - size // 2, size)]
        found += _spread(texts, wanted)
    return found


def _ggufs(twin):
    """{type: path} of the GGUF files that are there, Q8_0 first."""
    pattern = twin.gguf("*").name
    before, after = pattern.split("*")
    found = {path.name.removeprefix(before).removesuffix(after): path
             for path in twin.folder("quantize").glob(pattern)}
    return dict(sorted(found.items(), key=lambda item: (item[0] != "Q8_0", item[0])))


# Answers and scores, each computed once


class Keeper:
    """Computes records in portions and keeps each by (id, hash of the model and its settings) in the twin folder."""

    def __init__(self, twin, progress, total, portion):
        self.twin, self.progress, self.total, self.portion = twin, progress, total, portion
        self.done = 0
        self.kept = {}
        for key in ("answers", "scores"):
            path = twin.file(key)
            records = read_records(path, "evaluate") if path.exists() else []
            self.kept[key] = {(record["id"], record["model_sha"]): record for record in records}

    def __call__(self, key, model_sha, wanted, make, note):
        """The records of `wanted` ({id: item}) in its order; make(items) gives the missing ones' fields."""
        kept = self.kept[key]
        missing = [i for i in wanted if (i, model_sha) not in kept]
        self._advance(len(wanted) - len(missing), note)
        for start in range(0, len(missing), self.portion):
            part = missing[start:start + self.portion]
            for i, fields in zip(part, make([wanted[i] for i in part])):
                kept[i, model_sha] = {"id": i, **fields, "model_sha": model_sha}
            write_records(self.twin.file(key), kept.values())
            self._advance(len(part), note)
        return [kept[i, model_sha] for i in wanted]

    def _advance(self, count, note):
        self.done += count
        self.progress(self.done, self.total, note)

    def only(self, answers):
        """Leave only these answers in the file that people read."""
        write_records(self.twin.file("answers"), answers)


def _answers(row, model_sha, settings, asked, answer, keep):
    """The row's answers; `answer` takes conversations and sampling settings and gives objects with text and ended."""
    sampling = {"max_tokens": settings.answer_tokens, "temperature": settings.temperature, "top_p": TOP_P,
                "seed": settings.seed}
    wanted = {content_id(row + json.dumps(messages)): messages for messages in asked}

    def make(items):
        return [{"question": messages[-1]["content"], "row": row, "text": one.text, "ended": one.ended}
                for messages, one in zip(items, answer(items, **sampling))]

    return keep("answers", content_id(f"{model_sha} {sampling}"), wanted, make, t(f"answers: {row}", f"回答：{row}"))


def _measure_torch(twin, settings, adapter, asked, texts, starts, keep):
    """({row: answers}, gains of `texts` in nats, continuations of `starts`): one model, its adapter off and on."""
    from ..engines import models

    base = models.prepare(twin.facts["base"]["name"], keep.progress)
    report = twin.report("persona")
    use = _switch(base, adapter, (report.settings if report else {}).get("precision", "auto"))
    plain, trained = base.revision, f"{base.revision} {twin.hash(adapter)}"
    rows = {"base": _answers("base", plain, settings, asked["base"], use(models.generate, False), keep),
            "prompt": _answers("prompt", plain, settings, asked["prompt"], use(models.generate, False), keep),
            "twin": _answers("twin", trained, settings, asked["twin"], use(models.generate, True), keep)}
    before = _nats(plain, use(models.nll, False), texts, keep)
    after = _nats(trained, use(models.nll, True), texts, keep)
    copies = _continuations(trained, models.tokenizer(base), use(models.generate, True), starts, keep)
    return rows, [a - b for a, b in zip(before, after)], copies


def _switch(base, adapter, precision):
    """use(function, trained): function(model, tokenizer, …) with the adapter on or off; loaded at the first call."""
    from ..engines import models

    loaded = functools.cache(lambda: models.load(base, adapter, precision))

    def use(function, trained):
        def called(*arguments, plain=None, **named):
            model, tokenizer = loaded()
            with contextlib.nullcontext() if trained else model.disable_adapter():
                return function(model, plain or tokenizer, *arguments, **named)
        return called

    return use


def _nats(model_sha, nll, texts, keep):
    def make(texts):
        return [{"kind": "nats", "nats": nats} for nats, _ in nll(texts, length=2048, batch=2)]

    wanted = {content_id(text["text"]): text["text"] for text in texts}
    found = keep("scores", model_sha, wanted, make, t("surprise at held-out writing", "对未见文字的意外程度"))
    nats = {record["id"]: record["nats"] for record in found}
    return [nats[content_id(text["text"])] for text in texts]


def _continuations(model_sha, tokenizer, generate, starts, keep):
    """[{text, true, language}]: how the model goes on, greedily, from the first tokens of training passages."""
    plain = copy.copy(tokenizer)  # a conversation of one turn, rendered as nothing but its text
    plain.chat_template = "{{ bos_token or '' }}{{ messages[0]['content'] }}"
    pairs = {}
    for passage in starts:
        ids = tokenizer(passage["text"], add_special_tokens=False)["input_ids"][:2 * PREFIX]
        if len(ids) == 2 * PREFIX:
            first = tokenizer.decode(ids[:PREFIX])
            pairs[content_id(f"continue {first}")] = (first, tokenizer.decode(ids[PREFIX:]), passage["language"])

    def make(items):
        said = generate([[{"role": "user", "content": first}] for first, _, _ in items], plain=plain,
                        max_tokens=PREFIX, temperature=0)
        return [{"kind": "continuation", "text": one.text, "true": true, "language": language}
                for one, (_, true, language) in zip(said, items)]

    return keep("scores", model_sha, pairs, make, t("copies of the training texts", "有没有照抄训练文字"))


def _gguf_answers(twin, settings, kind, path, asked, keep):
    from ..engines.llama import Llama

    def answer(conversations, **sampling):  # loaded only when an answer is missing
        with Llama(path) as llama:
            return llama.chat_many(conversations, **sampling)

    return _answers(f"twin-{kind}", twin.hash(path), settings, asked, answer, keep)


# What a person reads


def side_by_side(twin):
    """[{question, real, ROW: text…}] of the last run, to read next to each other; [] before the first run."""
    if not twin.file("answers").exists():
        return []
    found = {question["question"]: {"question": question["question"], "real": question["real"]}
             for question in _questions(twin)}
    for answer in twin.records("answers"):
        found.get(answer["question"], {})[answer["row"]] = answer["text"]
    return [page for page in found.values() if len(page) > 2]
