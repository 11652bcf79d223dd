"""Where the Hugging Face token comes from, and that it does not show itself."""

import os
import sys
import types

import pytest

from twinlib import settings
from twinlib.models import hub, load
from twinlib.ui import run, secrets

TOKEN = "hf_FAKEtokenThatMustNeverShow0123456789"


def colab(monkeypatch, answer):
    """A stand-in for google.colab.userdata, which exists only inside Colab."""
    userdata = types.ModuleType("google.colab.userdata")
    for name in ("SecretNotFoundError", "NotebookAccessError", "TimeoutException"):
        setattr(userdata, name, type(name, (Exception,), {}))

    def get(name):
        if answer in vars(userdata):
            raise getattr(userdata, answer)(name)
        return answer

    userdata.get = get
    package = types.ModuleType("google.colab")
    package.userdata = userdata
    monkeypatch.setitem(sys.modules, "google.colab", package)
    monkeypatch.setitem(sys.modules, "google.colab.userdata", userdata)
    monkeypatch.setitem(
        sys.modules, "google", sys.modules.get("google") or types.ModuleType("google")
    )


@pytest.fixture
def nowhere(monkeypatch, tmp_path):
    """No token in the environment and no saved login."""
    from huggingface_hub import constants

    monkeypatch.delenv("HF_TOKEN", raising=False)
    monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(tmp_path / "token"))
    return tmp_path / "token"


def test_colabs_secret_comes_first(monkeypatch, nowhere):
    colab(monkeypatch, TOKEN + "\n")
    monkeypatch.setenv("HF_TOKEN", "hf_other")
    assert secrets.find().token == TOKEN


@pytest.mark.parametrize(
    "error, words",
    [
        ("SecretNotFoundError", "has no secret HF_TOKEN"),
        ("NotebookAccessError", "switch on notebook access"),
        ("TimeoutException", "run this cell again"),
    ],
)
def test_each_refusal_of_colab_has_its_own_next_action(monkeypatch, nowhere, error, words):
    colab(monkeypatch, error)
    found = secrets.find()
    assert not found and words in found.hint
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    assert secrets.find().token == TOKEN


def test_the_environment_comes_before_the_saved_login(monkeypatch, nowhere):
    assert not secrets.find() and "settings/tokens" in secrets.find().hint
    nowhere.write_text("hf_saved\n")
    assert secrets.find().token == "hf_saved"
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    assert secrets.find().token == TOKEN


def test_the_password_box_is_the_last_resort_and_may_be_absent(monkeypatch, nowhere):
    monkeypatch.setattr(secrets.getpass, "getpass", lambda prompt: f" {TOKEN} ")
    assert secrets.ask().token == TOKEN

    def headless(prompt):
        raise EOFError

    monkeypatch.setattr(secrets.getpass, "getpass", headless)
    assert not secrets.ask() and secrets.ask().hint


def test_a_secret_does_not_show_itself():
    secret = secrets.Secret(TOKEN, "here")
    assert TOKEN not in repr(secret) + str(secret) + f"{secret}"


def test_the_check_asks_the_hub_with_the_token_that_kaggle_keeps(twin, monkeypatch, nowhere):
    """huggingface_hub does not look into Kaggle's secrets: a gated base would seem closed."""
    seen = []

    class UserSecretsClient:
        def get_secret(self, name):
            return "hf_kaggle"

    module = types.ModuleType("kaggle_secrets")
    module.UserSecretsClient = UserSecretsClient
    monkeypatch.setitem(sys.modules, "kaggle_secrets", module)
    monkeypatch.setattr(load, "unreachable", lambda base: seen.append(hub.token()) or "")
    run.check(twin, "persona", settings.make("persona", base="gemma-3-1b"))
    run.check(twin, "persona", settings.make("persona", base="qwen3-0.6b"))
    assert seen == ["hf_kaggle", None] and "HF_TOKEN" not in os.environ
