"""The probe: gates, states and per-step gradients of fused recurrent layers.

``rnncore.probe`` is this package and the function that one calls: once the package is imported, Python binds
its name in ``rnncore``, so the package itself is made callable.
"""

import sys
from types import ModuleType
from typing import Any

from rnncore.probe.layers import CallTrace, LayerGradients, LayerTrace, ModuleTrace
from rnncore.probe.probe import Probe, probe
from rnncore.probe.trace import Gradients, Trace

__all__ = ["CallTrace", "Gradients", "LayerGradients", "LayerTrace", "ModuleTrace", "Probe", "Trace", "probe"]


class _CallablePackage(ModuleType):
    def __call__(self, *args: Any, **options: Any) -> Probe:
        return probe(*args, **options)


sys.modules[__name__].__class__ = _CallablePackage
