"""Speed and memory of the project's engine beside the usual trainers, on equal work."""
