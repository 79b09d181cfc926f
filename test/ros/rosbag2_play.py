"""Stands in for `ros2 bag play` where rosbag2 is not installed, under the name `ros2`: its options, our player.

The options are those that Humble and Jazzy have in common, as their `ros2 bag play --help` gives them.
"""

from __future__ import annotations

import argparse
import sys
import time

import rclpy
from rclpy.node import Node

from mtl_perception.recordings.bag_reading import open_bag
from mtl_perception.replay import BagPlayer


def main() -> None:
    if sys.argv[1:3] != ["bag", "play"]:
        sys.exit(f"only `ros2 bag play` is here, not {sys.argv[1:]}")
    parser = argparse.ArgumentParser("ros2 bag play")
    parser.add_argument("bag_path")
    parser.add_argument("--topics", nargs="+", default=[])
    parser.add_argument("--remap", "-m", nargs="+", default=[])
    parser.add_argument("--clock", type=float, nargs="?", const=40, default=0)
    parser.add_argument("-d", "--delay", type=float, default=0.0)
    parser.add_argument("--disable-keyboard-controls", action="store_true")
    options = parser.parse_args(sys.argv[3:])
    new_names = dict(rule.split(":=") for rule in options.remap)
    rclpy.init(args=[])
    node = Node("rosbag2_player")
    with open_bag(options.bag_path) as bag:
        topics = {topic: new_names.get(topic, topic) for topic in options.topics or bag.topics}
        player = BagPlayer(node, bag, topics=topics, clock=bool(options.clock))
        time.sleep(options.delay)
        player.play()
    node.destroy_node()
    rclpy.try_shutdown()


if __name__ == "__main__":
    main()
