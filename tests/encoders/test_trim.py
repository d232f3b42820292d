import numpy as np
import pytest
import torch

from xstilts.encoders.architecture import ARCHITECTURES, word_embedding
from xstilts.encoders.folder import open_encoder, save_encoder
from xstilts.encoders.trim import trim_vocabulary
from xstilts.errors import EncoderError

KINDS = tuple(ARCHITECTURES)


def remapped(trimmed, ids):
    return torch.from_numpy(trimmed.remap(ids.numpy()))


@pytest.fixture
def padded(batch):
    """Return a maker of a batch whose padded places hold the padding id of the model."""

    def make(model):
        ids, mask = batch
        return ids.where(mask.bool(), torch.tensor(model.config.pad_token_id)), mask

    return make


@pytest.mark.parametrize("kind", KINDS)
def test_outputs_are_those_of_the_whole_vocabulary_bit_for_bit(hub_folder, padded, kind):
    whole, model = open_encoder(hub_folder(kind)), open_encoder(hub_folder(kind))
    ids, mask = padded(whole)
    trimmed = trim_vocabulary(model, ids.unique().tolist())
    assert word_embedding(model).num_embeddings == len(trimmed.rows) < 60
    found = model(input_ids=remapped(trimmed, ids), attention_mask=mask)[0]
    assert torch.equal(found, whole(input_ids=ids, attention_mask=mask)[0])


@pytest.mark.parametrize("kind", KINDS)
def test_the_padding_id_and_those_below_do_not_move(hub_folder, kind):
    model = open_encoder(hub_folder(kind))
    padding = word_embedding(model).padding_idx
    trimmed = trim_vocabulary(model, [40, 7])
    assert trimmed.rows.tolist() == [*range(padding + 1), 7, 40]
    assert word_embedding(model).padding_idx == padding == model.config.pad_token_id
    assert model.config.vocab_size == len(trimmed.rows)


def train(model, steps, ids, mask, clip):
    embeddings = word_embedding(model).weight
    others = [p for p in model.parameters() if p is not embeddings]
    groups = [{"params": others, "weight_decay": 0.1}, {"params": [embeddings], "weight_decay": 0}]
    optimizer = torch.optim.AdamW(groups, lr=1e-3)
    goal = torch.randn(*ids.shape, 32, generator=torch.Generator().manual_seed(1))
    for step in range(steps):
        chosen = slice(step % 2, 3)  # some rows are not read in some steps
        out = model(input_ids=ids[chosen], attention_mask=mask[chosen])[0]
        loss = ((out - goal[chosen]) ** 2)[mask[chosen].bool()].mean()
        optimizer.zero_grad()
        loss.backward()
        if clip:
            torch.nn.utils.clip_grad_norm_(model.parameters(), clip)
        optimizer.step()


@pytest.mark.parametrize("clip", [None, 0.05])
@pytest.mark.parametrize("kind", KINDS)
def test_trained_weights_are_those_of_the_whole_vocabulary(hub_folder, padded, kind, clip):
    whole, model = open_encoder(hub_folder(kind)), open_encoder(hub_folder(kind))
    ids, mask = padded(whole)
    before = word_embedding(whole).weight.detach().clone()
    trimmed = trim_vocabulary(model, ids.unique().tolist())
    train(whole, 5, ids, mask, clip)
    train(model, 5, remapped(trimmed, ids), mask, clip)
    trimmed.restore(model)
    assert word_embedding(model).weight.shape == before.shape
    assert not torch.equal(word_embedding(model).weight, before)
    expected = dict(whole.named_parameters())
    for name, found in model.named_parameters():
        torch.testing.assert_close(found, expected[name], atol=1e-6, rtol=0, msg=name)


def test_a_restored_encoder_saves_as_a_whole_one(hub_folder, tmp_path):
    model = open_encoder(hub_folder("xlm-roberta"))
    before = word_embedding(model).weight.detach().clone()
    trimmed = trim_vocabulary(model, [5, 9])
    with torch.no_grad():
        word_embedding(model).weight[2] = 3.0
    trimmed.restore(model)
    save_encoder(model, tmp_path / "saved")
    found = word_embedding(open_encoder(tmp_path / "saved")).weight
    assert (found[5] == 3).all()
    same = torch.arange(60) != 5
    assert torch.equal(found[same], before[same])
    assert model.config.vocab_size == 60


def test_remap_keeps_the_shape_and_refuses_what_was_not_kept(hub_folder):
    trimmed = trim_vocabulary(open_encoder(hub_folder("xlm-roberta")), [5, 9, 30])
    ids = np.array([[0, 30], [9, 5]], dtype=np.int32)
    new = trimmed.remap(ids)
    assert new.dtype == np.int64
    assert new.tolist() == [[0, 4], [3, 2]]
    assert trimmed.remap(np.array([], dtype=np.int64)).shape == (0,)
    for bad in (8, 59, 400, -1):
        with pytest.raises(EncoderError, match=rf"piece {bad} was not kept.*5 of 60"):
            trimmed.remap(np.array([5, bad]))


def test_an_id_without_a_row_is_refused(hub_folder):
    model = open_encoder(hub_folder("bert"))
    for bad in (-1, 60):
        with pytest.raises(EncoderError, match=rf"no row for word piece {bad}; allowed: 0 to 59"):
            trim_vocabulary(model, [3, bad])


def test_restoring_another_model_is_refused(hub_folder):
    trimmed = trim_vocabulary(open_encoder(hub_folder("bert")), [3])
    with pytest.raises(EncoderError, match=r"found shape \(60, 32\); 2 rows of 32"):
        trimmed.restore(open_encoder(hub_folder("bert")))
