# %% title [markdown] lang="en"
# # 00 · Start here

# %% title [markdown] lang="zh"
# # 00 · 从这里开始

# %% about [markdown] lang="en"
# Your own writing, a blog, newsletters, chats, becomes a small language model that answers in your voice and runs on an ordinary laptop or phone. On this page you choose the writing, press one button, and at the end you talk to it.
#
# **Begin like this:** in the menu choose *Runtime → Run all* (in Jupyter: *Run → Run All Cells*), wait until the form has come up under “Your twin”, and fill it in there. There is no code to change.
#
# **You need** your writing in whatever form you have it: a blog's export, Word, PDF, chats, a zip of it all; about 40 passages at least, 100 essays is comfortable. **You get** a twin: a model file of your own, a score card that says how much like you it is, and a talk with it. **How long:** a quarter of an hour at *smoke* on a laptop, a little over an hour (estimate) at *quick* on a free T4 on Colab; it may stop and go on at any time.
#
# **What it can do, and what it can't.** It picks up your tone, your turns of phrase, the things you keep coming back to. It does not know your facts reliably: dates, names and figures come out wrong with a straight face. It does not think as you do and never speaks *for* you. Read what it says before anyone else does; its file, its card and the chat say that it is an AI.
#
# **Whose words, and where they lie.** Use only words that are yours, or whose author said yes. Addresses, phone numbers and the names you list are masked before training. Nothing leaves the machine that this notebook runs on unless you agree; on Colab and Kaggle that machine is Google's, and your texts lie there and, with `USE_DRIVE`, in your Google Drive. If they must not leave your house, run it at home.

# %% about [markdown] lang="zh"
# 您自己写的东西，博客、通讯、聊天记录，会变成一个用您的口吻回答的小模型，普通笔记本电脑或手机就能跑。在这一页上，您选好文字，按一个按钮，最后和它聊天。
#
# **这样开始：** 在菜单里选“代码执行程序 → 全部运行”（Jupyter 里是 *Run → Run All Cells*），等“您的分身”下面出现表单，就在那里填。一行代码都不用改。
#
# **您需要**自己的文字，什么样子都行：博客导出、Word、PDF、聊天记录，打成一个 zip 也可以；至少约 40 段，有 100 篇文章就很从容。**您会得到**一个分身：属于您自己的模型文件，一张写明有多像您的成绩单，还能和它聊。**用时**：笔记本电脑上选 *smoke* 约一刻钟；Colab 免费的 T4 上选 *quick* 约一个多小时（估计）；随时可以停，下次接着来。
#
# **它做得到的，做不到的。** 它学得会您的语气、口头禅、翻来覆去爱讲的事。事实它记不准：日期、人名、数字会一本正经地说错。它不像您那样思考，更不能*代表*您。给别人看之前，请自己先读一遍；它的文件、卡片和聊天窗口都写明它是 AI。
#
# **谁的文字，放在哪里。** 只用您自己的文字，或作者点过头的文字。地址、电话和您列出的人名，训练前都会遮住。除非您同意，任何内容都不会离开运行这个笔记本的机器；在 Colab 和 Kaggle 上，那是谷歌的机器，文字就放在上面，开着 `USE_DRIVE` 还会存进您的 Google Drive。不想让文字出家门，就在自己的电脑上跑。

# %% setup-text [markdown]

# %% setup

# %% twin-text [markdown] lang="en"
# ## Where it lies
#
# A twin is a folder. The one opened last is opened, at first `demo`, a twin of the sample blog of an invented author: to try everything with it first is what we would do. You name your own in the form below. On Colab, `USE_DRIVE` keeps the folder in your Google Drive, where it outlives this session. (Who likes code better writes a name between quotation marks: `TWIN = "me"`.)

# %% twin-text [markdown] lang="zh"
# ## 放在哪里
#
# 分身就是一个文件夹。打开的是上次那一个，头一回是 `demo`，示例博客（虚构的作者）的分身：先用它走一遍看看，换作我们也会这么做。您自己的分身，在下面的表单里起名。在 Colab 上，`USE_DRIVE` 把文件夹存进您的 Google Drive，这次关掉了也还在。（喜欢写代码的，也可以把名字写在引号里：`TWIN = "me"`。）

# %% parameters

# %% twin
from twinlib.ui import start_page

twin = runtime.open_twin(TWIN, drive=USE_DRIVE)

# %% page-text [markdown] lang="en"
# ## Your twin
#
# Everything from here to the talk happens in the form below: choose or name the twin, fill in part 1, choose in part 2, press the button in part 3. What you type is kept at once. You may close the page while it works at home; on Colab keep the tab open. If the machine or the connection went away, run all cells again: it says what was under way and goes on from what was saved. After a stop or an error, press the button.

# %% page-text [markdown] lang="zh"
# ## 您的分身
#
# 从这里到聊天，都在下面的表单里：先选好分身或起个名字，第 1 部分填好，第 2 部分选好，按第 3 部分的按钮。填的内容随填随存。在自己电脑上跑，可以关掉页面；在 Colab 上请让标签页开着。机器或连接断了也不要紧：再全部运行一次，它会说明做到了哪里，从存下的地方自己接着做。自己停下的或出了错的，按一下按钮。

# %% page
page = start_page.page(twin)
page

# %% next-text [markdown] lang="en"
# ## The workshop
#
# The same, step by step, with everything to look at and to decide: you will make better choices there, and it is more fun. Each notebook goes on with what stands in the twin's folder, also with what this page made.
#
# | Notebook | You get |
# |---|---|
# | `01_prepare_corpus` | honest training rows from your writing: mend, drop, mask |
# | `02_sft_persona` | an adapter that answers in your voice |
# | `03_grpo_reasoning` | practice, so that it also gets the sum right (optional) |
# | `04_quantize` | files that run on a laptop or phone, each checked, and which one to take |
# | `05_evaluate` | the score card, and a blind test for friends |
# | `06_publish` | what would go online, written out first |
# | `07_talk` | a memory of your texts: answers that say where you wrote it, and when you never did |

# %% next-text [markdown] lang="zh"
# ## 工作坊
#
# 同样的事，一步一步来，处处都能看、能改：在那里您会做出更好的选择，也更有意思。每个笔记本都接着分身文件夹里已有的东西做，这一页做出来的也算。
#
# | 笔记本 | 得到什么 |
# |---|---|
# | `01_prepare_corpus` | 从您的文字里得到老老实实的训练数据：可改、可删、可遮 |
# | `02_sft_persona` | 用您口吻回答的适配器 |
# | `03_grpo_reasoning` | 练练算题，让它别算错（可选） |
# | `04_quantize` | 笔记本电脑和手机能跑的文件，个个验过，还告诉您用哪个 |
# | `05_evaluate` | 成绩单，还有给朋友的盲测 |
# | `06_publish` | 先写出会上传的全部内容 |
# | `07_talk` | 给它一份您文字的记忆：答的时候说出处，没写过就说没写过 |
