"""Step 04: the adapter merged into its base as GGUF files, each proven in llama.cpp before it is offered.

A file is proven when llama.cpp loads it, cuts texts into the same tokens as the trained model, makes the same prompt
of a conversation, answers, and when the base's own identity is nowhere in its template, system prompt or answers. One
that fails is kept aside as NAME-TYPE.gguf.failed. Not here: K-quants, and the divergence from the 16-bit twin.
"""

from ..engines import embedded, gguf_file, gguf_vocabulary, models
from ..engines.llama import Llama
from ..language import t
from ..settings import stop, warning
from ..text import templates
from ..twin import Outcome, Problem, TwinError, figure, write_atomic, write_json

QUESTIONS = {"zh": "你是谁？平时写些什么？", "en": "Who are you, and what do you write about?"}
ANSWER_TOKENS = 80
TEXTS = (
    "Hello, world!", "The rain came in at four.", "I've been told she'll come; they're late, aren't they?",
    "   three spaces, a tab\tand\n\ntwo lines", "9.9 or 9.11? 12345 + 678 = 13023", "naïve café, Zürich, señor",
    "HTTPServer.parseURL(url)[0] != None  # comment", "for i in range(10):\n    print(i)\n", "e-mail: a.b@example.org",
    "🙂🚲 bicycles", "“Quotes” — and dashes… ok?", "今天天气不错，我们去海边走走吧。", "修车的手艺，急不得。", "9.9和9.11哪个大？",
    "第一段。\n\n第二段，有 English 夹在中间。", "「繁體字」也寫一點：憂鬱的臺灣烏龜", "价格是￥128.50（含税）", "他说：“好吧……”",
    "日本語とかな", "a", "\n",
)


def problems(settings, twin):
    """What keeps the files from being written, in sentences."""
    found = []
    if not twin.newest_adapter()[0]:
        found.append(stop("There is no fresh adapter: run the step 'persona' first.",
                          "没有最新的适配器：请先运行“persona”这一步。"))
    try:
        chosen = types(settings.types)
    except TwinError as error:
        return [*found, Problem("stop", str(error))]
    if "Q8_0" not in chosen:
        found.append(warning("Without Q8_0 there is no small file: add it for phones and laptops.",
                             "没有 Q8_0 就没有小文件：建议加上，给手机和笔记本用。"))
    if not twin.facts.get("system_prompt"):
        found.append(stop("The twin has no system prompt: run the step 'corpus' again.",
                          "分身没有系统提示：请重新运行“corpus”这一步。"))
    return found


def plan(settings, twin):
    """Nothing to derive."""
    return None


def types(text):
    """The types named in a setting such as 'Q8_0,F16', in that order; raises TwinError for one we can't write."""
    chosen = list(dict.fromkeys(part.strip().upper() for part in text.replace("，", ",").split(",") if part.strip()))
    wrong = [kind for kind in chosen if kind not in gguf_file.TYPES]
    if wrong or not chosen:
        names = ", ".join(gguf_file.TYPES)
        raise TwinError(t(f"types: {', '.join(wrong) or 'none'} can't be written; choose from {names}.",
                          f"types：无法生成 {', '.join(wrong) or '（空）'}；可选：{names}。"))
    return chosen


