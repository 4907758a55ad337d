"""What is wrong with a dataset of faces: duplicates, leaks, labels, and images without a face."""
