"""Encoders as ordinary Hugging Face folders: find one, open it, save one.

Nothing that a folder holds is executed: weights are read as safetensors only, code beside
them is ignored.
"""

import logging
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from huggingface_hub import snapshot_download
from safetensors import SafetensorError
from torch import nn
from transformers import AutoConfig, AutoModel
from transformers.utils import logging as transformers_logging

from xstilts.encoders.architecture import ARCHITECTURES, architecture, dropout_names
from xstilts.errors import EncoderError, unknown
from xstilts.files import read_json
from xstilts.params.load import project_root
from xstilts.params.spec import FolderSource, HubSource

log = logging.getLogger(__name__)

WEIGHTS = "model.safetensors"
INDEX = "model.safetensors.index.json"
#: any of the first three is enough for a tokenizer
TOKENIZER_FILES = (
    "tokenizer.json",
    "sentencepiece.bpe.model",
    "spm.model",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
)
_HUB_FILES = ("config.json", "model*.safetensors", INDEX, *TOKENIZER_FILES)
#: parts of a published checkpoint that sit on top of the encoder
_HEADS = re.compile(
    r"(^|\.)(pooler|lm_head|cls|classifier|mask_predictions|lm_predictions|head|decoder|qa_outputs"
    r"|position_ids)(\.|$)"
)
_COMMIT = re.compile(r"[0-9a-f]{40}")


# ---- find ---------------------------------------------------------------------------------


def resolve_folder(source: FolderSource) -> Path:
    """Return the folder that a parameter file names; relative paths start at the project.

    Raises:
        EncoderError: no such folder, or config, weights or tokenizer are not in it.
    """
    folder = project_root() / Path(source.path).expanduser()
    if not folder.is_dir():
        raise EncoderError(f"{folder}: folder not found (source: folder, path: {source.path})")
    _check(folder, tokenizer=True)
    return folder


def resolve_hub(source: HubSource) -> Path:
    """Return the local folder of a hub repository, downloaded once into the hub's own cache.

    Takes config, safetensors and tokenizer files only. A pinned commit that the cache holds
    is used without asking the network.

    Raises:
        EncoderError: not in the cache and the hub cannot be reached, no such repository
            or revision, or no safetensors in it.
    """
    pinned = _COMMIT.fullmatch(source.revision) is not None
    if not pinned:
        log.warning("%s: revision %s may move; pin a commit", source.id, source.revision)

    def fetch(offline: bool) -> Path:
        return Path(
            snapshot_download(
                source.id,
                revision=source.revision,
                allow_patterns=list(_HUB_FILES),
                local_files_only=offline,
            )
        )

    if pinned:
        try:
            folder = fetch(offline=True)
            _check(folder, tokenizer=True)
            return folder
        except (OSError, ValueError, EncoderError):
            log.info("%s at %s is not complete in the cache", source.id, source.revision)
    try:
        folder = fetch(offline=False)
    except Exception as error:  # the network layers below share no base class
        raise EncoderError(_hub_fault(source, error)) from error
    _check(folder, tokenizer=True)
    return folder


def _hub_fault(source: HubSource, error: Exception) -> str:
    what = {
        "RepositoryNotFoundError": "the hub has no such repository",
        "GatedRepoError": "the repository wants an account with access",
        "RevisionNotFoundError": "the repository has no such revision",
    }.get(type(error).__name__, "not in the local cache, and the hub cannot be reached")
    return (
        f"hub repository {source.id} at revision {source.revision}: {what} "
        f"({type(error).__name__}). Fetch it where there is a network, or put its files in a "
        "folder and write `source: {kind: folder, path: ...}`"
    )


def _check(folder: Path, *, tokenizer: bool) -> None:
    """Raise EncoderError, naming the file, when the folder cannot be an encoder."""
    if not (folder / "config.json").is_file():
        raise EncoderError(f"{folder}: config.json not found")
    if (folder / INDEX).is_file():
        shards = set(read_json(folder / INDEX).get("weight_map", {}).values())
        missing = sorted(name for name in shards if not (folder / name).is_file())
    else:
        missing = [] if (folder / WEIGHTS).is_file() else [WEIGHTS]
    if missing:
        pickled = sorted(path.name for path in folder.glob("*.bin"))
        hint = f"; {', '.join(pickled)} is pickled and not read" if pickled else ""
        raise EncoderError(f"{folder}: {', '.join(missing)} not found{hint}")
    if tokenizer and not any((folder / name).is_file() for name in TOKENIZER_FILES[:3]):
        allowed = ", ".join(TOKENIZER_FILES[:3])
        raise EncoderError(f"{folder}: no tokenizer found; allowed: {allowed}")


# ---- open ---------------------------------------------------------------------------------


