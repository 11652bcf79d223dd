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
    return Secret(hint=hint or t("ui.no_hugging_face_token_yet", make_one=MAKE_ONE, name=NAME))


def ask():
    """The found Secret, else what is typed into a password box; empty where nobody can type."""
    found = find()
    if found:
        return found
    try:
        typed = getpass.getpass(t("ui.hugging_face_token_write_access"))
    except (
        Exception
    ):  # a notebook run headless has no one to ask: IPython raises its own StdinNotImplementedError
        return found
    return Secret(_clean(typed), t("ui.typed")) if _clean(typed) else found


def _clean(text):
    return "".join((text or "").split())


def _colab():
    try:
        from google.colab import userdata
    except ImportError:
        return Secret()
    try:
        return Secret(_clean(userdata.get(NAME)), t("ui.colabs_secrets"))
    except userdata.SecretNotFoundError:
        return Secret(hint=t("ui.colab_no_secret_click_key", name=NAME, make_one=MAKE_ONE))
    except userdata.NotebookAccessError:
        return Secret(hint=t("ui.notebook_may_read_secret_click", name=NAME))
    except userdata.TimeoutException:
        return Secret(hint=t("ui.colab_answer_when_asked_secret", name=NAME))


def _kaggle():
    try:
        from kaggle_secrets import UserSecretsClient
    except ImportError:
        return Secret()
    try:
        return Secret(_clean(UserSecretsClient().get_secret(NAME)), t("ui.kaggles_secrets"))
    except (
        Exception
    ):  # Kaggle raises BackendError, ValidationError or a plain one, from version to version
        return Secret(hint=t("ui.kaggle_no_secret_notebook_add", name=NAME))


def _environment():
    return Secret(_clean(os.environ.get(NAME)), t("ui.environment"))


def _login():
    from huggingface_hub import get_token

    return Secret(_clean(get_token()), t("ui.saved_login"))
