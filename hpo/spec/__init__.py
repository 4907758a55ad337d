"""The study file, the search space, errors, seeds, names: what every other room may lean on."""
