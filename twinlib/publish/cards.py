"""Model and dataset cards: facts in, Markdown text out, English first, then the same in Chinese.

A card says what the model is and is not, whose voice it has, how to run it, what it inherits from its base, how it
was trained and what was measured. Whatever comes from the owner or from a text is escaped; the YAML head is written
by a YAML library. Fields of the head: https://huggingface.co/docs/hub/model-cards.
"""

import re
import time
from dataclasses import dataclass, field, fields

import yaml

from ..models import device_fit
from ..models.device_fit import recommended_type
from ..settings import SETTINGS, texts
from ..text import labels
from ..text.formatting import escape, fenced, number, size, table

HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")
ENGLISH, CHINESE = (lambda en, zh: en), (lambda en, zh: zh)
UNTOLD = {"base", "problems"}  # settings that may be a path of the owner's machine

# Of the other steps' figures, those that a reader of the card can use; corpus notes hold words of the texts.
TOLD = {
    "persona": ("rows", "steps", "val_loss_before", "val_loss"),
    "reasoning": ("steps", "accuracy_before", "accuracy_after"),
    "corpus": ("documents", "passages", "rows", "characters_kept", "tokens", "personal_data"),
}

# What a licence asks to be said beside a changed model: (start of its hub id, notice file, line on the card).
NOTICES = (
    (
        "gemma",
        "Gemma is provided under and subject to the Gemma Terms of Use found at ai.google.dev/gemma/terms\n"
        "Use is restricted by the Gemma Prohibited Use Policy found at ai.google.dev/gemma/prohibited_use_policy\n",
        "",
    ),
    *(
        (
            f"llama{version}",
            f"Llama {version} is licensed under the Llama {version} Community License, Copyright © Meta "
            "Platforms, Inc. All Rights Reserved.\n",
            "Built with Llama",
        )
        for version in ("3.1", "3.2", "3.3")
    ),
    (
        "llama3",
        "Meta Llama 3 is licensed under the Meta Llama 3 Community License, Copyright © Meta Platforms, Inc. "
        "All Rights Reserved.\n",
        "Built with Meta Llama 3",
    ),
    (
        "qwen-research",
        "Qwen is licensed under the Qwen RESEARCH LICENSE AGREEMENT, Copyright (c) Alibaba Cloud. "
        "All Rights Reserved.\n",
        "Built with Qwen",
    ),
)


@dataclass(frozen=True)
class Facts:
    """What a card is made from. `base` is a catalogue.Entry; sizes are bytes; figures are as reports hold them."""

    name: str
    author: str
    user: str
    base: object
    revision: str = ""
    languages: tuple = ()
    private: bool = True
    consent: dict = field(default_factory=dict)
    system_prompt: str = ""
    files: dict = field(default_factory=dict)  # {GGUF file name: bytes}
    types: tuple = ()  # quantization types of these files
    sampling: dict = field(default_factory=dict)  # what Ollama's params file holds
    settings: dict = field(default_factory=dict)  # {step: settings of its report}
    figures: dict = field(default_factory=dict)  # {step: figures of its report}
    passages: dict = field(default_factory=dict)  # {split: number}, for the dataset card
    published: tuple = ()  # kinds of repositories that go along: gguf, adapter, corpus


def repository(name, kind):
    """The repository of a kind: NAME-GGUF, NAME-lora or NAME-corpus."""
    return name + {"gguf": "-GGUF", "adapter": "-lora", "corpus": "-corpus"}[kind]


def hub_id(base):
    """The base's id on the hub, or '' when it is a folder on the owner's machine."""
    hub = getattr(base, "hub", "") or ""
    return hub if HUB_ID.fullmatch(hub) else ""


def address(facts, kind, say):
    """USER/REPOSITORY; before the user is known, with a placeholder that no command takes for a name."""
    return f"{facts.user or say('<YOUR-NAME>', '<您的用户名>')}/{repository(facts.name, kind)}"


def commands(facts, say):
    """The lines that run the GGUF repository: Ollama, llama.cpp."""
    repo, kind = (
        address(facts, "gguf", say),
        recommended_type(facts.types, facts.figures.get("quantize")),
    )
    return [f"ollama run hf.co/{repo}:{kind}", f"llama-server -hf {repo}:{kind}"]


