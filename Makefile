# Two commands: `make app` opens the gallery, `make test` runs every test. Each makes the environment where it
# is missing. Another Python: make app PYTHON=python3.12. More arguments: make test ARGS="-k adam".
PYTHON ?= python3

.PHONY: app lab test bench lint notebooks setup clean
.DEFAULT_GOAL := app

app lab test bench lint notebooks setup:
	@$(PYTHON) setup_env.py $@ $(ARGS)

clean:
	rm -rf .venv .pytest_cache .hypothesis .ruff_cache .import_linter_cache build dist *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
