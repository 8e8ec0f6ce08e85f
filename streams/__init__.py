"""Everything that moves: the producer for apps, and the worker with what belongs to it."""

from watchline.streams.producer import Producer

__all__ = ["Producer"]
