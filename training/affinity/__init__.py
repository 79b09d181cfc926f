"""Which task helps which: the effect of each task's labels, as a teacher's input, on the students of the others."""
