"""Messages as arrays and poses, without ROS; and arrays as messages, in ``building.py``, with it."""
