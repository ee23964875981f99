"""Figures: pure functions from records to ``plotly.graph_objects.Figure``. One file per concept."""
