# %% title [markdown] lang="en"
# # 05 · How much like you?

# %% title [markdown] lang="zh"
# # 05 · 有多像您？

# %% about [markdown] lang="en"
# **You need** a twin whose notebooks 02 and 04 have run. A GPU helps. **You get** a score card, measured on texts the twin never saw, with an interval beside every figure, and answers side by side that you can judge with your own ears. **How long:** a few minutes at *smoke*, about half an hour (estimate) on a T4 at *standard*.
#
# Four contestants: the bare base, the base with a prompt that describes you, the twin, and the twin as a GGUF file. If the prompt sounds more like you than the trained twin, the card says so.

# %% about [markdown] lang="zh"
# **您需要**一个跑过 02 和 04 的分身，有显卡更快。**您会得到**一张成绩单，全部用分身没见过的文章来量，每个数字旁边都有误差范围；还有并排的回答，您可以自己读、自己判断。**用时**：*smoke* 几分钟，T4 上 *standard* 约半小时（估计）。
#
# 四位选手比一比：原始的基础模型、加了一段介绍您的提示词的基础模型、分身、变成 GGUF 文件的分身。如果加提示词的比训练出来的分身更像您，成绩单会照实说。

# %% setup-again [markdown]

# %% setup

# %% twin-again [markdown]

# %% parameters

# %% twin

# %% form-text [markdown] lang="en"
# ## Settings
#
# More effort means more questions and narrower intervals. At *smoke* most figures say “not enough answers to tell”: nothing is called good on so few.

# %% form-text [markdown] lang="zh"
# ## 设置
#
# 力度（试跑 smoke、快速 quick、标准 standard、通宵 thorough）越大，问题越多，误差范围越窄。*smoke* 时多数数字“样本不够，说不准”，成绩单照实写，不会说它好。

# %% form
form = forms.form("evaluate", twin)
form

# %% check-text [markdown]

# %% check
run.check(twin, "evaluate", form.settings)

# %% run-text [markdown] lang="en"
# ## Run
#
# Each contestant answers the same questions; then the texts are compared with yours and with those of people who are not you.
#
# Stop it with the notebook's stop button: it saves first, and the same cell goes on from there. When you close the page it goes on, and running the cell again shows it; after a restart of the kernel, too, run the cell again: it goes on from what was saved. The folded line is the same command for a terminal.

# %% run-text [markdown] lang="zh"
# ## 运行
#
# 每位选手回答同样的问题；再把这些回答和您的文字比，也和别人的文字比。
#
# 想停就按笔记本的停止键：它先保存，再次运行同一格就接着做。关掉页面它照样跑，再次运行这一格就能接着看；重启内核之后也再次运行这一格，从存下的地方接着做。折叠起来的那一行，是在终端里可以直接敲的命令。

# %% run
run.step(twin, "evaluate", form.settings)

# %% look-text [markdown] lang="en"
# ## Look
#
# The box says whether it works, what is weakest and what to do next; then read three answers before you look at the picture. Below it, under each question, stand every contestant's answer and your own passage, without names: pick the one your oldest reader would take for you, and only then you see who wrote what. *Show all names* is for plain reading. Believe your ears when they disagree with a number, and the interval when it is wide. Once 07 has made a memory, run this notebook again at *standard*: a table then shows what the twin answers with it.

# %% look-text [markdown] lang="zh"
# ## 看一看
#
# 方框里写着行不行、最弱的是什么、下一步做什么；看图之前，请先读三个回答。再往下，每个问题下面是各位选手的回答和您的原文，都不写名字：您的老读者会把哪一段当成您？选了才显示是谁写的。只想读的话，勾选*显示所有名字*。耳朵和数字不一致时，信耳朵；误差范围很宽时，信误差范围。07 做好记忆之后，用*标准*力度再跑一次这本笔记本：会多一张表，看带着记忆的分身答得怎么样。

# %% score-card
plots.score_card(twin)

# %% side-by-side
tables.side_by_side(twin)

# %% figures
tables.figures(twin, "evaluate")

# %% blind-text [markdown] lang="en"
# ## Blind test
#
# Numbers judge style; friends judge *you*. Answer about 20 new questions as you would to a friend, two or three sentences each. Nothing learns from these answers, and none of them may stand in your texts. They are saved as you type; come back as often as you like.
#
# The next cell lets the twin answer the same questions (its first try, cut to your length) and makes one small web page. Send it to friends who know how you write: for each question they pick the answer they take for yours, and send you back a short result code. The page needs no network, sends nothing, and doesn't know which answer is whose. It tells them that a machine wrote half of it. Ten friends with 20 questions make a good test; with nothing answered yet, both cells just wait.

# %% blind-text [markdown] lang="zh"
# ## 盲测
#
# 数字量的是文风，像不像*您*，要问朋友。请像回答朋友那样答 20 道左右的新题，每题两三句话。这些回答不会用来训练，也不能从您的文章里抄。边写边存，随时可以回来接着答。
#
# 下一格让分身回答同样的题（只取第一次，裁到和您差不多长），做成一个小网页。发给熟悉您文字的朋友：每题选出他认为是您写的那个，最后发回一串短短的结果码。网页不用联网，不发送任何东西，也不知道哪个是谁写的；它会告诉朋友有一半是机器写的。十位朋友、20 道题就是一次好测试；还没答题的话，这两格只是等着。

# %% blind-questions
from twinlib.ui import blind_test_form, blind_test_results

blind_test_form.form(twin)

# %% blind-page-text [markdown] lang="en"
# The page is made from what is answered so far; answer more, run this again, and you get a new one. Result codes that friends send go into the box: many at once, in any order, with the chat around them. The **fool rate** is how often they took the twin for you: at 50 % nobody can tell.

# %% blind-page-text [markdown] lang="zh"
# 网页用目前答完的题做成；再多答几题、重跑一次，就是新的一份。朋友发回的结果码贴进框里：一次多少条都行，不分先后，带着聊天内容也没关系。**骗过率**就是他们把分身当成您的比例：到 50% 就是分不出来。

# %% blind-page
blind_test_form.make(twin)
blind_test_results.codes(twin)

# %% saved-text [markdown] lang="en"
# ## Saved, and what next
#
# Answers and figures lie in the twin's folder. Not like you yet? More texts help most, then a larger base, then more effort. Happy? Open `06_publish`.

# %% saved-text [markdown] lang="zh"
# ## 存在哪里，下一步
#
# 回答和数字都在分身文件夹里。还不够像？最管用的是更多文字，其次是更大的基础模型，再其次是更大的力度。满意了？打开 `06_publish`。

# %% saved
tables.saved(twin, "evaluate", "06_publish")
