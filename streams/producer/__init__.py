"""What an app imports: events into a bounded buffer, sent to Kafka by a background thread."""

from watchline.streams.producer.producer import Producer

__all__ = ["Producer"]
