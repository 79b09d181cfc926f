"""What reads messages needs no ROS: bags are measured on machines that have none."""

from __future__ import annotations

import subprocess
import sys

from recorder import record_frames

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


def test_what_lies_between_messages_and_numpy_imports_without_ros():
    modules = [f"messages.{name}" for name in ("arrays", "camera_info", "rgbd", "rgbd_decoder", "robot_poses")]
    subprocess.run([sys.executable, "-c", BLOCKED, *modules], check=True)


def test_bags_are_measured_and_compared_without_ros(tmp_path, network):
    bag, out = record_frames(tmp_path / "bag"), tmp_path / "out"
    call = f"import mtl_perception.cli as cli\nsys.exit(cli.main({['evaluate', str(bag), '--model', str(network)]}"
    code = f"{BLOCKED}\n{call} + ['--out', {str(out)!r}]))"
    subprocess.run([sys.executable, "-c", code], check=True)
    metrics = str(out / "metrics.json")
    code = f"{BLOCKED}\nimport mtl_perception.cli as cli\nsys.exit(cli.main({['compare', metrics, metrics]}))"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_modules_that_build_messages_do_need_it():
    """Else the test above would prove nothing."""
    result = subprocess.run([sys.executable, "-c", BLOCKED, "messages.building"], capture_output=True, text=True)
    assert "no builtin_interfaces" in result.stderr
