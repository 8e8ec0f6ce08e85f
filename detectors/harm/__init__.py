"""Toxicity, bias and injection: windows of a text, judged by n-grams and by layers that all three share."""
