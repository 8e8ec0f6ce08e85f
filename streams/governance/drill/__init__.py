"""An attacker against a system of its own: who can write to store and topics, and what stops or names it."""
