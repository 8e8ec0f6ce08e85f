"""Ways in beside the producer: spans of OpenTelemetry become events."""
