"""What is done with a data set folder away from the robot: look at it, mend it, join, label and replay it."""