def lm_studio(facts, say):
    """How LM Studio gets at the GGUF repository."""
    repo = address(facts, "gguf", say)
    return say(f"In LM Studio, search for `{repo}`.", f"在 LM Studio 里搜索 `{repo}`。")


# The licence that comes with the base


def licence(base):
    """The licence fields of the head: {license, license_name, license_link}, as far as they are known."""
    known, link = getattr(base, "license", None), getattr(base, "license_link", None)
    if known and known != "other":
        return {"license": known}
    name = re.sub(r"[^a-z0-9.]+", "-", (getattr(base, "license_name", None) or "").lower()).strip(
        "-"
    )
    link = link or (f"https://huggingface.co/{hub_id(base)}" if hub_id(base) else "")
    return (
        {"license": "other", "license_name": name or "see-base-model", "license_link": link}
        if link
        else {}
    )


def licence_name(base):
    """What the licence is called, or '' when it is not known."""
    known = getattr(base, "license_name", None) or getattr(base, "license", None) or ""
    return "" if known == "other" else known


def notice(base):
    """(text of the NOTICE file, line for the card) that the base's licence asks for; ('', '') when it asks for none."""
    names = (
        " ".join(str(getattr(base, key, "") or "") for key in ("license", "license_name"))
        .lower()
        .replace(" ", "-")
    )
    for start, text, line in NOTICES:
        if re.search(rf"(^|-){re.escape(start)}(?![\d.])", names):
            made_from = hub_id(base) or "the base model"
            return (
                f"{text}The files here were modified: {made_from} was fine-tuned and converted.\n",
                line,
            )
    return "", ""


# The head


def head(facts, kind):
    """The YAML head of the GGUF or adapter card, as a dict."""
    data = dict(licence(facts.base))
    data["language"] = [code for code in facts.languages if re.fullmatch("[a-z]{2,3}", code)]
    data["library_name"] = {"gguf": "gguf", "adapter": "peft"}[kind]
    data["pipeline_tag"] = "text-generation"
    if hub_id(facts.base):
        data["base_model"] = hub_id(facts.base)
        data["base_model_relation"] = {"gguf": "quantized", "adapter": "adapter"}[kind]
    if "corpus" in facts.published:
        data["datasets"] = [address(facts, "corpus", ENGLISH)]
    data["tags"] = [{"gguf": "gguf", "adapter": "lora"}[kind], "conversational", "another-me"]
    return {key: value for key, value in data.items() if value}


def page(data, *parts):
    """A whole card: the head as YAML, then the parts, a blank line between them."""
    dumped = yaml.safe_dump(data, allow_unicode=True, sort_keys=False, width=1000)
    return f"---\n{dumped}---\n\n" + "\n\n".join(part for part in parts if part) + "\n"


# Tables


def short_rows(facts, step, say):
    """Rows (name, value) of the figures of a step that are told."""
    figures = facts.figures.get(step, {})
    return [
        [say(*labels.figure(name, step).values()), _value(figures[name], say)]
        for name in TOLD[step]
        if name in figures
    ]


def _value(figure, say):
    return say("not measured", "未测") if figure.get("value") is None else number(figure["value"])


def figure_rows(figures, say):
    """Rows (name, value, interval, n, meaning) of the evaluation; 'not measured' where there is no value.

    The figures' notes stay out: they speak to the owner, in the language of the run.
    """
    rows = []
    for name, figure in figures.items():
        low, high = figure.get("low"), figure.get("high")
        between = (
            "" if low is None or high is None else f"{number(low)} {say('to', '至')} {number(high)}"
        )
        count = "" if figure.get("n") is None else number(figure["n"])
        rows.append(
            [
                escape(say(*labels.figure(name).values())),
                _value(figure, say),
                between,
                count,
                say(*labels.meaning(name).values()),
            ]
        )
    return rows


def setting_rows(step, values, say):
    """Rows (label, value) of a step's settings, in the words of its form; paths are left out."""
    known = {f.name for f in fields(SETTINGS[step])}
    told = {name: value for name, value in values.items() if name in known and name not in UNTOLD}
    switch = {True: say("yes", "是"), False: say("no", "否")}
    return [
        [
            escape(say(*texts(step, name)["label"].values())),
            switch[value] if isinstance(value, bool) else number(value),
        ]
        for name, value in told.items()
        if value not in ("", None)
    ]


