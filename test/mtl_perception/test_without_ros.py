"""What reads messages needs no ROS: bags are measured on machines that have none."""

from __future__ import annotations

import subprocess
import sys

import pytest

BLOCKED = """
import sys
class NoRos:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("rclpy", "cv_bridge") or name.split(".")[0].endswith(("_msgs", "_interfaces")):
            raise ImportError(f"no {name} here")
sys.meta_path.insert(0, NoRos())
import importlib
for module in sys.argv[1:]:
    importlib.import_module(f"mtl_perception.{module}")
"""


@pytest.mark.parametrize("module", ["messages", "camera_info", "rgbd_messages", "rgbd_decoder", "robot_poses"])
def test_a_module_between_messages_and_numpy_imports_without_ros(module):
    subprocess.run([sys.executable, "-c", BLOCKED, module], check=True)


def test_the_modules_that_build_messages_do_need_it():
    """Else the test above would prove nothing."""
    result = subprocess.run([sys.executable, "-c", BLOCKED, "message_building"], capture_output=True, text=True)
    assert "no builtin_interfaces" in result.stderr
