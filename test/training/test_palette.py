"""Colours of classes."""

from __future__ import annotations

from training.palette import class_colors, semantic_classes


def test_a_class_has_the_colour_of_its_id_in_whatever_order_they_are_named():
    told = semantic_classes({3: "ball", 1: "wall"})
    assert [(c.id, c.name) for c in told] == [(1, "wall"), (3, "ball")]
    assert [c.color for c in told] == [class_colors(2)[0], class_colors(3)[2]]
