# %% setup-text [markdown] lang="en"
# ## Set up
#
# Run this first in every new runtime. It fetches the project if it is not here and installs what is missing, which takes a few minutes on Colab and no time on a machine where everything is there. Colab's own torch, numpy and widgets stay untouched.

# %% setup-text [markdown] lang="zh"
# ## 准备环境
#
# 每次打开新的运行环境，先运行这一格。项目不在就下载，缺什么装什么：在 Colab 上要几分钟，都装好的机器上一眨眼。Colab 自带的 torch、numpy 和控件不会动。

# %% setup-again [markdown] lang="en"
# ## Set up
#
# As in 01: run this first in every new runtime. On Colab it takes a few minutes.

# %% setup-again [markdown] lang="zh"
# ## 准备环境
#
# 和 01 一样：每次打开新的运行环境，先运行这一格；在 Colab 上要几分钟。

# %% setup
import os, pathlib, sys, tempfile; here = pathlib.Path.cwd()
places = here, here.parent, here.parent.parent, here / "another-me"
home = next((folder for folder in places if (folder / "twinlib").is_dir()), places[-1])
if not (home / "twinlib").is_dir():
    with tempfile.TemporaryDirectory(dir=here) as part:
        if os.system(f'git clone -q --depth 1 https://github.com/another-me-ai/another-me "{part}/new"'):
            raise SystemExit("NOT_FETCHED")
        if home.exists(): home.rename(f"{home}-{os.getpid()}")
        os.replace(f"{part}/new", home)
os.chdir(home); sys.path.insert(0, str(home))
from twinlib.ui import runtime; runtime.install("LANGUAGE", "NOTEBOOK")
from twinlib.ui import forms, base_models, plots, run, tables, twin_picker

# %% parameters
TWIN = ""  # @param {type: "string"}
USE_DRIVE = True  # @param {type: "boolean"}

# %% twin
twin = runtime.open_twin(TWIN, drive=USE_DRIVE)
twin_picker.choose(twin)

# %% twin-text [markdown] lang="en"
# ## Which twin
#
# A twin is a folder. Every notebook reads what the earlier ones saved there, so you may close this one, come back next week and go on. (On Kaggle, or on Colab without Drive, only while this notebook runs: see 00.)
#
# The one opened last is opened, at first `demo`. Choose another in the form, or a new one (who likes code better writes its name between quotation marks: `TWIN = "me"`). On Colab, `USE_DRIVE` keeps it in your Google Drive; elsewhere it does nothing.

# %% twin-text [markdown] lang="zh"
# ## 哪个分身
#
# 分身就是一个文件夹。每个笔记本都接着读前面几步存下的东西，所以随时可以关掉，下周再来接着做。（在 Kaggle 上，或在 Colab 上没开 Drive，只到这个笔记本结束为止，见 00。）
#
# 打开的是上次那一个，头一回是 `demo`。要换一个或新建一个，就在表单里选（喜欢写代码的，也可以把名字写在引号里：`TWIN = "me"`）。在 Colab 上，`USE_DRIVE` 把它存进您的 Google Drive；别处不起作用。

# %% twin-again [markdown] lang="en"
# ## Which twin
#
# The one opened last, with all that the earlier notebooks saved; choose another in the form. `USE_DRIVE` is for Colab and does nothing elsewhere.

# %% twin-again [markdown] lang="zh"
# ## 哪个分身
#
# 打开的是上次那一个，前面几步存下的都在；要换就在表单里选。`USE_DRIVE` 只在 Colab 上有用，别处不起作用。

# %% check-text [markdown] lang="en"
# ## Check
#
# See what stands in the way, what the plan derived, and why. A red line stops the run; a yellow one is yours to weigh. Change the form and run this cell again as often as you like.

# %% check-text [markdown] lang="zh"
# ## 检查
#
# 看看有什么拦路、自动推出了哪些值、为什么。红色会拦住运行，黄色请您自己掂量。可以改完表单再运行这一格，改几次都行。
