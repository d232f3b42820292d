"""What a cell leaves: manifest, tables, keys; and collecting them.

Nothing is imported here, so that an edit of what collects runs does not make them stale.
"""
