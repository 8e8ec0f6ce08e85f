"""The error tree. The class decides what the worker does.

WatchlineError
├── PoisonError       the data is bad: dead letter, go on
├── TransientError    the world is bad: bounded retry, then crash
└── FatalError        we are bad, or told wrongly: crash
    └── ConfigurationError
"""


class WatchlineError(Exception):
    """Base of every error that Watchline raises on purpose."""


class PoisonError(WatchlineError):
    """A message or an event that can never be processed. Its text never quotes the data."""


class TransientError(WatchlineError):
    """Something outside failed and may work when tried again."""


class FatalError(WatchlineError):
    """Going on would lose or falsify data."""


class ConfigurationError(FatalError):
    """A setting is missing or wrong; the message names it and says what is allowed."""
