"""One declaration per setting: from here come the forms, the command-line flags, report.json and the card's lines.

Each step has one frozen dataclass. A field's metadata holds `label` and `help` as (English, Chinese), limits or
choices, whether it is advanced, and its kind. A value of 'auto' is derived by `hardware.plan`; what the owner typed
survives a new plan.
"""

from dataclasses import dataclass, field, fields, replace
from importlib import import_module

from .i18n import t
from .twin import AUTO, Problem

EFFORTS = ("smoke", "quick", "standard", "thorough")


def setting(
    default,
    label,
    help,
    *,
    kind=None,
    low=None,
    high=None,
    choices=None,
    advanced=False,
    once=False,
):
    """One field: `kind` is str, int, float or bool (of the default's type unless the default is 'auto'); a field
    that holds `once` is never prefilled with what was chosen last time."""
    return field(
        default=default,
        metadata={
            "label": label,
            "help": help,
            "kind": kind or type(default),
            "low": low,
            "high": high,
            "choices": choices,
            "advanced": advanced,
            "once": once,
        },
    )


def effort(default="quick"):
    return setting(
        default,
        ("Effort", "力度"),
        (
            "smoke: minutes, to see that it works; quick: a first real result; standard: the recommended one; thorough: "
            "overnight.",
            "smoke：几分钟，看看能不能跑通；quick：第一个真结果；standard：推荐；thorough：跑一晚。",
        ),
        choices=EFFORTS,
    )


def seed():
    return setting(
        1,
        ("Seed", "随机种子"),
        (
            "The same seed gives the same result on the same machine.",
            "同一台机器上，同样的种子得到同样的结果。",
        ),
        low=0,
        high=2**31 - 1,
        advanced=True,
    )


@dataclass(frozen=True)
class Corpus:
    """Step 01: from a folder of writing to honest training rows."""

    source: str = setting(
        "data_samples",
        ("Your writing", "您的文字"),
        (
            "A folder, a zip or a file: posts, books, web pages, chats, exports of any kind.",
            "一个文件夹、zip 或文件：文章、书、网页、聊天记录、各种导出都行。",
        ),
    )
    author: str = setting(
        "",
        ("What readers call you", "读者怎么称呼您"),
        (
            "The name the twin answers to; empty means the twin's name.",
            "分身用的名字；留空就用分身的名字。",
        ),
    )
    introduction: str = setting(
        "",
        ("About you, in two sentences", "两句话介绍自己"),
        (
            "Goes into the prompt that you can compare the trained twin with.",
            "会写进用来和训练后的分身作对比的提示词。",
        ),
    )
    consent: bool = setting(
        False,
        (
            "These are my own words, or I have the author's permission",
            "这些是我自己的文字，或我已得到作者的同意",
        ),
        (
            "Local steps work without it; publishing does not.",
            "不勾选也能在本机运行；发布则必须勾选。",
        ),
    )
    me: str = setting(
        "",
        ("Your names in chats", "您在聊天里的名字"),
        (
            "Separated by commas, as the export spells them; only these people's messages are learnt.",
            "照导出文件里的写法，用逗号分开；只学这些人的消息。",
        ),
    )
    columns: str = setting(
        "",
        ("Columns of a chat table", "聊天表格的列"),
        (
            "Such as time=CreateTime, sender=Talker, text=Content; empty finds the usual names.",
            "例如 time=CreateTime, sender=Talker, text=Content；留空就按常见的列名找。",
        ),
        advanced=True,
    )
    script: str = setting(
        "as written",
        ("Chinese script", "简体与繁体"),
        (
            "Unify traditional and simplified, or leave the characters as you wrote them.",
            "统一成简体或繁体，或者照原样。",
        ),
        choices=("as written", "simplified", "traditional"),
        advanced=True,
    )
    short: int = setting(
        80,
        ("Shortest text kept, in characters", "最短保留字数"),
        ("Shorter documents are put aside with that reason.", "更短的文章会被放到一边并注明原因。"),
        low=0,
        high=5000,
        advanced=True,
    )
    passage_tokens: int = setting(
        500,
        ("Longest passage, in tokens", "每段最多 token 数"),
        (
            "Long documents are cut at paragraph and topic boundaries.",
            "长文章会在段落和话题之间切开。",
        ),
        low=100,
        high=1500,
        advanced=True,
    )
    mask: bool = setting(
        True,
        ("Mask personal data", "遮住个人信息"),
        (
            "E-mail addresses, phone and card numbers and the like become placeholders.",
            "电子邮箱、电话、卡号等会换成占位符。",
        ),
    )
    names: str = setting(
        "",
        ("Private names to mask", "要遮住的人名"),
        (
            "Separated by commas; each becomes a stable placeholder.",
            "用逗号分开；每个名字换成固定的占位符。",
        ),
        advanced=True,
    )
    questions: str = setting(
        "titles",
        ("Who asks the questions", "谁来提问"),
        (
            "titles: your own titles and headings, instantly; local: a small model on this machine; endpoint: any "
            "OpenAI-compatible service, after you agree to send your texts there.",
            "titles：用您自己的标题，立刻就好；local：本机的小模型；endpoint：任何兼容 OpenAI 的服务，须您同意把文字发过去。",
        ),
        choices=("titles", "local", "endpoint"),
    )
    question_model: str = setting(
        AUTO,
        ("Model that asks", "提问的模型"),
        (
            "local: a GGUF file or a Hugging Face model; endpoint: the service's name of the model.",
            "local：GGUF 文件或 Hugging Face 模型名；endpoint：该服务里模型的名字。",
        ),
        kind=str,
        advanced=True,
    )
    endpoint: str = setting(
        "",
        ("Address of the service", "服务地址"),
        (
            "Such as https://api.example.com/v1; its key is read from the secret OPENAI_API_KEY and never saved.",
            "例如 https://api.example.com/v1；密钥取自 OPENAI_API_KEY，绝不保存。",
        ),
        advanced=True,
    )
    send: bool = setting(
        False,
        ("Send my passages to that service", "把我的段落发给该服务"),
        ("Without this nothing leaves the machine.", "不勾选，任何文字都不会离开本机。"),
        advanced=True,
        once=True,
    )
    raw_share: float = setting(
        0.25,
        ("Share of raw-text rows", "原文行的比例"),
        ("Rows learnt as plain text, without a question.", "不带问题、直接学习的原文。"),
        low=0.0,
        high=0.5,
        advanced=True,
    )
    abstain: int = setting(
        40,
        ("Rows that say 'I haven't written about that'", "“我没写过这个”的行数"),
        ("At most; a small corpus gets a tenth of its rows.", "最多；文字少时取总行数的十分之一。"),
        low=0,
        high=200,
        advanced=True,
    )


