"""The libraries that run a network come with reporting of their use switched on; here none of it happens."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

CODE = """
import sys

def refuse(event, arguments):
    if event.startswith("socket.") or event in ("os.fork", "subprocess.Popen"):
        raise RuntimeError(f"{event} {arguments}")

sys.addaudithook(refuse)
import numpy as np
from mtl_perception.backends.choice import Runtime
from mtl_perception.network import Network
Network(sys.argv[1], Runtime(backends=(sys.argv[2],))).warm_up(1)
assert not any(name.startswith("openvino_telemetry") for name in sys.modules), "telemetry was imported"
"""


@pytest.mark.parametrize("backend", ["onnxruntime", "openvino"])
def test_nothing_is_sent_or_written_down(tmp_path, network, backend):
    pytest.importorskip(f"mtl_perception.backends.{backend}", exc_type=RuntimeError, reason="not installed")
    home = tmp_path / "home"
    home.mkdir()
    own = ("HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "ORT_DISABLE_TELEMETRY", "CI")
    environment = {name: value for name, value in os.environ.items() if name not in own}
    subprocess.run([sys.executable, "-c", CODE, network, backend], check=True, env={**environment, "HOME": str(home)})
    assert [*home.rglob("*")] == []
