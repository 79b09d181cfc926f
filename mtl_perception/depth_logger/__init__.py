"""What the depth logger does with colour and depth, without ROS: which frames to keep, and how they get to the disk."""
