# %% title [markdown] lang="en"
# # 06 · Publish, if you like

# %% title [markdown] lang="zh"
# # 06 · 想发布的话

# %% about [markdown] lang="en"
# **You need** a twin whose notebook 04 has run, and, only for the real upload, a free Hugging Face account with a write token. **You get** a list of exactly what would go online, and a model card that says what the twin is, whose voice it is and how well it did. **How long:** seconds; uploading takes as long as your connection needs: the three files are 1.3 GB for the small base, about 18 GB for 7B.
#
# As it stands this is a dry run: nothing leaves this machine. When you do upload, the repository is private until you change that on the website.

# %% about [markdown] lang="zh"
# **您需要**一个跑过 04 的分身；只有真要上传时，才需要免费的 Hugging Face 账号和一个有写权限的令牌。**您会得到**一张清单，将要上传的一个不落，还有一张模型卡，写明它是什么、谁的声音、成绩如何。**用时**：几秒；上传看网速：三个文件，小模型共 1.3 GB，7B 约 18 GB。
#
# 现在这样只是演练：没有任何内容离开这台机器。真的上传了，仓库也是私有的，除非您自己在网站上公开。

# %% setup-again [markdown]

# %% setup

# %% twin-again [markdown]

# %% parameters

# %% twin

# %% form-text [markdown] lang="en"
# ## Settings
#
# Fill in your Hugging Face name and leave *Upload now* unticked for a first look. To upload, tick it and run the cells below again: your token is taken from Colab's or Kaggle's secrets, from `HF_TOKEN`, or asked for; it is never shown or saved. Publishing needs the consent in notebook 01.
#
# Your texts themselves are never needed to run the twin. Think twice before you tick that box.

# %% form-text [markdown] lang="zh"
# ## 设置
#
# 填上您的 Hugging Face 用户名，先别勾“现在上传”，看看再说。要上传，勾上它，把下面几格再运行一遍：令牌取自 Colab 或 Kaggle 的密钥、`HF_TOKEN`，或当场向您要；绝不显示，也不保存。发布前要在 01 里勾选同意。
#
# 运行分身用不着您的原文。勾那一项之前，请三思。

# %% form
form = forms.form("publish", twin)
form

# %% check-text [markdown]

# %% check
run.check(twin, "publish", form.settings)

# %% run-text [markdown] lang="en"
# ## Run
#
# Write out what would go online, and send it only if you ticked *Upload now*.
#
# Stop it with the notebook's stop button: it saves first, and the same cell goes on from there. When you close the page it goes on, and running the cell again shows it; after a restart of the kernel, too, run the cell again: it goes on from what was saved. The folded line is the same command for a terminal.

# %% run-text [markdown] lang="zh"
# ## 运行
#
# 写出将要上传的内容；只有您勾了“现在上传”才会发送。
#
# 想停就按笔记本的停止键：它先保存，再次运行同一格就接着做。关掉页面它照样跑，再次运行这一格就能接着看；重启内核之后也再次运行这一格，从存下的地方接着做。折叠起来的那一行，是在终端里可以直接敲的命令。

# %% run
run.step(twin, "publish", form.settings)

# %% look-text [markdown] lang="en"
# ## Look
#
# The model card as readers will see it, then every file that would be uploaded: only those that passed notebook 04. Is anything in there that you would not want a stranger to read?

# %% look-text [markdown] lang="zh"
# ## 看一看
#
# 先是读者会看到的模型卡，然后是将要上传的每一个文件（只有在 04 里通过检验的）。里面有没有您不想让陌生人读到的东西？

# %% card
tables.card(twin)

# %% uploads
tables.uploads(twin)

# %% saved-text [markdown] lang="en"
# ## Saved, and what next
#
# What would go online lies in the twin's folder. Open `07_talk` to give it a memory of your texts and talk to it. Thank you for coming all this way.

# %% saved-text [markdown] lang="zh"
# ## 存在哪里，下一步
#
# 将要上传的内容在分身文件夹里。打开 `07_talk`，让它记住您的文字，和它聊聊。谢谢您一路走到这里。

# %% saved
tables.saved(twin, "publish", "07_talk")
