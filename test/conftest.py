"""What all tests share: a DDS domain of their own, the node's shared-memory profile, a tiny network."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import pytest
from hypothesis import settings

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE / "ros")]

# So that test runs beside each other, and robots on the same network, do not hear one another.
os.environ["ROS_AUTOMATIC_DISCOVERY_RANGE"] = "LOCALHOST"
os.environ["ROS_DOMAIN_ID"] = str(1 + os.getpid() % 100)
os.environ.setdefault("PYTHONPATH", str(HERE.parent))
# A shell's background job is begun deaf to Ctrl-C, and so would be what the tests start.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# The same examples each time, however long they take on a machine that is busy.
settings.register_profile("seeded", derandomize=True, deadline=None)
settings.load_profile("seeded")

from network_file import write_network  # noqa: E402

from mtl_perception.share import use_shared_memory_profile  # noqa: E402

use_shared_memory_profile()


@pytest.fixture(scope="session")
def network(tmp_path_factory) -> Path:
    """A network file with known outputs, see ``network_file.write_network``."""
    return write_network(tmp_path_factory.mktemp("networks") / "tiny.onnx")
