"""Which language people are spoken to in: English, Chinese, or both. Every visible string goes through `t`."""

import os


def language():
    """'en', 'zh' or 'both': $TWINLIB_LANG when set, else Chinese under a Chinese locale, else English."""
    chosen = os.environ.get("TWINLIB_LANG", "")
    if chosen in ("en", "zh", "both"):
        return chosen
    locale = os.environ.get("LC_ALL") or os.environ.get("LC_MESSAGES") or os.environ.get("LANG") or ""
    return "zh" if locale.lower().startswith("zh") else "en"


def t(en, zh):
    """The string in the reader's language; in 'both', English and Chinese on one line."""
    return {"en": en, "zh": zh, "both": f"{en} · {zh}"}[language()]
