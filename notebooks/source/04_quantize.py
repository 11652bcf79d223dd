# %% title [markdown] lang="en"
# # 04 · Make it run anywhere

# %% title [markdown] lang="zh"
# # 04 · 到处都能跑

# %% about [markdown] lang="en"
# **You need** a twin whose notebook 02 has run. No GPU. **You get** three GGUF files, small, middle and large: each holds the whole twin, and Ollama, LM Studio, llama.cpp and phone apps open it. **How long:** about two minutes for the small base on two CPU cores, about 20 minutes (estimate) for 7B, as llama.cpp checks each file on the processor.
#
# Every file is read back and offered only when it passes its checks: the right weights, tokens and template, and an end to its answers. A small one may still differ from the twin; by how much is measured and shown beside it, and the one to take is named.

# %% about [markdown] lang="zh"
# **您需要**一个跑过 02 的分身。不用显卡。**您会得到**小、中、大三个 GGUF 文件：每个都是整个分身，Ollama、LM Studio、llama.cpp 和手机应用都能打开。**用时**：小模型在两核 CPU 上约两分钟，7B 约 20 分钟（估计）：llama.cpp 在处理器上逐个检验。
#
# 每个文件都要读回来检验，过关才给您：权重、token、模板都对，回答会停。小文件和分身仍可能有出入：差多少，量好写在旁边，还告诉您用哪个。

# %% setup-again [markdown]

# %% setup

# %% twin-again [markdown]

# %% parameters

# %% twin

# %% form-text [markdown] lang="en"
# ## Settings
#
# A twin is trained in 16 bits a number; the files keep about 4, 5 and 8 of them. `Q4_K_M` is the smallest and what Ollama takes when nobody says otherwise, `Q8_0` the most faithful, `Q5_K_M` lies between. The picture below says what that costs your twin, so write all three and choose then. Only from 4B on do they crowd Drive's free 15 GB: about 10 GB for 4B, 18 GB for 7B; then put just the one you want into *Files to write*, such as `Q4_K_M`. The temperature decides how daring the twin is unless the reader chooses otherwise.

# %% form-text [markdown] lang="zh"
# ## 设置
#
# 训练时每个数有 16 位，文件里只留大约 4、5、8 位。`Q4_K_M` 最小，没人另外指定时 Ollama 就取它；`Q8_0` 最忠实；`Q5_K_M` 居中。您的分身因此损失多少，下面的图会告诉您，所以三个都生成，看了再挑。只是从 4B 起，Drive 免费的 15 GB 就紧了（4B 三个约 10 GB，7B 约 18 GB）：这时在“要生成的文件”里只填想要的那个，比如 `Q4_K_M`。温度决定分身有多敢说，读者也可以自己调。

# %% form
form = forms.form("quantize", twin)
form

# %% check-text [markdown]

# %% check
run.check(twin, "quantize", form.settings)

# %% run-text [markdown] lang="en"
# ## Run
#
# The adapter is merged into the base and written out, all files in one pass; then each is read back and compared with the twin in 16 bits on texts it was never trained on.
#
# Stop it with the notebook's stop button: no half file is left, and the same cell starts it again. When you close the page it goes on, and running the cell again shows it; after a restart of the kernel, too, run the cell again: it goes on from what was saved. The folded line is the same command for a terminal.

# %% run-text [markdown] lang="zh"
# ## 运行
#
# 把适配器并进基础模型，所有文件一遍写成；再逐个读回来，用没训练过的文字和量化前的分身比一比。
#
# 想停就按笔记本的停止键：不会留下半个文件，再次运行同一格就重新开始。关掉页面它照样跑，再次运行这一格就能接着看；重启内核之后也再次运行这一格，从存下的地方接着做。折叠起来的那一行，是在终端里可以直接敲的命令。

# %% run
run.step(twin, "quantize", form.settings)

