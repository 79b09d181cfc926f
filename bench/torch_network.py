"""Networks of random weights, in torch and as network files: speed does not depend on what they have learnt."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.managers import BaseManager
from pathlib import Path

import torch

from mtl_perception.deployment.own_process import own_process
from mtl_perception.deployment.timed_network import Opened, TimedNetwork
from mtl_perception.machine import cores
from mtl_perception.network import Network
from training.checkpoint import TrainedNetwork
from training.deployed.card import model_card
from training.deployed.deployed_network import DeployedNetwork
from training.deployed.torch_backend import TorchBackend
from training.models.backbone import Backbone
from training.models.modalities import modalities
from training.models.mtinet import MTINet
from training.models.tasks import DEPTH, SEMANTIC, dense_tasks

SIZE = (480, 640)
"""Height and width of the input of every network."""
_CLASSES = 40


@dataclass(frozen=True)
class Architecture:
    """A network to be made.

    Attributes:
        name: for the file.
        backbone: see ``training.models.backbone``.
        head_widths: see ``MTINet``; None is as in the paper.
        height, width: working size.
        what: in words.
    """

    name: str
    backbone: str
    head_widths: tuple[int, ...] | None
    height: int
    width: int
    what: str

    def trained(self) -> TrainedNetwork:
        """A network of random weights, the same at each call."""
        torch.manual_seed(0)
        inputs = modalities(["rgb"], _CLASSES)
        tasks = dense_tasks([SEMANTIC, DEPTH], _CLASSES)
        network = MTINet(Backbone(self.backbone), tasks, self.head_widths)
        return TrainedNetwork(
            network=network.eval(),
            backbone=self.backbone,
            pretrained="none",
            inputs=inputs,
            tasks=tuple(task.name for task in tasks),
            classes={i: f"class {i}" for i in range(1, _CLASSES + 1)},
            height=self.height,
            width=self.width,
            focal_length=525.0 * self.width / SIZE[1],
            depth_range=(0.1, 10.0),
            training_data=(),
        )

    def write(self, folder: Path) -> Path:
        """Export it as a network file into ``folder``."""
        from training.export.onnx_graph import to_onnx, with_card

        path, trained = folder / f"{self.name}.onnx", self.trained()
        path.write_bytes(with_card(to_onnx(DeployedNetwork(trained, *SIZE)), model_card(trained, self.name, SIZE)))
        return path


class TimedTorchNetwork(TimedNetwork):
    """The same for a network that torch runs."""

    def open_torch(self, architecture: Architecture, how: str) -> Opened:
        """Make the network and warm it up.

        Args:
            architecture: which.
            how: ``eager``, ``channels_last`` or ``compile``.
        """
        began = time.perf_counter()
        torch.set_num_threads(cores())
        trained = architecture.trained()
        deployed = DeployedNetwork(trained, *SIZE)
        if how == "channels_last":
            deployed.to(memory_format=torch.channels_last)
        backend = TorchBackend(deployed)
        if how == "compile":
            backend.deployed = torch.compile(deployed)
        card = model_card(trained, architecture.name, SIZE)
        return self._opened(Network.of(backend, card, Path(f"{architecture.name}.onnx")), [], began)


class _TorchProcess(BaseManager):
    """Runs a ``TimedTorchNetwork`` elsewhere."""


_TorchProcess.register("TimedTorchNetwork", TimedTorchNetwork)


@contextmanager
def timed_torch_network() -> Iterator[TimedTorchNetwork]:
    """A ``TimedTorchNetwork`` in another process: its methods run there."""
    with own_process(_TorchProcess) as manager:
        yield manager.TimedTorchNetwork()
