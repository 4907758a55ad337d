"""The mirror of a study in MLflow, for people to look at."""
