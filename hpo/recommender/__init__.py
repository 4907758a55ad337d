"""Photo to faces to emotions to moods to songs."""
