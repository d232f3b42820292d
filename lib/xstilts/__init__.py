"""Encoder size and intermediate-task training: a reproducible paper (see README.md)."""
