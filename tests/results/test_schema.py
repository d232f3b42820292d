import pandas as pd
import pytest

from xstilts.results.schema import CURVE, PREDICTIONS, RUNS, conform


def row() -> pd.DataFrame:
    return pd.DataFrame(
        {"accuracy": [50], "loss": [1], "items": [16.0], "extra": ["kept"], "step": [1],
         "run": ["r"], "stage": ["target"]}
    )  # fmt: skip


def test_columns_come_in_the_schemas_order_and_types_and_others_after_them():
    table = conform(row(), CURVE)
    assert list(table.columns) == [*CURVE, "extra"]
    assert table[list(CURVE)].dtypes.astype("str").to_dict() == CURVE


def test_all_missing_columns_are_named():
    with pytest.raises(KeyError, match="columns missing: stage, loss"):
        conform(row().drop(columns=["loss", "stage"]), CURVE)


def test_a_value_of_another_type_is_refused():
    with pytest.raises(ValueError, match="many"):
        conform(row().assign(items="many"), CURVE)


def test_the_given_table_is_left_alone():
    given = row()
    conform(given, CURVE)
    pd.testing.assert_frame_equal(given, row())


@pytest.mark.parametrize("schema", [RUNS, PREDICTIONS, CURVE])
def test_every_table_is_joined_by_run(schema):
    assert next(iter(schema)) == "run"
