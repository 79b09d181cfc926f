"""Studies: every row of the paper's tables, trained, measured and set beside the paper's figures."""