@dataclass(frozen=True)
class Persona:
    """Step 02: a LoRA adapter that answers in the author's voice."""

    base: str = setting(
        AUTO,
        ("Base model", "基础模型"),
        (
            "The model that learns your voice: a name from the list, any on Hugging Face (such as Qwen/Qwen3-8B), or a "
            "folder.",
            "学习您口吻的模型：列表里的名字、Hugging Face 模型名（如 Qwen/Qwen3-8B），或一个文件夹。",
        ),
        kind=str,
    )
    effort: str = effort()
    engine: str = setting(
        AUTO,
        ("Training engine", "训练引擎"),
        ("Unsloth needs an NVIDIA GPU.", "Unsloth 需要英伟达显卡。"),
        kind=str,
        choices=(AUTO, "transformers", "unsloth"),
        advanced=True,
    )
    precision: str = setting(
        AUTO,
        ("Precision of the base", "基础模型精度"),
        (
            "4-bit saves memory, 16-bit is faster, 32-bit is for machines without a GPU.",
            "4 位省显存，16 位更快，32 位用于没有显卡的机器。",
        ),
        kind=str,
        choices=(AUTO, "4-bit", "16-bit", "32-bit"),
        advanced=True,
    )
    rank: int = setting(
        AUTO,
        ("LoRA rank", "LoRA 秩"),
        ("How much the adapter can hold; alpha is twice this.", "适配器的容量；alpha 是它的两倍。"),
        kind=int,
        low=1,
        high=256,
        advanced=True,
    )
    learning_rate: float = setting(
        AUTO,
        ("Learning rate", "学习率"),
        ("How far each step moves.", "每一步走多远。"),
        kind=float,
        low=1e-6,
        high=1e-2,
        advanced=True,
    )
    epochs: float = setting(
        AUTO,
        ("Times through the writing, at most", "最多读几遍"),
        ("More than 4 memorises instead of learning.", "超过 4 遍就是死记硬背。"),
        kind=float,
        low=0.1,
        high=100.0,
        advanced=True,
    )
    steps: int = setting(
        AUTO,
        ("Training steps, at most", "最多训练步数"),
        ("An upper limit, whatever the epochs say.", "步数上限，不管读几遍。"),
        kind=int,
        low=1,
        high=100000,
        advanced=True,
    )
    batch: int = setting(
        AUTO,
        ("Rows at once", "每批行数"),
        (
            "What fits into memory at the same time; packed, so many times the longest row.",
            "同时放进内存的行数；拼接时，是最长行的这么多倍。",
        ),
        kind=int,
        low=1,
        high=256,
        advanced=True,
    )
    accumulation: int = setting(
        AUTO,
        ("Batches per step", "累积批数"),
        ("Rows at once times this is the effective batch.", "每批行数乘以它，就是有效批大小。"),
        kind=int,
        low=1,
        high=256,
        advanced=True,
    )
    length: int = setting(
        AUTO,
        ("Longest row, in tokens", "每行最多 token 数"),
        ("Longer rows are cut.", "更长的行会被截断。"),
        kind=int,
        low=64,
        high=32768,
        advanced=True,
    )
    packing: bool = setting(
        AUTO,
        ("Pack short rows together", "短行拼在一起"),
        (
            "As many rows at once as there is room for, without seeing each other.",
            "放得下多少行就一起放多少行，互不可见。",
        ),
        kind=bool,
        choices=(AUTO, True, False),
        advanced=True,
    )
    checkpointing: str = setting(
        AUTO,
        ("Gradient checkpointing", "梯度检查点"),
        (
            "Saves memory, costs time: selective a little of both, full a lot.",
            "省显存，费时间：selective 各一点，full 各很多。",
        ),
        kind=str,
        choices=(AUTO, "none", "selective", "full"),
        advanced=True,
    )
    compile: bool = setting(
        AUTO,
        ("Compile the model's layers", "编译模型的层"),
        ("The first step takes longer, every other one less.", "第一步更慢，之后每一步更快。"),
        kind=bool,
        choices=(AUTO, True, False),
        advanced=True,
    )
    replay_share: float = setting(
        0.25,
        ("Share of everyday rows against forgetting", "防遗忘的日常问答比例"),
        (
            "The base's own answers to everyday prompts; only for an instruct base.",
            "基础模型自己对日常问题的回答；只用于指令模型。",
        ),
        low=0.0,
        high=0.5,
        advanced=True,
    )
    patience: int = setting(
        2,
        ("Stop after this many evaluations without gain", "几次评估没有进步就停"),
        ("The best checkpoint is kept.", "保留最好的检查点。"),
        low=1,
        high=20,
        advanced=True,
    )
    seed: int = seed()


