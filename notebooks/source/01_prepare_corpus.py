# %% title [markdown] lang="en"
# # 01 · Prepare your corpus

# %% title [markdown] lang="zh"
# # 01 · 整理您的文字

# %% about [markdown] lang="en"
# **You need** your writing, in whatever form you have it: a folder, a zip, or a single file. No GPU. **You get** rows to train on, in which every answer is your own words, and a picture of what was kept and what was put aside, with reasons. **How long:** a few minutes for a few hundred posts, and as long as you like for looking through them.
#
# What may lie in the folder, all mixed together: posts and notes (Markdown of Hugo, Hexo, Jekyll, Obsidian, Notion), web pages, Word, OpenDocument (`.odt`), RTF, EPUB, PDF, plain text, mails (`.eml`, `.mbox`, Google Takeout's too, of any size), subtitles of your videos, exports of the services below and of Evernote (`.enex`), Day One, Ghost and Joplin, tables of questions and your answers; also packed as `.zip` or `.tar`. It is told apart by content; pictures, programs and caches are passed over. Whole documents are held out first and never trained on: they are the exam in notebook 05.
#
# - **Medium**: Settings → Security and apps → Download your information. **Substack**: Settings → Exports → New export.
# - **WordPress**: Tools → Export → All content. **Notion**: ··· → Export → Markdown & CSV.
# - **X**: Settings → Your account → Download an archive of your data. **ChatGPT**: Settings → Data controls → Export data.
# - **Telegram** (desktop): in a chat, ⋮ → Export chat history → JSON. **WhatsApp**: in a chat, ⋮ → More → Export chat → Without media.
# - **WeChat, QQ, Weibo**: whatever table (CSV or Excel) your backup tool writes, with time, sender and text.
# - **WeChat public accounts, Zhihu, Douban, Jianshu**: save each page from the browser and put it into the folder.

# %% about [markdown] lang="zh"
# **您需要**自己的文字，什么样子都行：一个文件夹、一个 zip，或一个文件。不用显卡。**您会得到**训练数据，其中每个回答都是您的原话；还有一张图，告诉您留下了什么、放到一边的是什么、为什么。**用时**：几百篇文章几分钟；之后想看多久就看多久。
#
# 文件夹里什么都可以混着放：博客和笔记（Hugo、Hexo、Jekyll、Obsidian、Notion 的 Markdown）、网页、Word、OpenDocument（`.odt`）、RTF、EPUB、PDF、纯文本、邮件（`.eml`、`.mbox`，Google Takeout 的也行，多大都行）、视频字幕、下面这些服务以及印象笔记 / Evernote（`.enex`）、Day One、Ghost、Joplin 的导出、一问一答的表格；打包成 `.zip` 或 `.tar` 也行。按内容自动分辨；图片、程序、缓存会略过。先整篇整篇地留出一部分，绝不训练：它们是 05 里的考卷。
#
# - **Medium**：Settings → Security and apps → Download your information。**Substack**：Settings → Exports → New export。
# - **WordPress**：工具 → 导出 → 所有内容。**Notion**：右上角 ··· → 导出 → Markdown 和 CSV。
# - **X**：设置 → 你的账号 → 下载你的数据存档。**ChatGPT**：设置 → 数据管理 → 导出数据。
# - **Telegram**（电脑版）：聊天窗口 ⋮ → 导出聊天记录 → JSON。**WhatsApp**：聊天窗口 ⋮ → 更多 → 导出聊天 → 不含媒体。
# - **微信、QQ、微博**：备份工具导出的表格（CSV 或 Excel），有时间、发送人、内容三列就行。
# - **公众号、知乎、豆瓣、简书**：在浏览器里把网页一篇篇存下来，放进文件夹。

# %% setup-text [markdown]

# %% setup

# %% twin-text [markdown]

# %% parameters

# %% twin
from twinlib.ui import interview_form, review, writing_form

twin = runtime.open_twin(TWIN, drive=USE_DRIVE)
twin_picker.choose(twin)

# %% form-text [markdown] lang="en"
# ## Your writing
#
# Upload it, choose what was found on this machine, or type a path; then say who you are. What is in there is shown at once, before anything is read for good: formats, titles, and who speaks in the chats. Tick every name that is you; only those messages are learnt, what the others said is at most the question, and a chat in which you are not ticked is put aside whole. Tick the consent if the words are yours or their author agreed; without it everything still runs on this machine, but nothing can be published. What you type is kept at once.

# %% form-text [markdown] lang="zh"
# ## 您的文字
#
# 上传，或者从这台机器上找到的里面选，或者填路径；再说说您是谁。里面有什么马上就能看到，这时还没有正式读取：什么格式、哪些标题、聊天里都有谁。凡是您自己的名字都勾上：只学您发的消息，别人说的话最多当作问题；没有勾出您的聊天整份放到一边。文字是您的，或作者同意了，就勾选同意；不勾也能在本机跑完，只是不能发布。填的内容随填随存。

# %% form
form = writing_form.form(twin)
form

