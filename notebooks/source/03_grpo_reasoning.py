# %% title [markdown] lang="en"
# # 03 · Practise reasoning

# %% title [markdown] lang="zh"
# # 03 · 练练推理

# %% about [markdown] lang="en"
# **You need** a twin whose notebook 02 has run. A GPU, and a base of 0.5B or more, if you want it to improve (Qwen2.5-Coder 0.5B went from 98 to 132 of 400 school problems in a quarter of an hour of an H200, and from 187 to 353 of 400 decimals in five minutes). **You get** a copy of your adapter that has practised problems with a checkable answer, and its marks before and after on the same exam. **How long:** on a T4 about 25 minutes at *quick* and one to two hours at *standard* (estimates); a smoke run takes a minute and shows only that it works.
#
# The method is called GRPO: the model answers each problem several times, and answers that are right are made likelier. This step is optional: your voice is already in the adapter.

# %% about [markdown] lang="zh"
# **您需要**一个跑过 02 的分身。想看到进步，要有显卡，基础模型至少 0.5B（Qwen2.5-Coder 0.5B 在一块 H200 上练一刻钟，400 道应用题从对 98 道到 132 道；练五分钟，400 道比大小从 187 道到 353 道）。**您会得到**适配器的一个副本，练过有标准答案的题，以及练习前后同一份考卷的成绩。**用时**：T4 上 *quick* 约 25 分钟，*standard* 约一两个小时（都是估计）；*smoke* 一分钟，只说明能跑通。
#
# 方法叫 GRPO：同一道题让模型答几遍，答对的写法变得更常见。这一步可以不做：您的口吻已经在适配器里了。

# %% setup-again [markdown]

# %% setup

# %% twin-again [markdown]

# %% parameters

# %% twin

# %% form-text [markdown] lang="en"
# ## Settings
#
# *decimals* asks which of two numbers is larger, such as 9.9 and 9.11, in both orders and both languages; models trip over it surprisingly often. It also asks which version is newer, so that the model does not forget that there 9.11 comes later.
#
# *file* practises your own questions and answers: a table (CSV, XLSX, JSON Lines) with a column of questions, one of answers and, if you like, one of steps; try `data_samples/problems.jsonl`. A number or a word is right or wrong; prose is rewarded for being near to what you wrote, in meaning, words and manner, and neither length nor repeating the question pays. *gsm8k*, *math* and *mathqa* are known sets of problems, fetched from the hub unless you give a file.

# %% form-text [markdown] lang="zh"
# ## 设置
#
# *decimals* 问两个数哪个大，比如 9.9 和 9.11，两种顺序、两种语言都问；模型在这上面出错多得出人意料。它也问哪个版本更新，免得模型忘了那时候 9.11 在后。
#
# *file* 练您自己的问答：一个表格（CSV、XLSX、JSON Lines），一列问题、一列答案，愿意的话再加一列步骤；可以试试 `data_samples/problems.jsonl`。答案是数或词的，有对错；答案是一段话的，看意思、用词和口吻有多接近您写的，写长、照抄问题都不加分。*gsm8k*、*math*、*mathqa* 是现成的题库，不给文件就从网上取。

# %% form
form = forms.form("reasoning", twin)
form

# %% check-text [markdown]

# %% check
run.check(twin, "reasoning", form.settings)

# %% probe-text [markdown] lang="en"
# ## Is there anything to gain?
#
# Optional, a few minutes: some problems are answered eight times each. What is right sometimes can be practised; what is always right or never is not worth an hour. The run below looks by itself if you leave this out, and uses what was found here.

# %% probe-text [markdown] lang="zh"
# ## 有没有可练的？
#
# 可以跳过，只要几分钟：拿一些题各答八遍。时对时错的才值得练；总对或者总不对的，不值得花一小时。跳过的话，下面运行时会自己先看；看过的，就直接用。

# %% probe
run.probe(twin, form.settings)

# %% run-text [markdown] lang="en"
# ## Run
#
# First the exam, then practice, then the same exam. While it runs you see the rewards, one answer with what was taken for its result in colour, and beside it sentences on what the curves mean now.
#
# Stop it with the notebook's stop button: it saves first, and the same cell goes on from there. When you close the page it goes on, and running the cell again shows it; after a restart of the kernel, too, run the cell again: it goes on from what was saved. The folded line is the same command for a terminal.

# %% run-text [markdown] lang="zh"
# ## 运行
#
# 先考试，再练习，再考同一份卷子。运行时能看到奖励曲线、一个回答（被当成答案的部分标了色），旁边几句话说明曲线现在是什么意思。
#
# 想停就按笔记本的停止键：它先保存，再次运行同一格就接着做。关掉页面它照样跑，再次运行这一格就能接着看；重启内核之后也再次运行这一格，从存下的地方接着做。折叠起来的那一行，是在终端里可以直接敲的命令。

# %% run
run.step(twin, "reasoning", form.settings)

# %% look-text [markdown] lang="en"
# ## Look
#
# The box says whether the practice helped. Below it stand problems of the exam, each with its answer before and after: ✓ is right, ✗ is wrong. How the practice went and all figures can be unfolded.

# %% look-text [markdown] lang="zh"
# ## 看一看
#
# 方框里写着练习有没有用。下面是几道考题，每道都有练习前后的回答：✓ 对，✗ 错。练习的过程和全部数字可以展开看。

# %% practised
tables.practised(twin)

# %% nearness
plots.nearness(twin)

# %% curves
plots.curves(twin, "reasoning")

# %% figures
tables.figures(twin, "reasoning")

# %% saved-text [markdown] lang="en"
# ## Saved, and what next
#
# The practised adapter lies beside the first one, which is untouched: to leave practice out, delete the folder `reasoning`. Now open `04_quantize`.

# %% saved-text [markdown] lang="zh"
# ## 存在哪里，下一步
#
# 练过的适配器放在原来那个旁边，原来的没有动：不想要练习的结果，删掉 `reasoning` 文件夹就行。接着打开 `04_quantize`。

# %% saved
tables.saved(twin, "reasoning", "04_quantize")
