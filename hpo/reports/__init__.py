"""The report of a study: computed, then drawn, then laid out as a page."""
