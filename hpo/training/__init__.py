"""Training as a pure function from a job and a stream of epoch reports to a result."""
