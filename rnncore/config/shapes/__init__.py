"""The tasks of the lecture's shapes of networks, one file each."""