@dataclass(frozen=True)
class Reasoning:
    """Step 03: GRPO, so that the twin also gets the sum right."""

    effort: str = effort()
    task: str = setting(
        "decimals",
        ("What to practise", "练什么"),
        (
            "decimals: is 9.9 or 9.11 larger?, generated; file: your own question-answer file or GSM8K's.",
            "decimals：自动出题，9.9 和 9.11 哪个大；file：您自己的问答文件或 GSM8K 文件。",
        ),
        choices=("decimals", "file"),
    )
    problems: str = setting(
        "",
        ("Problem file", "题目文件"),
        (
            "JSON Lines with question and answer (GSM8K's format, or question, answer, steps).",
            "JSON Lines，含 question 和 answer（GSM8K 格式，或 question、answer、steps）。",
        ),
    )
    engine: str = setting(
        AUTO,
        ("Training engine", "训练引擎"),
        ("Unsloth needs an NVIDIA GPU.", "Unsloth 需要英伟达显卡。"),
        kind=str,
        choices=(AUTO, "transformers", "unsloth"),
        advanced=True,
    )
    precision: str = setting(
        AUTO,
        ("Precision of the base", "基础模型精度"),
        (
            "4-bit saves memory, 16-bit is faster, 32-bit is for machines without a GPU.",
            "4 位省显存，16 位更快，32 位用于没有显卡的机器。",
        ),
        kind=str,
        choices=(AUTO, "4-bit", "16-bit", "32-bit"),
        advanced=True,
    )
    steps: int = setting(
        AUTO,
        ("Training steps", "训练步数"),
        ("Rewards start to rise after about 300.", "大约 300 步以后奖励才开始上升。"),
        kind=int,
        low=1,
        high=100000,
        advanced=True,
    )
    generations: int = setting(
        AUTO,
        ("Answers per problem", "每题作答次数"),
        ("The answers of one problem compete with each other.", "同一题的几个回答互相比较。"),
        kind=int,
        low=2,
        high=64,
        advanced=True,
    )
    batch: int = setting(
        AUTO,
        ("Answers at once", "每批回答数"),
        ("A multiple of the answers per problem.", "必须是每题作答次数的倍数。"),
        kind=int,
        low=2,
        high=512,
        advanced=True,
    )
    completion_tokens: int = setting(
        AUTO,
        ("Longest answer, in tokens", "回答最多 token 数"),
        ("Room to think in.", "留给思考的空间。"),
        kind=int,
        low=8,
        high=8192,
        advanced=True,
    )
    learning_rate: float = setting(
        AUTO,
        ("Learning rate", "学习率"),
        ("How far each step moves.", "每一步走多远。"),
        kind=float,
        low=1e-7,
        high=1e-3,
        advanced=True,
    )
    held_out: int = setting(
        AUTO,
        ("Held-out problems", "留作考试的题数"),
        (
            "The same before and after; 200 problems measure to about 6 points.",
            "训练前后做同一套题；200 题的误差约 6 个百分点。",
        ),
        kind=int,
        low=4,
        high=2000,
        advanced=True,
    )
    seed: int = seed()


