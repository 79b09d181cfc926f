"""Before training: what the data and single-task networks say of which task may help which (open question 2)."""
