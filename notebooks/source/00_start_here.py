# %% title [markdown] lang="en"
# # 00 · Start here

# %% title [markdown] lang="zh"
# # 00 · 从这里开始

# %% about [markdown] lang="en"
# **What this is.** You bring your own writing: a blog, newsletters, essays. Notebook by notebook it becomes a small language model that answers in your voice and runs on an ordinary laptop or phone. At the end you get a score card that says, with numbers, how much like you it is.
#
# **What a model of this kind can do.** Pick up your tone, your turns of phrase, the things you keep coming back to; draft a reply that sounds like you; let readers chat with your archive's voice.
#
# **What it can't.** It does not know your facts reliably: dates, names and figures come out wrong with a straight face. It has no opinion about yesterday, does not think as you do, and never speaks *for* you. A small model (under 1B) learns the music, not the lyrics. Read what it says before anyone else does.
#
# **Whose voice it is.** Train only on words that are yours, or whose author said yes. Other people in your texts did not agree to anything: addresses, phone numbers and the names you list are masked before training. A twin is always labelled as an AI.
#
# **Where your texts lie.** Nothing leaves the machine that the notebook runs on unless a cell says so and you agree. On Colab and Kaggle that machine is Google's: your texts lie there and, with `USE_DRIVE`, in your Google Drive. If they must not leave your house, run it at home.
#
# **You need** your writing in whatever form you have it: a blog's export, Word, PDF, chats, a zip of it all; about 20 passages at least, 100 essays is comfortable. Next to nothing written? Notebook 01 interviews you. **You get** a twin's folder, ready for notebook 01. **How long:** 5 minutes.

# %% about [markdown] lang="zh"
# **这是什么。** 带上您自己的文字：博客、通讯、随笔。跟着笔记本一步步走，它会变成一个用您的口吻回答的小模型，普通笔记本电脑或手机就能跑。最后给您一张成绩单，用数字说清它有多像您。
#
# **它做得到的。** 学会您的语气、口头禅、翻来覆去爱讲的事；起草一段像您写的回复；让读者和您多年文字里的那个声音聊聊。
#
# **它做不到的。** 记不准事实：日期、人名、数字会一本正经地说错。它不知道昨天的新闻，不像您那样思考，更不能*代表*您。1B 以下的小模型学得会曲调，记不住歌词。给别人看之前，请先自己读一遍。
#
# **这是谁的声音。** 只用您自己的文字，或作者点过头的文字。文中出现的其他人并没有同意什么：地址、电话和您列出的人名，训练前都会遮住。分身永远标明自己是 AI。
#
# **文字放在哪里。** 除非某一格写明并且您同意，任何内容都不会离开运行笔记本的机器。在 Colab 和 Kaggle 上，那是谷歌的机器：文字就放在上面，开着 `USE_DRIVE` 还会存进您的 Google Drive。不想让文字出家门，就在自己的电脑上跑。
#
# **您需要**自己的文字，什么样子都行：博客导出、Word、PDF、聊天记录，打成一个 zip 也可以；至少约 20 段，有 100 篇文章就很从容。几乎没写过什么？01 里可以做访谈。**您会得到**一个分身文件夹，可以接着做 01。**用时**：5 分钟。

# %% setup-text [markdown]

# %% setup

# %% twin-text [markdown] lang="en"
# ## Name your twin
#
# A twin is a folder with this name. Every notebook reads what the earlier ones saved there, so you may stop anywhere and come back next week. Leave `demo` to try everything on the sample blog first; that is what we would do.
#
# On Colab, `USE_DRIVE` keeps that folder in your Google Drive. Without it, and always on Kaggle, each notebook has a disk of its own, which is cleared when it ends: then do everything here with `EXPRESS = True`, and download the files before you close the page.
#
# `EXPRESS` is the shortcut at the end of this page: off, it does nothing.

# %% twin-text [markdown] lang="zh"
# ## 给分身起个名
#
# 分身就是一个叫这个名字的文件夹。每个笔记本都接着读前面几步存下的东西，所以随时可以停，下周再来。想先用示例博客走一遍，就留着 `demo` 不改；换作我们也会这么做。
#
# 在 Colab 上，`USE_DRIVE` 把这个文件夹存进您的 Google Drive。不开它，或者用的是 Kaggle，每个笔记本就只有自己的一块磁盘，一结束就清空：这时请设 `EXPRESS = True`，在这里一口气做完，关页面之前先把文件下载好。
#
# `EXPRESS` 是本页最后的快捷通道，关着就什么也不做。

