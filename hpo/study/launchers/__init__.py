"""Where the trials of a study run: one launcher a file, each a plug-in of the kind ``launcher``."""
