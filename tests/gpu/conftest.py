"""The tiny encoders of the tests of training."""

from training.conftest import encoder, hub_folder

__all__ = ["encoder", "hub_folder"]
