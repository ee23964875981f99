"""One torch thread, as in a worker: many small steps on several threads mostly wait for each other."""

import torch

torch.set_num_threads(1)
