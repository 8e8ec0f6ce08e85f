"""The worker process: from the raw topics to the store and the findings topic."""
