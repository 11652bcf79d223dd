"""Step 04: the adapter merged into its base as GGUF files, each proven in llama.cpp before it is offered.

A file is proven when llama.cpp loads it, cuts texts into the same tokens as the trained model, makes the same prompt
of a conversation, answers, and when the base's own identity is nowhere in its template, system prompt or answers. One
that fails is kept aside as NAME-TYPE.gguf.failed. Not here: K-quants, and the divergence from the 16-bit twin.
"""

from pathlib import Path

from ..engines import embedded, gguf_file, gguf_vocabulary, models
from ..engines.llama import Llama
from ..language import t
from ..settings import stop, warning
from ..text import templates
from ..twin import Outcome, TwinError, figure, write_atomic, write_json

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
        return [*found, stop(str(error), str(error))]
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
    inputs = twin.inputs(adapter, twin.file("facts"), base=True) if False else twin.inputs(adapter, base=True)
    chosen = types(settings.types)
    base = models.prepare(twin.facts["base"]["name"], progress)
    tokenizer = models.tokenizer(base)
    progress.say(t(f"Merging the adapter of the step '{step}' into {base.name}.",
                   f"正在把“{step}”的适配器并入 {base.name}。"))
    original = tokenizer.chat_template
    tokenizer.chat_template = templates.with_system(original, twin.facts["system_prompt"])
    _check_template(original, tokenizer, twin.facts["system_prompt"])
    outputs = _outputs(twin, chosen)
    sizes = gguf_file.write(base.path, outputs, _vocabulary(base, tokenizer), _card(twin, base, tokenizer), adapter,
                            progress)
    _write_companions(twin, settings, tokenizer, outputs, base)
    figures, warnings = _prove_all(twin, outputs, sizes, tokenizer, settings, progress)
    return Outcome(figures, inputs, warnings, settings)