@dataclass(frozen=True)
class Quantize:
    """Step 04: one GGUF file per type, for llama.cpp, Ollama, LM Studio and phones."""

    types: str = setting(
        "Q4_K_M,Q5_K_M,Q8_0",
        ("Files to write", "要生成的文件"),
        (
            "Separated by commas. Q4_K_M: small, what Ollama takes by default; Q5_K_M: between; "
            "Q8_0: nearly unchanged; F16: unquantized.",
            "用逗号分开。Q4_K_M：小，Ollama 默认用它；Q5_K_M：居中；Q8_0：几乎不变；F16：未量化。",
        ),
    )
    temperature: float = setting(
        0.7,
        ("Temperature", "温度"),
        ("Lower repeats itself, higher rambles.", "低了重复，高了胡说。"),
        low=0.0,
        high=2.0,
    )
    top_p: float = setting(
        0.9,
        ("Top p", "Top p"),
        ("Leaves out the unlikeliest words.", "去掉最不可能的词。"),
        low=0.05,
        high=1.0,
        advanced=True,
    )
    context: int = setting(
        4096,
        ("Context, in tokens", "上下文 token 数"),
        ("How much of a conversation the twin sees.", "分身能看到多长的对话。"),
        low=256,
        high=131072,
        advanced=True,
    )
    decimals: int = setting(
        0,
        ("Comparisons such as 9.9 or 9.11", "比大小题数（如 9.9 和 9.11）"),
        (
            "Asked of base, persona and reasoning in four types each; 200 tell something, and take the processor an hour "
            "or more from 1.5 billion parameters on. 0: not run.",
            "分别问基础模型、口吻和推理的四种文件；200 题才有意义，15 亿参数以上处理器要跑一小时或更久。0：不跑。",
        ),
        low=0,
        high=2000,
        advanced=True,
    )


@dataclass(frozen=True)
class Evaluate:
    """Step 05: how much like the author it is, on writing it never saw."""

    effort: str = effort()
    questions: int = setting(
        AUTO,
        ("Questions answered", "回答的问题数"),
        ("From held-out documents.", "来自留出的文章。"),
        kind=int,
        low=1,
        high=500,
        advanced=True,
    )
    answer_tokens: int = setting(
        AUTO,
        ("Longest answer, in tokens", "回答最多 token 数"),
        ("The same for every row.", "每一行都一样。"),
        kind=int,
        low=16,
        high=2048,
        advanced=True,
    )
    picks: int = setting(
        AUTO,
        ("Choices of four replies", "四选一的题数"),
        (
            "Which reply is yours to this question? 0 leaves it out.",
            "哪个是您对这个问题的回答？0 表示不做。",
        ),
        kind=int,
        low=0,
        high=500,
        advanced=True,
    )
    files: str = setting(
        AUTO,
        ("GGUF files that answer", "参加作答的 GGUF 文件"),
        ("Each is a row of the score card.", "每个文件是成绩单的一行。"),
        kind=str,
        choices=(AUTO, "recommended", "all"),
        advanced=True,
    )
    problems: str = setting(
        "",
        ("Problem file", "题目文件"),
        (
            "JSON Lines in GSM8K's format, to see what was forgotten; only at effort standard and thorough.",
            "GSM8K 格式的 JSON Lines，看看忘了多少；只在 standard 和 thorough 力度用。",
        ),
        advanced=True,
    )
    temperature: float = setting(
        0.7,
        ("Temperature", "温度"),
        ("Lower repeats itself, higher rambles.", "低了重复，高了胡说。"),
        low=0.0,
        high=2.0,
        advanced=True,
    )
    seed: int = seed()


