"""Install the robot's side of the project; ``training`` runs from a checkout (see README)."""

from glob import glob

from setuptools import setup

SHARE = "share/mtl_perception"

setup(
    # Here, not in setup.cfg: colcon cannot read the object that setuptools makes of it there.
    python_requires=">=3.10",
    packages=[
        "mtl_perception",
        "mtl_perception.backends",
        "mtl_perception.dataset_tools",
        "mtl_perception.deployment",
        "mtl_perception.depth_logger",
        "mtl_perception.evaluation",
        "mtl_perception.evaluation.report",
        "mtl_perception.messages",
        "mtl_perception.nodes",
        "mtl_perception.recordings",
    ],
    package_data={"mtl_perception.evaluation.report": ["templates/*"]},
    data_files=[
        ("share/ament_index/resource_index/packages", ["resource/mtl_perception"]),
        (SHARE, ["package.xml"]),
        (f"{SHARE}/launch", glob("launch/*.launch.py")),
        (f"{SHARE}/config", glob("config/*")),
        (f"{SHARE}/rviz", glob("rviz/*")),
        (f"{SHARE}/foxglove", glob("foxglove/*")),
        (f"{SHARE}/models", sorted({*glob("models/*")} - {*glob("models/*.previous.onnx")})),
        (f"{SHARE}/demo", glob("demo/*")),
    ],
)
