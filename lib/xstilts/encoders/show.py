"""A prepared encoder for the eye: tables and a picture that the encoder notebook shows."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from xstilts.encoders.prepare import PreparedEncoder
from xstilts.encoders.sentence import load_sentences
from xstilts.encoders.vector import sentence_vectors
from xstilts.tasks.show import Picture, picture

__all__ = ["facts", "heat_map", "similarity", "translation_check"]


def facts(prepared: PreparedEncoder) -> pd.DataFrame:
    """Return what was prepared, a row a fact; parameters in millions."""
    found = prepared.facts
    source = found["source"]
    named = {
        "wheel": lambda: f"{source['package']} {source['version']}, {source['file']}",
        "folder": lambda: source["path"],
        "hub": lambda: f"{source['id']} at {source['revision']}",
    }
    rows = {
        "model": found["model"],
        "family": found["family"],
        "licence": found["licence"],
        "class": found["class"],
        f"source ({source['kind']})": named[source["kind"]](),
        "layers kept": f"{found['layers']} of {found['layers_of_all']}",
        "body, millions": f"{found['body_params'] / 1e6:.1f}",
        "total, millions": f"{found['total_params'] / 1e6:.1f}",
        "embedding rows kept": f"{found['vocabulary']:,} of {found['vocabulary_of_all']:,}",
        "stored, millions": f"{found['stored_params'] / 1e6:.1f}",
        "weights, sha256": found["weights_sha256"],
    }
    return pd.DataFrame({"fact": list(rows), "value": list(rows.values())}).set_index("fact")


def translation_check(folder: Path) -> pd.DataFrame:
    """Return, for every language, how close translations into English lie in an encoder.

    Columns: `translation`, mean cosine of a sentence and its English translation; `others`,
    mean cosine with the other English sentences; `retrieved`, percent of sentences whose
    closest English sentence is their translation; `sentences`, how many. The mean over all
    vectors is taken off first.
    """
    texts = load_sentences()
    languages = list(texts[0])
    vectors = _centred(folder, [row[code] for code in languages for row in texts])
    by_language = vectors.reshape(len(languages), len(texts), -1)
    english = by_language[languages.index("en")]
    same = np.eye(len(texts), dtype=bool)
    rows = {}
    for code, own in zip(languages, by_language, strict=True):
        if code == "en":
            continue
        cosine = own @ english.T
        rows[code] = {
            "translation": cosine[same].mean(),
            "others": cosine[~same].mean(),
            "retrieved": 100 * (cosine.argmax(axis=1) == np.arange(len(texts))).mean(),
            "sentences": len(texts),
        }
    table = pd.DataFrame.from_dict(rows, orient="index").rename_axis("language")
    return table.astype({"sentences": int}).round({"translation": 2, "others": 2, "retrieved": 1})


def similarity(prepared: PreparedEncoder, *, sentences: int = 4) -> Picture:
    """Draw the cosine of the first sentences of the check with one another, all languages."""
    texts = load_sentences()
    languages = list(texts[0])
    # every sentence is encoded, because the mean taken off should be that of the check
    vectors = _centred(prepared.folder, [row[code] for row in texts for code in languages])
    shown = vectors[: sentences * len(languages)]
    return heat_map(shown @ shown.T, languages * sentences, sentences, prepared.facts["model"])


def _centred(folder: Path, texts: list[str]) -> np.ndarray:
    """Return unit vectors: raw ones of a multilingual encoder share one large direction."""
    vectors = sentence_vectors(folder, texts)
    vectors = vectors - vectors.mean(axis=0)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def heat_map(cosines: np.ndarray, languages: Sequence[str], items: int, model: str) -> Picture:
    """Draw cosines, (texts, texts), of `items` sentences, each in every language in turn."""
    count = len(languages)
    figure = Figure(figsize=(1.6 + 0.2 * count, 1.2 + 0.2 * count))
    axes = figure.subplots()
    image = axes.imshow(cosines, cmap="cividis", vmin=-0.2, vmax=1)
    axes.set_xticks(range(count), languages, fontsize=7)
    axes.set_yticks(range(count), languages, fontsize=7)
    each = count // items
    for edge in range(each, count, each):
        axes.axhline(edge - 0.5, color="white", linewidth=1.5)
        axes.axvline(edge - 0.5, color="white", linewidth=1.5)
    figure.colorbar(image, ax=axes, label="cosine", shrink=0.8)
    group = np.arange(count) // each
    same = (group[:, None] == group[None, :]) & ~np.eye(count, dtype=bool)
    near, far = cosines[same].mean(), cosines[group[:, None] != group[None, :]].mean()
    alt = (
        f"Cosine similarity of {items} sentences in {each} languages under {model} as pretrained: "
        f"{near:.2f} between translations, {far:.2f} between different sentences."
    )
    return picture(figure, alt)
