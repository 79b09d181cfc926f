"""Students of many sizes: trained alike, exported, and set side by side in accuracy and time."""
