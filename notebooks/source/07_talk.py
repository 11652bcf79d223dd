# %% title [markdown] lang="en"
# # 07 · Talk to it

# %% title [markdown] lang="zh"
# # 07 · 和它聊聊

# %% about [markdown] lang="en"
# **You need** a twin whose notebook 04 has run; for the memory alone, 01 is enough. No GPU. **You get** a chat with the twin that answers from what you wrote, shows where it stands in your own words, and says so when you never wrote about something. **How long:** about a minute for 50 posts on two CPU cores, about 28 minutes for a blog of 2,000.
#
# The twin has your voice; its memory has your texts. With a base under a billion parameters (the one without a GPU) the answer with memory is mostly your own sentences, found for the question: the model's own answer is used only where it begins with one of them, or is one sentence made of their words and the question's. No other model is asked, and nothing leaves this machine.

# %% about [markdown] lang="zh"
# **您需要**一个跑过 04 的分身；只建记忆的话，跑过 01 就够。不用显卡。**您会得到**一个能聊的分身：照您写过的回答，拿您的原话说明出处；您没写过的，它就说没写过。**用时**：两核 CPU 上，50 篇约一分钟，2,000 篇的博客约 28 分钟。
#
# 口吻在分身里，事情在记忆里。基础模型不到十亿参数时（没有显卡就是这种），带记忆的回答大多是您自己的原句，按问题找出来的；模型自己的回答只有以原句开头，或者是一句由原句和问题里的词组成的话，才会用。不问别的模型，也没有任何内容离开这台机器。

# %% setup-again [markdown]

# %% setup

# %% twin-again [markdown]

# %% parameters

# %% twin

# %% form-text [markdown] lang="en"
# ## Settings
#
# Searching by meaning finds what you said in other words, and what you wrote in another language than the question's. It is worth its minutes; without it only words are compared.

# %% form-text [markdown] lang="zh"
# ## 设置
#
# 按意思找，换了说法、换了语言也找得到，值得多等几分钟；不勾就只比字词。

# %% form
form = forms.form("memory", twin)
form

# %% check-text [markdown]

# %% check
run.check(twin, "memory", form.settings)

# %% run-text [markdown] lang="en"
# ## Run
#
# Index your passages, then learn from questions about your texts, and about things that are not in them, when to say "I never wrote about that". After you change your texts, only what changed is read again.
#
# Stop it with the notebook's stop button: what was read stays, and the same cell goes on from there. When you close the page it goes on, and running the cell again shows it; after a restart of the kernel, too, run the cell again: it goes on from what was saved. The folded line is the same command for a terminal.

# %% run-text [markdown] lang="zh"
# ## 运行
#
# 先给您的段落建索引；再用两类题目（您写过的、您没写过的）学会什么时候该说“我没写过”。以后改了文章，只重读改过的部分。
#
# 想停就按笔记本的停止键：读过的都留着，再次运行同一格就接着做。关掉页面它照样跑，再次运行这一格就能接着看；重启内核之后也再次运行这一格，从存下的地方接着做。折叠起来的那一行，是在终端里可以直接敲的命令。

# %% run
run.step(twin, "memory", form.settings)

# %% look-text [markdown] lang="en"
# ## Look, and talk
#
# The figures say how often the memory answers what you wrote about, and how often what you never did. Then talk. Under an answer stand your own words that it rests on, with title and date: click one to open the whole passage. What is in none of your texts is marked as the twin's own. Ask about something far from all of them, and it says that you never wrote about it, or that it is not sure and what comes nearest: rather that than something made up. What lies close to your texts it may still get wrong. *Beside it* puts the same twin without memory, or the base, next to it.

# %% look-text [markdown] lang="zh"
# ## 看一看，聊一聊
#
# 数字说的是：您写过的，它多常答上；您没写过的，它多常也答了。然后就聊吧。回答下面是它依据的您的原话，带标题和日期，点一下就打开整段；哪一篇里都没有的，标作分身自己的话。问到离您的文章很远的事，它会说没写过，或者说不准、最接近的是哪几句：宁可这样，也不编。离得近的，仍可能答错。“并排”可以让不带记忆的分身或基础模型站在旁边比一比。

# %% figures
display(tables.figures(twin, "memory"), plots.memory(twin))

# %% talk
from twinlib.ui import chat_box

chat_box.chat(twin)

# %% saved-text [markdown] lang="en"
# ## Saved, and what next
#
# The memory lies in the twin's folder: twins → NAME → memory. You may delete it; this notebook makes it again. In a terminal: `twinlib memory`, then `twinlib talk`; on your own machine `twinlib serve` lets other apps talk to it, with memory. The file that Ollama, LM Studio and phones run has the voice but not this memory.

# %% saved-text [markdown] lang="zh"
# ## 存在哪里，下一步
#
# 记忆在分身的文件夹里：twins → 名字 → memory。可以删掉，这个笔记本会重新做。在终端里：先 `twinlib memory`，再 `twinlib talk`；在自己的电脑上，`twinlib serve` 让别的应用也能带着记忆和它聊。Ollama、LM Studio 和手机上跑的文件里只有口吻，没有这份记忆。

# %% saved
tables.saved(twin, "memory")
