"""Renderers of the journal; they read it through the judge and know nothing else of a run."""
