"""Workers and child processes: where a trial runs and how it is watched."""
