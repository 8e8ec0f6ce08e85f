"""Whether the worker gets on, told as pages, metrics and canaries."""
