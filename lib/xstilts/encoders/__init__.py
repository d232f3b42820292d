"""Encoders: where weights come from, and what differs between their classes."""
