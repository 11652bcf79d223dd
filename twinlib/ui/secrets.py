"""The Hugging Face token, from where people already keep one. It is never printed, saved or logged.

`find()` looks in this order: Colab's secrets, Kaggle's secrets, the environment, huggingface_hub's
saved login. `ask()` then opens a password box. It is drawn by `getpass`, not a widget, whose value
could end up in the notebook. The child process that needs the token gets it through its environment
only.
"""

import getpass
import os
from dataclasses import dataclass, field

from ..i18n import t

NAME = "HF_TOKEN"
_PAGE = "https://huggingface.co/settings/tokens"


@dataclass(frozen=True)
class Secret:
    """A token that repr() does not show, and where it was found; without one, a `hint`."""

    token: str = field(default="", repr=False)
    where: str = ""
    hint: str = ""

    def __bool__(self) -> bool:
        return bool(self.token)


def find() -> Secret:
    """The Secret from the first place that has one; an empty one with a hint when none does."""
    hint = ""
    for place in (_colab, _kaggle, _environment, _login):
        secret = place()
        if secret:
            return secret
        hint = hint or secret.hint
    return Secret(hint=hint or t("ui.no_token", page=_PAGE, name=NAME))


def ask() -> Secret:
    """The Secret found, else one typed into a password box; empty where nobody can type."""
    found = find()
    if found:
        return found
    try:
        typed = getpass.getpass(t("ui.token_prompt"))
    except Exception:  # a headless notebook: IPython raises its own StdinNotImplementedError
        return found
    return Secret(_clean(typed), t("ui.typed_in")) if _clean(typed) else found


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
        return Secret(hint=t("ui.colab_has_no_secret", name=NAME, page=_PAGE))
    except userdata.NotebookAccessError:
        return Secret(hint=t("ui.colab_secret_forbidden", name=NAME))
    except userdata.TimeoutException:
        return Secret(hint=t("ui.colab_secret_timed_out", name=NAME))


def _kaggle():
    try:
        from kaggle_secrets import UserSecretsClient
    except ImportError:
        return Secret()
    try:
        return Secret(_clean(UserSecretsClient().get_secret(NAME)), t("ui.kaggles_secrets"))
    except Exception:  # BackendError, ValidationError or a plain one, from version to version
        return Secret(hint=t("ui.kaggle_has_no_secret", name=NAME))


def _environment():
    return Secret(_clean(os.environ.get(NAME)), t("ui.the_environment"))


def _login():
    from huggingface_hub import get_token

    return Secret(_clean(get_token()), t("ui.saved_login"))