# %% look-text [markdown] lang="en"
# ## Look: which file to take
#
# The box says which file to take. For each file the pictures say how large it is, how much it differs from the 16-bit twin and how fast it writes here; the table says where it runs. The difference is how much less likely the words that your twin would choose have become: up to half a percent we call the two indistinguishable, up to 3 % hardly different.
#
# A file marked ✗ failed its checks and is kept aside, with the reason in red: its tokens, its template or its words are not those that were trained. Don't share it: take another one, or run the step again when the disk was the reason.
#
# Then the old question of 9.9 or 9.11, when you had it asked (“Comparisons such as 9.9 or 9.11” in the form), every figure, a talk with the file, beside the base if you like, and the two files to download.

# %% look-text [markdown] lang="zh"
# ## 看一看：用哪个文件
#
# 用哪个文件，方框里写着。每个文件多大、和量化前的分身差多少、在这台机器上写得多快，看图；能在哪里跑，看表。差别是说：分身本来会用的词，在这里少见了多少。不超过 0.5%，算分不出差别；不超过 3%，算几乎没有差别。
#
# 标着 ✗ 的文件没有通过检验，已放到一边，红色那行是原因：它的 token、模板或说的话和训练时不一样。请不要分享它：换一个用；如果是磁盘的缘故，就重新运行这一步。
#
# 接着是老问题“9.9 和 9.11 哪个大”（表单里填了“比大小题数”才会考），再是全部数字，再和做好的文件聊聊，也可以让它和基础模型并排回答；最后是要下载的两个文件。

# %% files
plots.files(twin)

# %% decimals
plots.decimals(twin)

# %% figures
tables.figures(twin, "quantize")

# %% talk
from twinlib.ui import chat_box

chat_box.chat(twin)

# %% download
from twinlib.ui import downloads

downloads.files(twin)

# %% saved-text [markdown] lang="en"
# ## Saved, and what next
#
# The files are in the twin's folder, on Colab in your Google Drive: twins → NAME → quantize. Where Drive is too small for all of them, do everything on the page of 00 with `USE_DRIVE` off: they then lie on the runtime's own disk, so download what you want from the file browser at the left before it ends.
#
# **Talk to it without publishing anything.** In a terminal of this machine: `twinlib talk`, or with Ollama installed `twinlib ollama`. Elsewhere, put the recommended `NAME-….gguf` and `Modelfile` into one folder on your computer. Ollama, in that folder: `ollama create NAME -f Modelfile`, then `ollama run NAME`. LM Studio: `lms import --copy FILE`, then choose it in the chat. llama.cpp: `llama-server -m FILE`. Phone: copy the file over and open it in an app that loads local GGUF files, such as PocketPal AI. The system prompt is inside: leave that field empty.
#
# Open `05_evaluate` to learn how much like you it is.

# %% saved-text [markdown] lang="zh"
# ## 存在哪里，下一步
#
# 文件在分身的文件夹里，在 Colab 上就是 Google Drive 的 twins → 名字 → quantize。Drive 放不下全部文件，就关掉 `USE_DRIVE`，在 00 那一页上全部做完：文件会在运行环境自己的磁盘上，请在它结束前从左侧文件栏下载想要的。
#
# **不发布也能聊。** 在这台机器的终端里：`twinlib talk`；装了 Ollama 就 `twinlib ollama`。在别的电脑上，把推荐的 `名字-….gguf` 和 `Modelfile` 放进自己电脑的同一个文件夹。Ollama：在那个文件夹里运行 `ollama create 名字 -f Modelfile`，再 `ollama run 名字`。LM Studio：`lms import --copy 文件`，再到聊天里选它。llama.cpp：`llama-server -m 文件`。手机：把文件传过去，用能打开本地 GGUF 的应用，比如 PocketPal AI。系统提示已经在文件里，那一栏请留空。
#
# 打开 `05_evaluate`，看看它有多像您。

# %% saved
tables.saved(twin, "quantize", "05_evaluate")
