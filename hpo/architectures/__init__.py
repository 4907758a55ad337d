"""Image classifiers, one file each: parameters, the thesis's configuration, and ``build``."""
