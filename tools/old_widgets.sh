#!/usr/bin/env bash
# The form tests on the ipywidgets that Colab has (7.7.1 with IPython 7.34), in an environment of their own, with the
# packages that read and keep what the forms are given.
set -euo pipefail
venv=.venv-widgets7
[ -x $venv/bin/python ] || "${PYTHON:-python3}" -m venv $venv
$venv/bin/python -m pip install -q --disable-pip-version-check ipywidgets==7.7.1 ipython==7.34.0 'setuptools<81' \
  pytest psutil matplotlib pyyaml huggingface_hub anyascii beautifulsoup4 charset-normalizer defusedxml ftfy lxml mammoth \
  markdown-it-py markdownify opencc openpyxl phonenumbers pypdfium2 rjieba striprtf
PYTHONPATH=. $venv/bin/python -m pytest -p no:cacheprovider -m 'not slow' tests/test_forms.py \
  tests/test_interview_form.py tests/test_senders.py tests/test_writing_files.py tests/test_start_page.py \
  tests/test_review.py tests/test_blind_test_form.py tests/test_chat_box.py tests/test_downloads.py