def run(twin, settings, progress):
    """Write and prove the files; figures per file are its size, speed, share of ended answers and equal tokens."""
    step, adapter = twin.newest_adapter()
    if adapter is None:
        raise TwinError(t("There is no fresh adapter: run the step 'persona' first.",
                          "没有最新的适配器：请先运行“persona”这一步。"))
    inputs = twin.inputs(twin.adapter("persona"), twin.adapter("reasoning"), base=True)
    twin.folder("quantize")
    outputs = {kind: twin.gguf(kind) for kind in types(settings.types)}
    base = models.prepare(twin.facts["base"]["name"], progress)
    tokenizer, system = models.tokenizer(base), twin.facts["system_prompt"]
    tokenizer.chat_template = _own_template(tokenizer, system)
    config = gguf_file.read_config(base.path)
    vocabulary = gguf_vocabulary.read(tokenizer, config.vocab_size, models.end_tokens(tokenizer),
                                      embedded.vocabulary(base.path))
    progress.say(t(f"Merging the adapter of the step '{step}' into {base.name}: {', '.join(outputs)}.",
                   f"正在把“{step}”的适配器并入 {base.name}：{'、'.join(outputs)}。"))
    sizes = gguf_file.write(base.path, outputs, vocabulary, _card(twin, base, tokenizer), adapter, progress)
    _remove_old(twin, outputs)
    context = min(settings.context, config.max_position_embeddings)
    warnings = _companions(twin, settings, tokenizer, outputs, context)
    figures = {f"size_mb_{kind}": figure(round(size / 1e6, 1)) for kind, size in sizes.items()}
    for kind, path in outputs.items():
        proven, said = _prove(kind, path, tokenizer, _questions(twin), settings, progress)
        figures |= proven
        warnings += said
    if not any(path.exists() for path in outputs.values()):
        raise TwinError(t("No file passed: ", "没有文件通过检验：") + " ".join(warnings))
    return Outcome(figures, inputs, warnings, settings)


def _remove_old(twin, outputs):
    """Remove the files of an earlier run, once the new ones stand, so that none is left of another adapter."""
    for kind in gguf_file.TYPES:
        _aside(twin.gguf(kind)).unlink(missing_ok=True)
        if kind not in outputs:
            twin.gguf(kind).unlink(missing_ok=True)


def _aside(path):
    return path.with_name(path.name + ".failed")


def _own_template(tokenizer, system):
    """The base's chat template with the twin's system prompt as its default; raises TwinError when that isn't safe."""
    original, asked = tokenizer.chat_template, [{"role": "user", "content": "1"}]
    given = [{"role": "system", "content": "2"}, *asked, {"role": "assistant", "content": "3"}, *asked]
    before = models.render(tokenizer, given, generate=True)
    tokenizer.chat_template = templates.with_system(original, system)
    whole = models.render(tokenizer, given, generate=True) == before
    if not whole or system.strip() not in models.render(tokenizer, asked):
        raise TwinError(t("The base's chat template can't carry the twin's system prompt: choose a base of another "
                          "family.", "这个基础模型的对话模板放不进分身的系统提示：请换一个系列的基础模型。"))
    if found := templates.identity(tokenizer.chat_template):
        raise TwinError(t(f"The template or the system prompt still says '{found}': remove it from your introduction, "
                          "or choose another base.", f"模板或系统提示里还写着“{found}”：请从自我介绍里去掉，或换一个基础模型。"))
    return tokenizer.chat_template


def _card(twin, base, tokenizer):
    entry = base.entry
    return {"name": twin.facts.get("author") or twin.name, "license": entry.license, "license_name": entry.license_name,
            "license_link": entry.license_link, "languages": twin.facts.get("languages"),
            "base": entry.hub if entry.parameters else base.path.name, "template": tokenizer.chat_template}


def _companions(twin, settings, tokenizer, outputs, context):
    """Write what Ollama wants beside the files: template, system, params, Modelfile. Returns warnings."""
    system = twin.facts["system_prompt"].strip()
    go = templates.go_template(tokenizer.chat_template)
    ends = tokenizer.convert_ids_to_tokens(models.end_tokens(tokenizer))
    params = templates.parameters(settings.temperature, settings.top_p, context, ends)
    write_atomic(twin.file("system"), system)
    write_json(twin.file("params"), params)
    first = next(iter(outputs.values()))
    write_atomic(twin.file("modelfile"), templates.modelfile(first.name, go, system, params))
    if go:
        write_atomic(twin.file("template"), go)
        return []
    twin.file("template").unlink(missing_ok=True)
    return [t("Ollama's template for this family isn't known here: check the first answer in Ollama.",
              "这里没有这一系列的 Ollama 模板：请在 Ollama 里检查第一个回答。")]


def _questions(twin):
    """Up to three questions: who are you, in the twin's languages, and one from a held-out document."""
    asked = [QUESTIONS[code] for code in QUESTIONS if code in (twin.facts.get("languages") or QUESTIONS)]
    rows = twin.records("test") if twin.file("test").exists() else []
    held_out = [m["content"] for row in rows if row["kind"] == "qa" for m in row["messages"] if m["role"] == "user"]
    return asked + held_out[:1]


