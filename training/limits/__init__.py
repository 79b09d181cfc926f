"""Where pseudo-labels stop helping: worse depth or poses, the threshold, ever fewer labels."""
