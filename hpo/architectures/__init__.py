"""The architectures: one file each, a model as a function of its parameters, nothing about a study.

A file offers ``build(params, input_shape, classes) -> keras.Model`` and, beside it, ``Parameters``,
``THESIS`` and ``DEFAULTS``. ``architecture.load(name)`` gathers them. Keras is imported inside
``build`` alone, so that names and ranges can be checked without it.
"""
