"""The lecture's measurements: one module for each experiment, each with ``measure(settings)``. These import torch."""