@dataclass(frozen=True)
class Publish:
    """Step 06: what goes to Hugging Face, written out first; private unless the owner says otherwise."""

    user: str = setting(
        "",
        ("Your Hugging Face name", "您的 Hugging Face 用户名"),
        ("Repositories are made under it: USER/NAME-GGUF.", "仓库建在它下面：用户名/名字-GGUF。"),
    )
    upload: bool = setting(
        False,
        ("Upload now", "现在上传"),
        (
            "Off: a dry run that lists exactly what would be uploaded.",
            "不勾选：只演练，列出将要上传的内容。",
        ),
        once=True,
    )
    private: bool = setting(
        True,
        ("Keep it private", "设为私有"),
        ("Only you see it until you change that on the hub.", "在网站上改之前，只有您看得到。"),
        once=True,
    )
    gguf: bool = setting(
        True,
        ("The GGUF files", "GGUF 文件"),
        ("What Ollama and phones run.", "Ollama 和手机用的文件。"),
    )
    adapter: bool = setting(
        True,
        ("The adapter", "适配器"),
        (
            "Much smaller than the model; for people who go on training.",
            "比模型小得多；给想继续训练的人。",
        ),
    )
    corpus: bool = setting(
        False,
        ("Your texts too", "连同您的文字"),
        ("Never needed to run the twin. Think twice.", "运行分身并不需要。请三思。"),
        advanced=True,
        once=True,
    )


@dataclass(frozen=True)
class Talk:
    """A chat in the terminal with the twin's GGUF file."""

    type: str = setting(
        AUTO, ("File", "文件"), ("Which quantization to talk to.", "和哪个量化文件聊天。"), kind=str
    )
    question: str = setting(
        "",
        ("One question", "一个问题"),
        (
            "Ask it, print the answer and end; empty means a conversation.",
            "问完就结束；留空则一直聊。",
        ),
    )
    temperature: float = setting(
        AUTO,
        ("Temperature", "温度"),
        ("Lower repeats itself, higher rambles.", "低了重复，高了胡说。"),
        kind=float,
        low=0.0,
        high=2.0,
    )
    tokens: int = setting(
        300,
        ("Longest answer, in tokens", "回答最多 token 数"),
        ("A longer answer is cut off.", "更长会被截断。"),
        low=8,
        high=4096,
    )
    seed: int = seed()


@dataclass(frozen=True)
class BlindTest:
    """The blind test's page: friends try to tell the owner's answers from the twin's."""

    type: str = setting(
        AUTO, ("File", "文件"), ("Which quantization answers.", "由哪个量化文件来回答。"), kind=str
    )
    to: str = setting(
        "",
        ("Where friends send their result codes", "朋友把结果码发到哪里"),
        (
            "As the page should say it, such as 'Ning, by WeChat'; empty means your name.",
            "照网页上要写的样子，例如“阿宁的微信”；留空就写您的名字。",
        ),
    )
    trials: int = setting(
        20,
        ("Pairs in the page, at most", "网页里最多几题"),
        (
            "More than 20 tire people; more friends say more.",
            "超过 20 题会累；多找几位朋友更管用。",
        ),
        low=1,
        high=60,
        advanced=True,
    )
    catch: int = setting(
        3,
        ("Easy pairs, at most", "最多几道送分题"),
        (
            "The untrained base against you, one in five pairs at most: who misses them isn't reading.",
            "拿没训练过的基础模型和您比，最多占五分之一：连这都答错的人没有认真读。",
        ),
        low=0,
        high=10,
        advanced=True,
    )
    seed: int = seed()


