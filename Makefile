# Two commands do everything on a fresh machine with Python 3.11+, git and make: `make twin` and `make test`.
# While you change code: `make quick`.
PYTHON ?= python3
SLUG ?= another-me-ai/another-me
NAME ?= demo
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/ready-$(shell cat requirements.txt pyproject.toml 2>/dev/null | cksum | cut -d' ' -f1)

.PHONY: twin test quick setup lab notebooks pictures docs repo clean help

help:           ## this list
	@grep -hE '^[a-z]+: .*##' $(MAKEFILE_LIST) | sed 's/:.*##/ —/'

twin: setup     ## make a twin of the sample blog and show what it is like
	@TWINLIB_SETUP_SECONDS=$$(cat $(VENV)/setup-seconds 2>/dev/null || echo 0); rm -f $(VENV)/setup-seconds; \
	export TWINLIB_SETUP_SECONDS; $(BIN)/python -m twinlib tour --twin $(NAME)

test: setup     ## run all tests, on all cores
	@$(BIN)/python -m pytest -n auto --dist worksteal

quick: setup    ## check style and run the tests that need no model, child process or browser
	@$(BIN)/ruff check && $(BIN)/ruff format --check
	@$(BIN)/python -m pytest -n auto -m "not slow"

lab: setup      ## open the notebooks in JupyterLab
	@$(BIN)/python -m pip install -q $$(grep -o "^jupyterlab==[0-9.]*" requirements.txt)
	@$(BIN)/python tools/lab.py

notebooks: setup ## make notebooks/en and notebooks/zh from notebooks/source
	@$(BIN)/python tools/notebooks.py

cards: setup    ## write the tables of what fits which card into the READMEs
	@$(BIN)/python tools/cards.py

pictures: setup ## make the README's pictures and sample pages from the twin NAME
	@$(BIN)/python tools/pictures.py twins/$(NAME)

docs: setup     ## build the documentation site in build/site, with its links checked
	@NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict --quiet
	@echo "build/site/index.html"

setup: $(READY) ## make .venv with the tested versions

$(READY): requirements.txt pyproject.toml
	@sh tools/setup.sh "$(PYTHON)" "$(VENV)"
	@touch $@

repo:           ## point every badge and clone line at your fork: make repo SLUG=owner/name
	@$(PYTHON) tools/repo.py "$(SLUG)"

clean:          ## remove the environment; twins stay
	rm -rf $(VENV)
