"""Whether the worker makes progress: as pages, metrics and canaries."""
