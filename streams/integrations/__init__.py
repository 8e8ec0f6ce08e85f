"""Clients of models' libraries that have their calls watched. Each module imports its library alone."""
