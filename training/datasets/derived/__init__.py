"""Labels that nobody has to give: made of a label that a data set folder has, one a file."""