# The sections; each is written once, in both languages, and `say` picks one


def _opening(facts, say, kind):
    author = escape(facts.author)
    what = say(
        f"A language model that answers in the voice of **{author}**, trained on their writing.",
        f"一个用 **{author}** 的文字训练、以其口吻回答的语言模型。",
    )
    if kind == "adapter":
        what += say(
            " This repository holds the LoRA adapter only; it needs its base model.",
            "本仓库只有 LoRA 适配器，需要配合基础模型使用。",
        )
    told = say(
        f"> **This is a language model, not the person.** Its answers are generated: {author} did not write them, may "
        "not agree with them, and they may be wrong. Wherever you show one, say that a model made it.",
        f"> **这是语言模型，不是本人。** 回答由模型生成，不是 {author} 写的，不代表其观点，也可能有错。"
        "无论在哪里展示，都请注明“由模型生成”。",
    )
    return f"{what}\n\n{told}\n\n{_consent(facts, say)}"


def _consent(facts, say):
    given = facts.consent or {}
    if not given.get("given"):
        return say(
            "**Draft: the author's consent has not been stated.** Do not share this model.",
            "**草稿：尚未声明作者同意。**请勿分享此模型。",
        )
    when = given.get("when")
    day = (
        time.strftime("%Y-%m-%d", time.gmtime(when))
        if isinstance(when, (int, float))
        else escape(when or "")[:40]
    )
    day = say(f" ({day})", f"（{day}）") if day else ""
    return say(
        f"Made with consent: whoever published this states that the texts are their own, or used with the "
        f"author's permission{day}.",
        f"已获同意：发布者声明这些文字是自己的，或已得到作者许可{day}。",
    )


def _running(facts, say):
    lines = fenced("\n".join(commands(facts, say)), "sh") + "\n\n" + lm_studio(facts, say)
    if facts.private:
        lines += "\n\n" + say(
            "While the repository is private, Ollama needs the machine's key (`~/.ollama/id_ed25519.pub`) added at "
            "<https://huggingface.co/settings/keys>, llama-server needs `HF_TOKEN`, and LM Studio does not find it: "
            "download a file.",
            "仓库私有时，Ollama 需要先把本机公钥（`~/.ollama/id_ed25519.pub`）加到 "
            "<https://huggingface.co/settings/keys>，llama-server 需要设置 `HF_TOKEN`，LM Studio 搜不到：请下载文件。",
        )
    file = f"{facts.name}-{recommended_type(facts.types, facts.figures.get('quantize'))}.gguf"
    lines += "\n\n" + say(
        f"Or download `{file}`: open it in LM Studio (`lms import {file}`), run `llama-server -m {file}`, or put "
        f"`Modelfile` beside it and run `ollama create {facts.name}`.",
        f"也可以下载 `{file}`：用 LM Studio 打开（`lms import {file}`），运行 `llama-server -m {file}`，"
        f"或把 `Modelfile` 放在旁边，运行 `ollama create {facts.name}`。",
    )
    return f"### {say('Run it', '运行')}\n\n{lines}\n\n{_files(facts, say)}" + _sampling(facts, say)


def _files(facts, say):
    """The files with their size, how near they are to the 16-bit twin, and where they run."""
    columns = [
        say("File", "文件"),
        say("Size", "大小"),
        say("Beside the 16-bit twin", "与量化前相比"),
        say("Runs on (estimate)", "能跑的设备（估计）"),
    ]
    shape, figures, rows = getattr(facts.base, "shape", None), facts.figures.get("quantize", {}), []
    for name, count in facts.files.items():
        kind = next((kind for kind in facts.types if name.endswith(f"-{kind}.gguf")), "")
        near = device_fit.closeness_text(
            *(figures.get(f"{what}_{kind}", {}).get("value") for what in ("kl_divergence", "top1"))
        )
        runs = (
            device_fit.device_text(
                device_fit.fit(count, facts.sampling.get("num_ctx", 4096), shape)
            )
            if shape
            else {"en": "", "zh": ""}
        )
        rows.append([f"`{name}`", size(count), say(**near), say(**runs)])
    return table(columns, rows)


