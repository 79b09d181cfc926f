"""Every parameter of the perception node."""

from __future__ import annotations

from dataclasses import dataclass

from mtl_perception.backends.choice import AUTO, BACKENDS, PRECISIONS, Runtime
from mtl_perception.network import WARM_UP_RUNS
from mtl_perception.nodes.parameter_server import Parameters, parameter


@dataclass(frozen=True)
class PerceptionParameters(Parameters):
    """Every parameter of the perception node, with its default."""

    autostart: bool = parameter(
        True, "Configure and activate at start; false leaves it to a lifecycle manager.", fixed=True
    )
    model: str = parameter(
        "",
        "Network file (.onnx). A bare name is looked up among the shipped ones; empty takes the shipped one. Read at "
        "configure, and at ~/reload (std_srvs/Trigger) while the node runs.",
    )
    backends: tuple[str, ...] = parameter(
        (AUTO,),
        f"Libraries to run the network with, in order of preference: {', '.join(BACKENDS)}; auto stands for all that "
        "are there, the fastest first. One that does not come up is passed over only for one listed after it.",
        fixed=True,
    )
    precision: str = parameter(
        "fp32",
        "Of the arithmetic; fp16 is half precision, where the library and the device have it.",
        choices=PRECISIONS,
        fixed=True,
    )
    providers: tuple[str, ...] = parameter(
        (),
        "ONNX Runtime execution providers in order of preference; empty takes CUDA where it is, else the CPU.",
        fixed=True,
    )
    threads: int = parameter(0, "Threads within an operator on a CPU; 0 is one a core.", bounds=(0, 256), fixed=True)
    warm_up_runs: int = parameter(
        WARM_UP_RUNS, "Blank frames run at configure, so that the first real one is fast.", bounds=(0, 100), fixed=True
    )
    image_transport: str = parameter(
        "raw",
        "Type of the topic `image`: raw (Image) or compressed (CompressedImage).",
        choices=("raw", "compressed"),
        fixed=True,
    )
    enabled: bool = parameter(True, "Process frames; ~/enable (std_srvs/SetBool) sets it too.")
    max_rate: float = parameter(0.0, "Frames a second to process at the most; 0 is no limit.", bounds=(0.0, 1000.0))
    max_age: float = parameter(
        0.0,
        "Drop frames whose stamp is older than this when their turn comes, seconds; 0 drops none.",
        bounds=(0.0, 3600.0),
    )
    image_timeout: float = parameter(
        5.0, "Seconds without a frame before the node says who publishes what.", bounds=(0.5, 3600.0)
    )
    depth_encoding: str = parameter(
        "32FC1", "32FC1: metres (REP 117). 16UC1: millimetres (REP 118).", choices=("32FC1", "16UC1")
    )
    min_depth: float = parameter(
        0.0, "Depth below is published as too near, metres; 0 takes the network's range.", bounds=(0.0, 1000.0)
    )
    max_depth: float = parameter(
        0.0, "Depth above is published as too far, metres; 0 takes the network's range.", bounds=(0.0, 1000.0)
    )
    min_confidence: float = parameter(0.0, "Probability below which a pixel gets no class but 255.", bounds=(0.0, 1.0))
    output_size: str = parameter(
        "image",
        "Size of all outputs: image (the camera's own) or network (smaller messages).",
        choices=("image", "network"),
    )
    overlay_opacity: float = parameter(0.5, "Opacity of the classes in segmentation/overlay.", bounds=(0.0, 1.0))

    def runtime(self) -> Runtime:
        """How the network file is to be run."""
        return Runtime(self.backends, self.precision, self.providers, self.threads)

    def depth_range(self, network: tuple[float, float]) -> tuple[float, float]:
        """Least and greatest depth to publish as depth, metres; ``network`` is its own range with this camera."""
        return self.min_depth or network[0], self.max_depth or network[1]

    def conflicts(self) -> dict[tuple[str, ...], str]:
        """The range of depth, where it is upside down."""
        if self.max_depth and self.min_depth >= self.max_depth:
            problem = f"parameter min_depth {self.min_depth} is not below max_depth {self.max_depth}"
            return {("min_depth", "max_depth"): problem}
        return {}
