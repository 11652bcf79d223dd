#!/bin/sh
# Make the virtual environment: setup.sh PYTHON VENV. Without an NVIDIA GPU, torch comes from
# PyTorch's own CPU index when that can be reached (a tenth of the download); everything else comes
# from the package registry.
set -eu
python=$1 venv=$2 started=$(date +%s)

fail() { echo "$1" >&2; exit 1; }

command -v "$python" >/dev/null || fail "There is no '$python' here. Install Python 3.11 or newer, or say which: make PYTHON=python3.12"
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
  fail "'$python' is older than Python 3.11. Say which one to use: make PYTHON=python3.12"
[ -x "$venv/bin/python" ] || "$python" -m venv "$venv" ||
  fail "The virtual environment could not be made. On Debian and Ubuntu: sudo apt-get install python3-venv"

pip() { "$venv/bin/python" -m pip --disable-pip-version-check "$@"; }
# uv installs in half of pip's time. It reads no pip settings: the index that they name is passed on,
# and where uv can't be had or fails, pip does it.
setting() { pip config get "global.$1" 2>/dev/null || pip config get ":env:.$1" 2>/dev/null || true; }
with_uv() {
  index=$(setting index-url)
  "$venv/bin/uv" pip install --python "$venv/bin/python" --system-certs \
    ${index:+--default-index "$index"} "$@"
}
echo "Setting up $venv (once; one to five minutes) · 正在准备 $venv（只需一次，约一到五分钟）"
pip install -q "$(grep '^uv==' requirements.txt)" 2>/dev/null || true
if ! command -v nvidia-smi >/dev/null && ! "$venv/bin/python" -c 'import torch' 2>/dev/null; then
  torch=$(grep '^torch==' requirements.txt)
  pip install -q --timeout 8 --retries 0 --index-url https://download.pytorch.org/whl/cpu "$torch" >/dev/null 2>&1 ||
    echo "PyTorch's CPU index can't be reached; taking torch from the package registry."
fi
rm -f "$venv/use-pip"
{ with_uv -r requirements.txt 2>&1 || touch "$venv/use-pip"; } | grep --line-buffered -v '^ [+~-] ' || true
[ ! -e "$venv/use-pip" ] || grep -v '^uv==' requirements.txt |
  pip install --progress-bar off -r /dev/stdin |
  grep --line-buffered -E '^(Collecting|Downloading|Installing|Successfully)' | cut -c1-100 || true
pip install -q --no-deps --editable .
# Optional packages must not move the tested versions of what the project needs.
pins=$venv/pins.txt
sed "s/; extra == .*//" requirements.txt > "$pins"
pip install -q -c "$pins" --editable '.[problems]' ||
  echo "The package of made problems could not be installed; step 03 has others to practise."
if command -v nvidia-smi >/dev/null; then
  pip install -q -c "$pins" --editable '.[gpu]' ||
    echo "Unsloth could not be installed beside the tested versions; the transformers engine is used instead."
fi
"$venv/bin/python" -c 'import torch, transformers, trl, peft, gguf, xllamacpp, ipywidgets' ||
  fail "The set-up is not complete: run the same command again."
echo "Ready after $(($(date +%s) - started)) s."
echo "$(($(date +%s) - started))" > "$venv/setup-seconds"