def _sampling(facts, say):
    shown = {
        name: value for name, value in facts.sampling.items() if isinstance(value, (int, float))
    }
    if not shown:
        return ""
    values = ", ".join(f"{escape(name)} {number(value)}" for name, value in shown.items())
    return "\n\n" + say(f"Sampling defaults: {values}.", f"默认采样参数：{values}。")


def _loading(facts, say):
    repo = address(facts, "adapter", say)
    code = "\n".join(
        [
            "from peft import PeftModel",
            "from transformers import AutoModelForCausalLM, AutoTokenizer",
            "",
            f'base = "{hub_id(facts.base) or "FOLDER_OF_THE_BASE"}"',
            f'model = PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(base), "{repo}")',
            "tokenizer = AutoTokenizer.from_pretrained(base)",
        ]
    )
    prompt = (
        f"\n\n{say('It was trained with this system prompt:', '训练时用的系统提示词：')}\n\n"
        + fenced(facts.system_prompt)
        if facts.system_prompt
        else ""
    )
    return f"### {say('Load it', '加载')}\n\n{fenced(code, 'python')}{prompt}"


def _origin(facts, say, kind):
    base, hub = facts.base, hub_id(facts.base)
    named = (
        f"[{hub}](https://huggingface.co/{hub})"
        if hub
        else say("a model from a local folder", "本地文件夹中的模型")
    )
    revision = (
        say(f", revision `{facts.revision}`", f"，版本 `{facts.revision}`")
        if re.fullmatch(r"[\w.-]+", facts.revision or "")
        else ""
    )
    known, link = licence_name(base), getattr(base, "license_link", None) or ""
    name = escape(
        known or say("not known, ask the makers of the base", "未知，请向基础模型的作者确认")
    )
    name = f"[{name}]({link})" if re.fullmatch(r"https://[\w./#?=&%:-]+", link) else name
    changed = {
        "gguf": say(
            "fine-tuned with LoRA, merged and converted to GGUF", "经 LoRA 微调、合并并转换为 GGUF"
        ),
        "adapter": say(
            "fine-tuned with LoRA; only the changes are here", "经 LoRA 微调，此处只有改动部分"
        ),
    }[kind]
    lines = [
        say(f"Base: {named}{revision}; {changed}.", f"基础模型：{named}{revision}；{changed}。"),
        say(
            f"Licence: {name}. It carries over to this model.",
            f"许可证：{name}。本模型沿用该许可证。",
        ),
    ]
    if known and not base.commercial:
        lines.append(
            say("**This licence does not allow commercial use.**", "**该许可证不允许商业使用。**")
        )
    file, line = notice(base)
    lines += [f"**{line}**"] if line else []
    lines += [say("See the file NOTICE.", "见 NOTICE 文件。")] if file else []
    return f"### {say('Base model and licence', '基础模型与许可证')}\n\n" + "\n\n".join(lines)


def _training(facts, say):
    parts = []
    titles = {
        "persona": ("Voice (LoRA)", "口吻（LoRA）"),
        "reasoning": ("Reasoning (GRPO)", "推理（GRPO）"),
    }
    for step, title in titles.items():
        rows = setting_rows(step, facts.settings.get(step, {}), say)
        rows += short_rows(facts, step, say)
        if rows:
            parts.append(
                f"**{say(*title)}**\n\n"
                + table([say("Setting or figure", "设置或数字"), say("Value", "值")], rows)
            )
    return f"### {say('How it was trained', '训练方法')}\n\n" + "\n\n".join(parts) if parts else ""


def _scores(facts, say):
    title = say("How much like the author it is", "有多像作者")
    rows = figure_rows(facts.figures.get("evaluate", {}), say)
    if not rows:
        return f"### {title}\n\n" + say(
            "Not measured: the evaluation was not run.", "未测：没有运行评测。"
        )
    columns = [
        say("Figure", "指标"),
        say("Value", "值"),
        say("95 % interval", "95% 区间"),
        "n",
        say("Meaning", "含义"),
    ]
    return (
        f"### {title}\n\n"
        + say(
            "Measured on whole documents that training never saw.",
            "用训练时从未见过的整篇文章测得。",
        )
        + "\n\n"
        + table(columns, rows)
    )


