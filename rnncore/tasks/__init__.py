"""What is learned. One file per task; a task gives batches, a loss, and its floor."""