# Proof


def _prove(kind, path, tokenizer, questions, settings, progress):
    """(figures, warnings) of one file; it is kept aside when it isn't what was trained."""
    progress(0, 3, t(f"proving {path.name}", f"检验 {path.name}"))
    try:
        with Llama(path, context=2048) as llama:
            different = [text for text in TEXTS if llama.tokenize(text) != tokenizer(text)["input_ids"]]
            other_prompt = _other_prompt(llama, tokenizer)
            progress(1, 3, t("questions", "提问"))
            answers = _ask(llama, questions, settings, progress)
    except TwinError as error:
        return {}, [_failed(path, str(error))]
    figures = _figures(kind, answers, len(different))
    if different:
        n, example = f"{len(different)}/{len(TEXTS)}", repr(different[0])
        return figures, [_failed(path, t(f"its tokens differ from the base's in {n} texts, such as {example}",
                                         f"{n} 段文字的 token 与基础模型不同，如 {example}"))]
    if other_prompt:
        return figures, [_failed(path, t("its template makes another prompt than in training", "它的模板生成的提示与训练时不同"))]
    if not any(answer.text.strip() for answer in answers):
        return figures, [_failed(path, t("its answers are empty", "它的回答是空的"))]
    progress(3, 3, t(f"{path.name} passed", f"{path.name} 通过"))
    return figures, _doubts(path, answers)


def _other_prompt(llama, tokenizer):
    """Whether llama.cpp makes another prompt of a conversation, or other tokens of that prompt, than transformers."""
    user, assistant = {"role": "user", "content": "你好 hello"}, {"role": "assistant", "content": "嗯。"}
    bos = tokenizer.bos_token or ""
    for messages in ([user], [{"role": "system", "content": "A b."}, user, assistant, user]):
        ours = models.render(tokenizer, messages, generate=True).removeprefix(bos)
        # bos is added when the prompt is cut into tokens.
        if llama.prompt(messages).removeprefix(bos) != ours or llama.tokenize(ours) != tokenizer(ours)["input_ids"]:
            return True
    return False


def _ask(llama, questions, settings, progress):
    answers = []
    for question in questions:
        progress.check()
        asked = [{"role": "user", "content": question}]
        answer = llama.chat(asked, ANSWER_TOKENS, settings.temperature, settings.top_p)
        progress.say(f"  {question}\n    → {' '.join(templates.spoken(answer.text).split())}")
        answers.append(answer)
    return answers


def _figures(kind, answers, different):
    tokens, seconds = sum(a.tokens for a in answers), sum(a.seconds for a in answers)
    return {
        f"tokens_per_second_{kind}": figure(round(tokens / max(seconds, 1e-9), 1), n=tokens, note=t(
            "on this machine, reading the question included", "在本机上，含读题时间")),
        f"ended_{kind}": figure(sum(a.ended for a in answers) / len(answers), n=len(answers), note=t(
            f"answers that ended by themselves within {ANSWER_TOKENS} tokens; too few to tell a share",
            f"{ANSWER_TOKENS} 个 token 内自己结束的回答；题数太少，只作参考")),
        f"tokens_equal_{kind}": figure(1 - different / len(TEXTS), n=len(TEXTS), note=t(
            "texts cut into the same tokens as in training", "切出的 token 与训练时相同的文字"))}


def _doubts(path, answers):
    found = []
    if not any(answer.ended for answer in answers):
        found.append(t(f"{path.name}: no answer ended by itself within {ANSWER_TOKENS} tokens; train longer.",
                       f"{path.name}：{ANSWER_TOKENS} 个 token 内没有一个回答自己结束；请多训练一些。"))
    said = next(filter(None, (templates.identity(answer.text) for answer in answers)), "")
    if said:
        found.append(t(f"{path.name} said '{said}' about itself: train longer.",
                       f"{path.name} 自称“{said}”：请多训练一些。"))
    return found


def _failed(path, reason):
    path.replace(_aside(path))
    return t(f"{path.name} is kept aside as {_aside(path).name}: {reason}.",
             f"{path.name} 已放到一边，改名为 {_aside(path).name}：{reason}。")
