"""Whether an answer is borne out by what it was given, and whether it is about the question."""
