"""Training: a pure function from a ``TrialJob`` to a ``TrialResult`` and a stream of epochs.

``parameters`` and ``resolve`` say what can be set, without Keras; ``fit.train`` does the work;
``backend`` is the one door to TensorFlow, JAX or PyTorch.
"""