# %% parameters lang="en"
TWIN = "demo"        # its folder: letters, digits, - and _
USE_DRIVE = True     # on Colab: keep it in your Google Drive
EXPRESS = False      # True: all notebooks in one go, below
SOURCE = None        # your folder; None: as last time, at first data_samples
BASE = None          # a base model's name; None: what fits
EFFORT = None        # the one dial: "smoke", "quick", "standard", "thorough"

# %% parameters lang="zh"
TWIN = "demo"        # 文件夹名：字母、数字、- 和 _
USE_DRIVE = True     # 在 Colab 上存进 Google Drive
EXPRESS = False      # 一口气跑完全部
SOURCE = None        # 您的文件夹；None：照上次，头一回是 data_samples
BASE = None          # 基础模型：名字、Hugging Face 上的模型或文件夹
EFFORT = None        # 力度："smoke" 试跑、"quick" 快、"standard" 标准、"thorough" 细

# %% twin

# %% machine-text [markdown] lang="en"
# ## This machine, and what fits it
#
# The base model is what learns your voice. Larger ones write better and take longer. Mind the licence column: some forbid commercial use, and your twin inherits that.
#
# No GPU here? On Colab choose *Runtime → Change runtime type → T4*, which is free. Without one, the smallest model still runs.

# %% machine-text [markdown] lang="zh"
# ## 这台机器放得下什么
#
# 学您口吻的是“基础模型”。越大写得越好，也越慢。留意许可证那一列：有的禁止商用，分身会继承这一条。
#
# 没有显卡？在 Colab 里选“代码执行程序 → 更改运行时类型 → T4”，免费。实在没有，最小的模型也能跑。

# %% machine
base_models.overview()

# %% form-text [markdown] lang="en"
# ## A short introduction
#
# Say what readers call you and who you are, in two sentences, as you would at a dinner. The twin uses the name; the introduction goes into a prompt that you can later compare the trained twin with. Tick the box if the words are yours to use: everything runs without it except publishing.

# %% form-text [markdown] lang="zh"
# ## 简短的自我介绍
#
# 读者怎么称呼您？用两句话介绍自己，就像饭桌上那样。分身会用这个名字；自我介绍会写进一段提示词，以后可以拿它和训练出的分身比一比。文字归您使用，就请打勾：不勾也都能跑，只是不能发布。

# %% form
form = forms.form("corpus", twin, only=("author", "introduction", "consent"))
form

# %% remember
runtime.remember(twin, "corpus", form.settings)

# %% express-text [markdown] lang="en"
# ## The express way
#
# Set `EXPRESS = True` above and run this cell: notebooks 01 to 06 run one after the other in this runtime, as you chose last time, at first with everything on `auto` and *quick*; `EFFORT` is the one dial, and the base model is downloaded once. On a T4, *quick* takes a little over an hour (estimate). The executed copies stay in the twin's folder, so you can read how it went. Nothing is published.
#
# If you have the time, go step by step instead: you will make better decisions, and it is more fun.

# %% express-text [markdown] lang="zh"
# ## 快捷通道
#
# 把上面的 `EXPRESS` 改成 `True` 再运行这一格：01 到 06 会在这个环境里依次跑完，照上次的选择，第一次则一切自动、力度 *quick*；旋钮只有 `EFFORT` 一个，基础模型只下载一次。在 T4 上，*quick* 约一个多小时（估计）。跑完的笔记本留在分身文件夹里，可以回头看。不会发布任何东西。
#
# 如果有时间，还是一步步来：您会做出更好的选择，也更有意思。

# %% express
if EXPRESS:
    run.tour(twin, source=SOURCE, base=BASE, effort=EFFORT)
tables.steps(twin)

# %% next-text [markdown] lang="en"
# ## What next
#
# | Notebook | You get |
# |---|---|
# | 01 prepare corpus | honest training rows from your writing |
# | 02 persona | an adapter that answers in your voice |
# | 03 reasoning | practice, so that it also gets the sum right (optional) |
# | 04 quantize | three files that run on a laptop or phone, each checked, and which one to take |
# | 05 evaluate | the score card |
# | 06 publish | what would go online, written out first |
#
# Open `01_prepare_corpus` next.

# %% next-text [markdown] lang="zh"
# ## 下一步
#
# | 笔记本 | 得到什么 |
# |---|---|
# | 01 整理文字 | 从您的文字里得到老老实实的训练数据 |
# | 02 口吻 | 用您口吻回答的适配器 |
# | 03 推理 | 练练算题，让它别算错（可选） |
# | 04 量化 | 笔记本电脑和手机能跑的三个文件，个个验过，还告诉您用哪个 |
# | 05 评测 | 成绩单 |
# | 06 发布 | 先写出会上传的全部内容 |
#
# 接下来打开 `01_prepare_corpus`。
