"""Labels carried from labelled frames to others that see the same place, by their poses and depth: no teacher."""
