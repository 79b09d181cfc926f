# Everything runs in .venv, made here with the versions of constraints.txt.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet --constraint constraints.txt
# What was installed in another environment must not leak into ours.
unexport PYTHONPATH
unexport VIRTUAL_ENV
unexport _ROS_WHEELS_BOOTSTRAP_COMPLETE

.PHONY: help demo test bench lint clean

help:  ## this list
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## */\t/' | expand -t 10

demo: $(VENV)/demo  ## replay a recorded camera through the node; pictures in demo_output/
	$(BIN)/mtl-perception demo

# Two files at a time: those of nodes mostly wait, in real time. A thread each, or they would fight for the cores.
# A process that dies is not replaced: pytest-xdist 3.8 may wait for the new one for ever, and so never name the test.
test: export OMP_NUM_THREADS := 1
test: $(VENV)/test  ## all tests (installs torch)
	$(BIN)/python -m pytest -n 2 --dist loadfile --max-worker-restart 0

bench: $(VENV)/test  ## measure the node on this machine; figures in docs/results/
	$(BIN)/python -m bench

lint: $(VENV)/test  ## style
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

clean:  ## remove what was built here
	rm -rf $(VENV) build install log demo_output *.egg-info

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit("this needs Python 3.10 to 3.13, and $(PYTHON) is %d.%d: make PYTHON=python3.12 ..." % sys.version_info[:2] if not (3, 10) <= sys.version_info[:2] <= (3, 13) else 0)'
	$(PYTHON) -m venv $(VENV)

$(VENV)/demo: $(BIN)/python setup.py setup.cfg constraints.txt
	$(PIP) -e '.[ros,onnx]'
	@touch $@

$(VENV)/test: $(VENV)/demo
	$(PIP) -e '.[ros,onnx,train,dev]'
	@touch $@
