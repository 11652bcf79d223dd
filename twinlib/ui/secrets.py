"""The Hugging Face token, from where people already keep one. It is never printed, saved or logged.

Looked for in this order: Colab's secrets, Kaggle's secrets, the environment, huggingface_hub's saved login. If it is
nowhere, `ask()` opens a password box. `getpass` draws it, not a widget: a widget's value can end up in the notebook.
The child process that needs it gets it through its environment only.
"""

import getpass
import os
from dataclasses import dataclass, field

from ..i18n import t

NAME = "HF_TOKEN"
MAKE_ONE = "https://huggingface.co/settings/tokens"


@dataclass(frozen=True)
class Secret:
    """A token that does not show itself: `where` it was found, or a `hint`: what to do, when it was not."""

    token: str = field(default="", repr=False)
    where: str = ""
    hint: str = ""

    def __bool__(self):
        return bool(self.token)


def find():
    """The Secret from the first place that has one; empty, with a hint, when none does."""
    hint = ""
    for place in (_colab, _kaggle, _environment, _login):
        secret = place()
        if secret:
            return secret
        hint = hint or secret.hint
    return Secret(hint=hint or t(
        f"There is no Hugging Face token yet: make one with write access at {MAKE_ONE} and keep it as a secret {NAME}.",
        f"还没有 Hugging Face 令牌：请在 {MAKE_ONE} 新建一个有写权限的令牌，存为密钥 {NAME}。"))


def ask():
    """The found Secret, else what is typed into a password box; empty where nobody can type."""
    found = find()
    if found:
        return found
    try:
        typed = getpass.getpass(t("Hugging Face token (with write access): ", "Hugging Face 令牌（要有写权限）："))
    except Exception:  # a notebook run headless has no one to ask: IPython raises its own StdinNotImplementedError
        return found
    return Secret(_clean(typed), t("typed in", "手动输入")) if _clean(typed) else found


def _clean(text):
    return "".join((text or "").split())


def _colab():
    try:
        from google.colab import userdata
    except ImportError:
        return Secret()
    try:
        return Secret(_clean(userdata.get(NAME)), t("Colab's secrets", "Colab 密钥"))
    except userdata.SecretNotFoundError:
        return Secret(hint=t(
            f"Colab has no secret {NAME}: click the key on the left, add it with a token with write access from "
            f"{MAKE_ONE}, and switch on notebook access.",
            f"Colab 里没有密钥 {NAME}：点左侧的钥匙图标，填入在 {MAKE_ONE} 新建的有写权限的令牌，并打开笔记本访问权限。"))
    except userdata.NotebookAccessError:
        return Secret(hint=t(
            f"This notebook may not read the secret {NAME}: click the key on the left and switch on notebook access.",
            f"本笔记本无权读取密钥 {NAME}：点左侧的钥匙图标，打开笔记本访问权限。"))
    except userdata.TimeoutException:
        return Secret(hint=t(
            f"Colab did not answer when asked for the secret {NAME}: run this cell again with the page open.",
            f"读取密钥 {NAME} 超时：请保持页面打开，再运行一次本单元格。"))


def _kaggle():
    try:
        from kaggle_secrets import UserSecretsClient
    except ImportError:
        return Secret()
    try:
        return Secret(_clean(UserSecretsClient().get_secret(NAME)), t("Kaggle's secrets", "Kaggle 密钥"))
    except Exception:  # Kaggle raises BackendError, ValidationError or a plain one, from version to version
        return Secret(hint=t(
            f"Kaggle has no secret {NAME} for this notebook: add it under Add-ons, Secrets, and tick it.",
            f"Kaggle 没有给本笔记本的密钥 {NAME}：请在 Add-ons → Secrets 里添加并勾选。"))


def _environment():
    return Secret(_clean(os.environ.get(NAME)), t("the environment", "环境变量"))


def _login():
    from huggingface_hub import get_token

    return Secret(_clean(get_token()), t("the saved login", "已保存的登录"))