STEP_MODULES = {
    "corpus": "corpus.step",
    "persona": "train.persona",
    "reasoning": "train.reasoning",
    "quantize": "gguf.step",
    "evaluate": "evaluate.step",
    "publish": "publish.step",
    "talk": "talk.chat",
    "blind_test": "evaluate.blind_test.step",
}
SETTINGS = {
    "corpus": Corpus,
    "persona": Persona,
    "reasoning": Reasoning,
    "quantize": Quantize,
    "evaluate": Evaluate,
    "publish": Publish,
    "talk": Talk,
    "blind_test": BlindTest,
}
DESCRIPTIONS = {
    "corpus": (
        "Step 01: from a folder of writing to honest training rows.",
        "第 01 步：从一个文件夹的文字到老老实实的训练行。",
    ),
    "persona": (
        "Step 02: a LoRA adapter that answers in the author's voice.",
        "第 02 步：训练一个用作者口吻回答的 LoRA 适配器。",
    ),
    "reasoning": (
        "Step 03: GRPO, so that the twin also gets the sum right.",
        "第 03 步：用 GRPO 练算题，让分身也算得对。",
    ),
    "quantize": (
        "Step 04: one GGUF file per type, for llama.cpp, Ollama, LM Studio and phones.",
        "第 04 步：生成 GGUF 文件，给 llama.cpp、Ollama、LM Studio 和手机用。",
    ),
    "evaluate": (
        "Step 05: how much like the author it is, on writing it never saw.",
        "第 05 步：用它没见过的文字，量它有多像作者。",
    ),
    "publish": (
        "Step 06: what goes to Hugging Face, written out first; private unless the owner says otherwise.",
        "第 06 步：先写出要传到 Hugging Face 的内容；除非您改，否则是私有的。",
    ),
    "talk": (
        "A chat in the terminal with the twin's GGUF file.",
        "在终端里和分身的 GGUF 文件聊天。",
    ),
    "blind_test": (
        "A page on which friends try to tell you from your twin, and what their result codes say.",
        "做一个网页，让朋友分辨哪句是您、哪句是分身；再读出他们的结果码。",
    ),
}


def label(field):
    """A field's label in the reader's language."""
    return t(*field.metadata["label"])


def help_text(field):
    """A field's help in the reader's language."""
    return t(*field.metadata["help"])


def parse(field, text):
    """The value that `text` (or a value already of the right kind) means for a field; raises ValueError with a sentence."""
    meta, kind = field.metadata, field.metadata["kind"]
    if text == AUTO and field.default == AUTO:
        return AUTO
    try:
        value = _boolean(text) if kind is bool else kind(text)
    except (TypeError, ValueError):
        en, zh = {
            int: ("a whole number", "整数"),
            float: ("a number", "数字"),
            bool: ("yes or no", " yes 或 no"),
        }[kind]
        raise ValueError(t("core.text", name=field.name, text=text, en=en, zh=zh)) from None
    if meta["choices"] and value not in meta["choices"]:
        names = ", ".join(map(str, meta["choices"]))
        raise ValueError(t("core.none", name=field.name, text=text, names=names))
    for bound, wrong in ((meta["low"], lambda v, b: v < b), (meta["high"], lambda v, b: v > b)):
        # NaN compares false both ways, and is never inside.
        if bound is not None and (wrong(value, bound) or value != value):
            raise ValueError(
                t("core.outside", name=field.name, text=text, low=meta["low"], high=meta["high"])
            )
    return value


def _boolean(text):
    words = {"yes": True, "true": True, "1": True, "no": False, "false": False, "0": False}
    if str(text).lower() not in words:
        raise ValueError
    return words[str(text).lower()]


def make(step, **values):
    """The settings of a step from typed values; raises ValueError with a sentence for the first wrong one."""
    kind = SETTINGS[step]
    known = {f.name: f for f in fields(kind)}
    unknown = set(values) - set(known)
    if unknown:
        raise ValueError(t("core.no_setting", unknown=sorted(unknown), step=step))
    return kind(**{name: parse(known[name], value) for name, value in values.items()})


def remembered(step, twin):
    """What was last wanted for a step, as far as its settings still exist and may be prefilled."""
    known = {f.name for f in fields(SETTINGS[step]) if not f.metadata["once"]}
    return {
        name: value
        for name, value in twin.facts.get("settings", {}).get(step, {}).items()
        if name in known
    }


def step_module(step):
    """The module of a step: problems(), run() and, where settings are derived, plan(). Imported late: heavy."""
    return import_module(f"twinlib.{STEP_MODULES[step]}")


def resolve(settings, planned):
    """Settings with every 'auto' replaced by the planned value of that name; what was typed stays."""
    autos = {
        f.name: planned[f.name]
        for f in fields(settings)
        if getattr(settings, f.name) == AUTO and f.name in planned
    }
    return replace(settings, **autos)


def stops(problems):
    """The problems that keep a step from starting."""
    return [p for p in problems if p.level == "stop"]


def stop(key, **values):
    """The problem, worded by entry `key` of data/strings/, that keeps a step from starting."""
    return Problem("stop", t(key, **values))


def warning(key, **values):
    """The problem, worded by entry `key` of data/strings/, that a step may start with."""
    return Problem("warning", t(key, **values))