# %% interview-text [markdown] lang="en"
# ## Little text? An interview
#
# If you have a hundred pages or more, skip this. If not, open it and answer some questions as you would answer a friend: one at a time, saved after each, and you may stop whenever you like and go on another day. Your answers become texts like any other.

# %% interview-text [markdown] lang="zh"
# ## 文字不多？来做个访谈
#
# 有上百页文字的话，跳过这里。不多的话，打开它，像回答朋友那样回答几个问题：一次一个，答一个存一个，随时可以停，改天再接着答。您的回答会和别的文字一样用。

# %% interview
interview_form.offered(twin)

# %% check-text [markdown]

# %% check
run.check(twin, "corpus", form.settings)

# %% run-text [markdown] lang="en"
# ## Run
#
# Read, clean, mask personal data, leave out duplicates, cut into passages and make the rows. The questions are written by the base model that will become your twin: it reads each passage on this machine and asks what the passage answers. Without a GPU it does so for a good minute, which “Minutes of asking” changes; ready-made questions, filled with your titles and words, ask about the rest, and running the cell again goes on where it stopped.
#
# Stop it with the notebook's stop button: it saves first, and the same cell goes on from there. When you close the page it goes on, and running the cell again shows it; after a restart of the kernel, too, run the cell again: it goes on from what was saved. The folded line is the same command for a terminal. After every decision you make further down, run this cell once more: that is what makes it count.

# %% run-text [markdown] lang="zh"
# ## 运行
#
# 读入、清理、遮住个人信息、去掉重复、切段、做成训练行。问题由将来变成您分身的那个基础模型来写：它在本机读每一段，问这段能回答的事。没有显卡时只问一分多钟（可在“提问最多几分钟”里改），其余用现成的问句，套上您的标题和用词；再运行一次这一格，就从停下的地方接着问。
#
# 想停就按笔记本的停止键：它先保存，再次运行同一格就接着做。关掉页面它照样跑，再次运行这一格就能接着看；重启内核之后也再次运行这一格，从存下的地方接着做。折叠起来的那一行，是在终端里可以直接敲的命令。在下面做了决定之后，请回来再运行一次这一格，决定才会生效。

# %% run
run.step(twin, "corpus", form.settings)

# %% look-text [markdown] lang="en"
# ## Look: where your words are
#
# The box says whether it is enough and what would help most. Then the pictures: is anything missing, is a year empty that should not be, is one script much shorter than before, was too much put aside? Below them stands all that was put aside, with the reason: bring back what is yours after all.

# %% look-text [markdown] lang="zh"
# ## 看一看：您的文字在哪里
#
# 方框里写着文字够不够、最管用的是什么。然后看图：有没有缺的？有没有哪一年不该空着？有没有哪一类字符少了一大截？放到一边的是不是太多？再往下是所有放到一边的东西和原因：其实是您写的，就恢复它。

# %% dropped
display(plots.corpus(twin), tables.words(twin))
review.dropped(twin)

# %% personal-text [markdown] lang="en"
# ## Personal data
#
# What looks like an e-mail address, a telephone or card number and the like is replaced by a placeholder; the sentence around it stays. Look at the examples and decide by kind, or one by one. What nobody has looked at stays masked. Add the names of people who would not want to be in here. Do this before you read the rows: a passage whose masks change counts as a new one.

# %% personal-text [markdown] lang="zh"
# ## 个人信息
#
# 像是邮箱、电话、卡号之类的内容会换成占位符，前后的句子都留着。看看例子，按种类决定，或者逐个决定。没人看过的一律遮住。不愿意出现在这里的人，把名字加进去。这一步请放在看训练行之前做：遮盖变了的段落会算作新的一段。

# %% personal
review.personal(twin)

# %% rows-text [markdown] lang="en"
# ## The rows
#
# These are what the twin learns from: a few of each kind, then all of them, one at a time. Read twenty, some aloud: the question should be one a reader might ask, the answer should be you, word for word. Approve, mend or drop; nothing has to be approved for the next step.

# %% rows-text [markdown] lang="zh"
# ## 训练行
#
# 分身就从这些学：先是每种几条，再是全部，一条一条地看。读上二十条，挑几条念出声来：问题应该像读者会问的，回答应该一字不差就是您写的。认可、修改或删掉都行；一条都不认可，也能做下一步。

# %% rows
display(tables.rows(twin))
review.rows(twin)

# %% saved-text [markdown] lang="en"
# ## Saved, and what next
#
# The rows and the report lie in the twin's folder, with a list of what was put aside and why. If the picture looks wrong, change the form and run again: your decisions are kept. Otherwise open `02_sft_persona`.

# %% saved-text [markdown] lang="zh"
# ## 存在哪里，下一步
#
# 训练行和报告都在分身文件夹里，还有一份清单写明什么被放到一边、为什么。图看着不对，就改表单再跑一次，您做过的决定都留着。没问题就打开 `02_sft_persona`。

# %% saved
tables.saved(twin, "corpus", "02_sft_persona")
