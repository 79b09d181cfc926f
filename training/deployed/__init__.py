"""A checkpoint as the robot runs it: what it takes, gives and says of itself, and its figures."""
