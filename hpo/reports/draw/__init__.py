"""Report data → Plotly figures, one section per file; the order is that of the catalogue."""
