"""How good samples are, without a reader: NumPy and plain Python, nothing of torch.

Every measure compares a batch of equally long samples with the *training* part of a corpus, and is read beside its
level on held-out text and on two baselines (see ``levels``).
"""
