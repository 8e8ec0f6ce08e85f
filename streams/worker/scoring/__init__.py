"""The scoring process, in which everything that reads an app's text runs, and what the worker does when it fails."""
