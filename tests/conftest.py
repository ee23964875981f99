"""What holds for every test: its own run store, and one torch thread, as in a worker."""

import atexit
import os
import shutil
import tempfile

import torch

torch.set_num_threads(1)  # many small steps on several threads mostly wait for each other

_HOME = tempfile.mkdtemp(prefix="rnncore-tests-")
os.environ["RNNCORE_HOME"] = _HOME  # never the store of whoever runs the tests
for _other in ("RNNCORE_STORE", "RNNCORE_SCHEDULER"):
    os.environ.pop(_other, None)
atexit.register(shutil.rmtree, _HOME, ignore_errors=True)
