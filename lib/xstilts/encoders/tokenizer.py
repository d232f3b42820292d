"""XLM-R's tokenizer from its word pieces: the whole one, and one with the pieces in use.

`tokenizers` segments a text into the pieces of highest summed log probability (Unigram).
"""

import io
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import islice
from pathlib import Path

import numpy as np
from tokenizers import AddedToken, Regex, Tokenizer, decoders, normalizers, pre_tokenizers
from tokenizers.models import Unigram
from tokenizers.processors import TemplateProcessing

from xstilts.errors import EncoderError
from xstilts.files import write_json

Pieces = Sequence[tuple[str, float]]

#: the first word pieces of XLM-R, in order, and its last
SPECIALS = ("<s>", "<pad>", "</s>", "<unk>")
MASK = "<mask>"
#: texts segmented at a time, a bound on memory
_CHUNK = 8192


@lru_cache
def _charsmap() -> bytes:
    """Return sentencepiece's table of the normalisation `nmt_nfkc`.

    The table is compiled into sentencepiece and comes out with any model that it trains.
    """
    import sentencepiece
    from sentencepiece import sentencepiece_model_pb2

    trained = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(["a b", "b a"]),
        model_writer=trained,
        vocab_size=8,
        hard_vocab_limit=False,
        normalization_rule_name="nmt_nfkc",
        num_threads=1,
        minloglevel=2,
    )
    model = sentencepiece_model_pb2.ModelProto.FromString(trained.getvalue())
    return model.normalizer_spec.precompiled_charsmap


def build_tokenizer(pieces: Pieces, where: str = "word pieces") -> Tokenizer:
    """Return XLM-R's tokenizer over `pieces`, (piece, log probability) by id.

    A text becomes `<s> A </s>`, a pair `<s> A </s></s> B </s>`.

    Raises:
        EncoderError: the first four and the last are not XLM-R's special pieces.

    Source: `tokenizer.json` of xlm-roberta-base, but for U+200D: the table of characters
    that XLM-R was trained with makes it a space, today's keeps it.
    """
    names = tuple(name for name, _ in pieces[: len(SPECIALS)])
    if names != SPECIALS or pieces[-1][0] != MASK:
        raise EncoderError(
            f"{where}: found special word pieces {', '.join(names)}; expected "
            f"{', '.join(SPECIALS)} first and {MASK} last"
        )
    tokenizer = Tokenizer(Unigram(list(pieces), unk_id=3, byte_fallback=False))
    tokenizer.normalizer = normalizers.Sequence(
        [
            normalizers.Replace("\u200d", " "),
            normalizers.Precompiled(_charsmap()),
            normalizers.Replace(Regex(" {2,}"), " "),
        ]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="always")
    tokenizer.decoder = decoders.Metaspace(prepend_scheme="always")
    tokenizer.post_processor = TemplateProcessing(
        single="<s> $A </s>",
        pair="<s> $A </s> </s> $B </s>",
        special_tokens=[("<s>", 0), ("</s>", 2)],
    )
    specials = [AddedToken(name, normalized=False) for name in (*SPECIALS, MASK)]
    tokenizer.add_special_tokens(specials)
    return tokenizer


def used_ids(tokenizer: Tokenizer, texts: Iterable[str]) -> np.ndarray:
    """Return the ids of the pieces that the texts are segmented into, int64, sorted, unique."""
    found = np.zeros(tokenizer.get_vocab_size(), dtype=bool)
    for chunk in _chunks(texts):
        for encoding in tokenizer.encode_batch_fast(chunk):
            found[encoding.ids] = True
    return np.flatnonzero(found)


def _chunks(texts: Iterable[str]) -> Iterator[list[str]]:
    source = iter(texts)
    while chunk := list(islice(source, _CHUNK)):
        yield chunk


def kept_ids(pieces: Pieces, used: np.ndarray) -> np.ndarray:
    """Return the ids that a trimmed tokenizer needs so that `used` covers its texts.

    To the pieces used come the special ones and the one of lowest log probability. With the
    latter, the price of a character without a piece, 10 below the lowest, stays what it was;
    so no segmentation with such a character can overtake the best one, which is still
    there, and no other segmentation is new. int64, sorted.
    """
    scores = np.array([score for _, score in pieces])
    always = [*range(len(SPECIALS)), int(scores.argmin()), len(pieces) - 1]
    return np.union1d(used, np.array(always, dtype=np.int64))


def trim_pieces(pieces: Pieces, ids: np.ndarray) -> list[tuple[str, float]]:
    """Return the pieces `ids`, in their order; the place of a piece is its new id."""
    return [pieces[number] for number in ids.tolist()]


def save_tokenizer(tokenizer: Tokenizer, folder: Path, *, longest: int) -> None:
    """Write tokenizer.json and tokenizer_config.json, which AutoTokenizer opens.

    `longest`: tokens that the encoder's position table holds.
    """
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer.save(str(folder / "tokenizer.json"), pretty=False)
    write_json(
        folder / "tokenizer_config.json",
        {
            # not XLMRobertaTokenizer: that class would rebuild the normaliser its own way
            "tokenizer_class": "PreTrainedTokenizerFast",
            "model_max_length": longest,
            "model_input_names": ["input_ids", "attention_mask"],
            "clean_up_tokenization_spaces": False,
            "bos_token": "<s>",
            "cls_token": "<s>",
            "eos_token": "</s>",
            "sep_token": "</s>",
            "pad_token": "<pad>",
            "unk_token": "<unk>",
            "mask_token": MASK,
        },
    )