def _corpus(facts, say):
    rows = short_rows(facts, "corpus", say)
    where = say("The texts themselves are not in this repository.", "文字本身不在本仓库中。")
    return f"### {say('The writing it learnt from', '学习的文字')}\n\n{where}" + (
        "\n\n" + table([say("Figure", "数字"), say("Value", "值")], rows) if rows else ""
    )


def _limits(facts, say):
    author = escape(facts.author)
    lines = [
        say(
            "For: hearing how the author might put something, playing with a voice, private experiments.",
            "适合：看看作者会怎么说，体验一种口吻，私下试验。",
        ),
        say(
            f"Not for: passing its words off as {author}'s, deceiving anyone about who is speaking, medical, legal or "
            "financial advice, decisions about people.",
            f"不适合：冒充 {author} 发言，让人误以为是本人，提供医疗、法律或理财建议，对人作决定。",
        ),
        say(
            "It knows the voice better than the facts: dates, names, numbers and opinions may be invented.",
            "它学到的是口吻，不是事实：日期、人名、数字和观点都可能是编的。",
        ),
        say(
            "It can repeat sentences it learnt from, and carries the biases of that writing and of its base.",
            "它可能复述学过的句子，也带有这些文字和基础模型的偏见。",
        ),
    ]
    return f"### {say('Intended use and limits', '用途与局限')}\n\n" + "\n".join(
        f"- {line}" for line in lines
    )


def _model(facts, kind, say):
    use = _running(facts, say) if kind == "gguf" else _loading(facts, say)
    sections = [
        _opening(facts, say, kind),
        use,
        _origin(facts, say, kind),
        _training(facts, say),
        _scores(facts, say),
        _corpus(facts, say),
        _limits(facts, say),
    ]
    return "\n\n".join(section for section in sections if section)


def model_card(facts, kind):
    """The README.md of the 'gguf' or the 'adapter' repository."""
    return page(
        head(facts, kind),
        f"# {escape(facts.author)} · another me · 世另我",
        "## English",
        _model(facts, kind, ENGLISH),
        "## 中文",
        _model(facts, kind, CHINESE),
        "Made with Another Me · 世另我.",
    )


def _dataset(facts, say):
    author = escape(facts.author)
    rows = [[split, number(count)] for split, count in facts.passages.items()]
    masked = facts.settings.get("corpus", {}).get("mask", False)
    lines = [
        say(f"Writing by **{author}**, cut into passages.", f"**{author}** 的文字，按段切分。"),
        say("Personal data that was recognised has been masked.", "识别出的个人信息已遮住。")
        if masked
        else say("**Personal data was not masked.**", "**没有遮住个人信息。**"),
        _consent(facts, say),
        table([say("Split", "划分"), say("Passages", "段数")], rows),
        say(
            "All rights stay with the author: no licence to copy or train is given. Splits are by whole document.",
            "一切权利归作者所有：未授权复制或用于训练。划分以整篇文章为单位。",
        ),
    ]
    return "\n\n".join(lines)


def dataset_card(facts):
    """The README.md of the corpus, a dataset repository: numbers and rights, nothing out of the texts."""
    total = sum(facts.passages.values())
    sizes = ((1000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"))
    names = {"train": "train", "val": "validation", "test": "test"}
    files = [
        {"split": names[split], "path": f"{names[split]}.jsonl"}
        for split, n in facts.passages.items()
        if n
    ]
    data = {
        "language": [code for code in facts.languages if re.fullmatch("[a-z]{2,3}", code)],
        "pretty_name": " ".join(f"{facts.author} · corpus".split()),
        "task_categories": ["text-generation"],
        "size_categories": [next((name for top, name in sizes if total < top), "100K<n<1M")],
        "tags": ["another-me"],
        "configs": [{"config_name": "default", "data_files": files}],
    }
    return page(
        {key: value for key, value in data.items() if value},
        f"# {escape(facts.author)} · corpus · 语料",
        "## English",
        _dataset(facts, ENGLISH),
        "## 中文",
        _dataset(facts, CHINESE),
    )