def open_encoder(
    folder: Path,
    *,
    layers: int | None = None,
    dropout: float = 0.0,
    device: torch.device | str = "cpu",
    dtype: torch.dtype = torch.float32,
) -> nn.Module:
    """Return the encoder of a folder, without a pooler, in evaluation mode.

    Args:
        folder: config.json and safetensors weights.
        layers: blocks kept, from the bottom; None keeps all. A final norm, where the class
            has one, stays on top of the last block kept.
        dropout: probability set at every dropout inside the encoder.
        device: where the weights go.
        dtype: of the weights, whatever the file holds.

    Raises:
        EncoderError: a file is missing or broken, the class is unknown, more layers are
            asked than there are, or weights do not fit the configuration.

    Source: keeping the lower blocks, Sajjad et al. 2023 (arXiv 2004.03844), top-layer dropping.
    """
    _check(folder, tokenizer=False)
    config = _config(folder, layers, dropout)
    row = architecture(config)
    options: dict[str, Any] = {"add_pooling_layer": False} if row.pooler else {}
    try:
        with _quiet():
            model, report = AutoModel.from_pretrained(
                folder,
                config=config,
                dtype=dtype,
                local_files_only=True,
                use_safetensors=True,
                trust_remote_code=False,
                output_loading_info=True,
                **options,
            )
    except (OSError, ValueError, RuntimeError, SafetensorError) as error:
        raise EncoderError(f"{folder}: weights not readable ({_first_line(error)})") from error
    _check_keys(folder, report, row.blocks, config.num_hidden_layers)
    return model.to(device).eval()


def _config(folder: Path, layers: int | None, dropout: float) -> Any:
    """Return the folder's configuration with depth and dropout set."""
    where = folder / "config.json"
    # asked here because AutoConfig's own answer lists some 400 classes
    kind = read_json(where).get("model_type")
    if kind not in ARCHITECTURES:
        raise EncoderError(unknown("model_type", kind, ARCHITECTURES, str(where)))
    try:
        with _quiet():
            config = AutoConfig.from_pretrained(
                folder, local_files_only=True, trust_remote_code=False
            )
    except (OSError, ValueError, TypeError) as error:
        raise EncoderError(f"{where}: not readable ({_first_line(error)})") from error
    for name in dropout_names(config):
        setattr(config, name, dropout)
    if layers is not None:
        if not 1 <= layers <= config.num_hidden_layers:
            raise EncoderError(
                f"{where}: layers: {layers} asked; allowed: 1 to {config.num_hidden_layers}"
            )
        config.num_hidden_layers = layers
        if getattr(config, "layer_types", None):
            config.layer_types = config.layer_types[:layers]
    return config


def _check_keys(folder: Path, report: dict[str, Any], blocks: str, layers: int) -> None:
    """Refuse weights that would be left at random, and weights that have no place."""

    def above(key: str) -> bool:
        found = re.search(rf"(?:^|\.){re.escape(blocks)}\.(\d+)\.", key)
        return found is not None and int(found[1]) >= layers

    missing = sorted(report["missing_keys"])
    surplus = sorted(k for k in report["unexpected_keys"] if not _HEADS.search(k) and not above(k))
    for what, keys in (("missing", missing), ("without a place in the encoder", surplus)):
        if keys:
            more = f" and {len(keys) - 3} more" if len(keys) > 3 else ""
            raise EncoderError(f"{folder}: weights {what}: {', '.join(keys[:3])}{more}")


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0][:200] if str(error).strip() else type(error).__name__


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep transformers' bar and table of keys off the terminal; the keys are checked here."""
    level, bar = (
        transformers_logging.get_verbosity(),
        transformers_logging.is_progress_bar_enabled(),
    )
    transformers_logging.set_verbosity_error()
    transformers_logging.disable_progress_bar()
    try:
        yield
    finally:
        transformers_logging.set_verbosity(level)
        if bar:
            transformers_logging.enable_progress_bar()


# ---- save ---------------------------------------------------------------------------------


def save_encoder(model: nn.Module, folder: Path, *, tokenizer_from: Path | None = None) -> None:
    """Write config.json and model.safetensors; `folder` is whole, or is what it was before.

    Args:
        model: an encoder, with or without a head class of `transformers` around it.
        folder: replaced if it exists.
        tokenizer_from: a folder whose tokenizer files are copied along, which makes the
            new folder an ordinary Hugging Face folder.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}."))
    try:
        new = work / "new"
        with _quiet():
            model.save_pretrained(new, max_shard_size="200GB")
        for name in TOKENIZER_FILES if tokenizer_from else ():
            if (tokenizer_from / name).is_file():
                shutil.copyfile(tokenizer_from / name, new / name)
        for path in new.iterdir():
            with path.open("rb") as file:
                os.fsync(file.fileno())
        if folder.exists():
            folder.rename(work / "old")
        new.rename(folder)
    finally:
        shutil.rmtree(work, ignore_errors=True)
