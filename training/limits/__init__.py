"""Where pseudo-labels stop helping: noise of depth, the threshold, ever fewer labels (open question 3)."""
