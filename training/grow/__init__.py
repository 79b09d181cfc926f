"""The loop: what a robot logged becomes a better network, if it is better."""
