"""From a checkpoint to the one file that the robot runs."""
