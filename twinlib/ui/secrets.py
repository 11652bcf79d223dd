"""The Hugging Face token, from where people already keep it. It is never printed, saved or logged.

`find()` looks in this order: Colab's secrets, Kaggle's secrets, the environment, huggingface_hub's
saved login. `ask()` then opens a password box, by `getpass` instead of a widget, whose value could
end up in the notebook. A child process gets the token through its environment only.
"""

import getpass
import os
from dataclasses import dataclass, field

from ..i18n import t
from ..models import hub

NAME = "HF_TOKEN"


@dataclass(frozen=True)
class Secret:
    """A token that repr() does not show, and where it was found; without one, a `hint`."""

    token: str = field(default="", repr=False)
    where: str = ""
    hint: str = ""

    def __bool__(self) -> bool:
        return bool(self.token)


def find() -> Secret:
    """The Secret of the first source that has one; an empty one with a hint when none does."""
    hint = ""
    for source in (_colab, _kaggle, _environment, _login):
        secret = source()
        if secret:
            return secret
        hint = hint or secret.hint
    return Secret(hint=hint or t("ui.no_token", page=hub.TOKENS, name=NAME))


def ask() -> Secret:
    """The Secret of `find`, else one typed into a password box; empty where nobody can type."""
    secret = find()
    if secret:
        return secret
    try:
        typed = _clean(getpass.getpass(t("ui.token_prompt")))
    except Exception:  # a headless notebook: IPython raises its own StdinNotImplementedError
        return secret
    return Secret(typed, t("ui.typed_in")) if typed else secret


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
        return Secret(hint=t("ui.colab_has_no_secret", name=NAME, page=hub.TOKENS))
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
    except Exception:  # BackendError, ValidationError or Exception, depending on the version
        return Secret(hint=t("ui.kaggle_has_no_secret", name=NAME))


def _environment():
    return Secret(_clean(os.environ.get(NAME)), t("ui.the_environment"))


def _login():
    return Secret(_clean(hub.token()), t("ui.saved_login"))
