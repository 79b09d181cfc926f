"""A network that starts from its teacher's weights instead of from none."""

from __future__ import annotations

from training.errors import ConfigurationError
from training.models.fusion import FeatureFusion
from training.models.modalities import RGB
from training.models.mtinet import MTINet


def inherit(student: MTINet, teacher: MTINet) -> None:
    """Copy the weights that both have: to a student colour's backbone and everything behind the fusion.

    What the teacher's further backbones added to the features is missing at first; the student learns to do
    without while it learns the teacher's labels. The teacher of a next round takes all weights of the last one's.

    Raises:
        ConfigurationError: the student has weights that the teacher lacks, or of another shape.
    """
    weights = teacher.state_dict()
    if isinstance(teacher.backbone, FeatureFusion) and not isinstance(student.backbone, FeatureFusion):
        colour = f"backbone.backbones.{RGB}."
        weights = {name.replace(colour, "backbone."): value for name, value in weights.items()}
    for name, own in student.state_dict().items():
        if name not in weights or weights[name].shape != own.shape:
            what = "has none" if name not in weights else f"has {tuple(weights[name].shape)}"
            raise ConfigurationError(
                f"the student cannot start from the teacher's weights: {name} is {tuple(own.shape)}, the teacher "
                f"{what}; give both the same backbone, head_widths, tasks and classes"
            )
    student.load_state_dict({name: weights[name] for name in student.state_dict()})
