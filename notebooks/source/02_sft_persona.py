# %% title [markdown] lang="en"
# # 02 · Teach it your voice

# %% title [markdown] lang="zh"
# # 02 · 学会您的口吻

# %% about [markdown] lang="en"
# **You need** a twin whose notebook 01 has run. A GPU makes it minutes instead of hours; the smallest base learns on a laptop. **You get** an adapter, 30 to 260 MB that turn a base model into your twin, and answers from before and after side by side. **How long:** about 20 minutes (estimate) on a T4 at *quick*, 3 to 4 minutes on 2 cores at *smoke*.
#
# The model reads your rows a few times, no more: a hundred times would make it recite fragments instead of speaking.

# %% about [markdown] lang="zh"
# **您需要**一个跑过 01 的分身。有显卡是几分钟的事，没有就是几小时；最小的基础模型在笔记本电脑上也学得动。**您会得到**一个适配器，30 到 260 MB，把基础模型变成您的分身；还有训练前后的回答对照。**用时**：T4 上 *quick* 约 20 分钟（估计），两核机器上 *smoke* 约三四分钟。
#
# 模型只把您的文字读几遍。读一百遍，它就只会背碎片，不会说话了。

# %% setup-again [markdown]

# %% setup

# %% twin-again [markdown]

# %% parameters

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
base_models.overview(twin)

# %% form-text [markdown] lang="en"
# ## Settings
#
# Choose a base model and how much effort to spend; the rest is derived from your machine and your corpus, each with its reason. What you type stays yours when the plan changes. Look at the licence beside the model before you choose: the twin inherits it.

# %% form-text [markdown] lang="zh"
# ## 设置
#
# 选一个基础模型，再选花多大力气；其余的按您的机器和文字自动推出，每项都写着理由。您亲手填的，计划变了也不会被改掉。选之前看一眼模型旁边的许可证：分身会继承它。

# %% form
form = forms.form("persona", twin)
form

# %% check-text [markdown]

# %% check
run.check(twin, "persona", form.settings)

# %% run-text [markdown] lang="en"
# ## Run
#
# The base model is fetched once. Then watch two curves: the loss on rows it learns from, and on rows it never sees. When the second stops falling, training stops and the best moment is kept. Now and then it answers a question from a text it never saw, so that you hear it change.
#
# Stop it with the notebook's stop button: it saves first, and the same cell goes on from there. When you close the page it goes on, and running the cell again shows it; after a restart of the kernel, too, run the cell again: it goes on from what was saved. The folded line is the same command for a terminal.

# %% run-text [markdown] lang="zh"
# ## 运行
#
# 基础模型只下载一次。然后看两条曲线：一条是正在学的，一条是它从没见过的。第二条不再往下走，训练就停，留下最好的那一刻。它还会不时回答一个没见过的问题，让您听见它在变。
#
# 想停就按笔记本的停止键：它先保存，再次运行同一格就接着做。关掉页面它照样跑，再次运行这一格就能接着看；重启内核之后也再次运行这一格，从存下的地方接着做。折叠起来的那一行，是在终端里可以直接敲的命令。

# %% run
run.step(twin, "persona", form.settings)

# %% look-text [markdown] lang="en"
# ## Look
#
# The box says whether it learnt, what is weakest and what to do next. Below it stand the answers to questions from texts it never saw, before and after training: does the second sound more like you than the first? Then the curves of the whole run, and one training row in colours, so that you see what it learnt to write and what it only read.

# %% look-text [markdown] lang="zh"
# ## 看一看
#
# 方框里写着学没学到、最弱的是什么、下一步做什么。下面是它没见过的文章里的问题，训练前后各怎么回答：后一列是不是比前一列更像您？再往下是整个训练的曲线，和一行上了色的训练数据，看清它学着写什么、只是读什么。

# %% before-after
tables.before_after(twin)

# %% curves
plots.curves(twin, "persona")

# %% learnt
tables.learnt(twin)

# %% figures
tables.figures(twin, "persona")

# %% saved-text [markdown] lang="en"
# ## Saved, and what next
#
# The adapter and its report lie in the twin's folder. Open `03_grpo_reasoning` to let it practise sums, or skip that and go to `04_quantize`.

# %% saved-text [markdown] lang="zh"
# ## 存在哪里，下一步
#
# 适配器和报告都在分身文件夹里。打开 `03_grpo_reasoning` 让它练练算题，或者跳过，直接去 `04_quantize`。

# %% saved
tables.saved(twin, "persona", "03_grpo_reasoning")
