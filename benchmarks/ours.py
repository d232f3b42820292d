"""The project's engine as a worker."""

from multiprocessing.connection import Connection

from benchmarks.engine import Job, open_ours, train_ours
from benchmarks.training import Watch, start_worker


def train(job: Job, pipe: Connection) -> None:
    """Train a row's pairs as the project does, in turns."""
    start_worker()
    classifier, pairs = open_ours(job)
    watch = Watch(job, pipe, classifier.encoder, pairs, job.precision, ours=True)
    watch.clock.begin()
    losses = train_ours(
        classifier, pairs, job.row, watch.course.epochs, lambda done, _: watch.clock.step(done)
    )
    watch.finish(losses, optimizer="AdamW, fused", attention="packed")
