"""Read `params/`: YAML by the safe loader, checked strictly, faults told in one line."""

import json
import os
from collections.abc import Mapping
from functools import lru_cache
from itertools import chain
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from xstilts.errors import SpecError, nearest, unknown
from xstilts.params.corpus import CorpusSpec
from xstilts.params.source import ONE, SEVERAL
from xstilts.params.spec import ModelSpec, StudySpec, TaskSpec, base_task

S = TypeVar("S", bound=BaseModel)
#: folders of params/, and what one of their files is called
_ONE = {"models": "model", "tasks": "task", "corpora": "corpus", "studies": "study"}


def project_root() -> Path:
    """Return the folder that holds `params/`: $XSTILTS_ROOT, or the closest above the cwd."""
    if root := os.environ.get("XSTILTS_ROOT"):
        return Path(root)
    here = Path.cwd()
    for folder in (here, *here.parents):
        if (folder / "params" / "studies").is_dir():
            return folder
    return Path(__file__).resolve().parents[3]


class _UniqueKeys(yaml.SafeLoader):
    """Refuses a key that is written twice, which YAML would silently let win."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[str] = set()
        for key_node, _ in node.value:
            key = str(self.construct_object(key_node, deep=True))
            if key in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"key '{key}' is written twice", key_node.start_mark
                )
            seen.add(key)
        return super().construct_mapping(node, deep)


def _shown(path: Path) -> str:
    try:
        return str(path.relative_to(project_root()))
    except ValueError:
        return str(path)


def read_yaml(path: Path) -> Mapping[str, Any]:
    """Return the mapping in a YAML file.

    Raises:
        SpecError: no such file, not YAML, or no mapping.
    """
    where = _shown(path)
    try:
        value = yaml.load(path.read_text(encoding="utf-8"), Loader=_UniqueKeys)
    except FileNotFoundError:
        raise SpecError(f"{where}: file not found") from None
    except UnicodeDecodeError as error:
        raise SpecError(f"{where}: not UTF-8 ({error.reason})") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f":{mark.line + 1}" if mark else ""
        raise SpecError(f"{where}{line}: not YAML ({getattr(error, 'problem', error)})") from None
    if not isinstance(value, dict):
        raise SpecError(f"{where}: found {type(value).__name__}, allowed: a mapping of keys")
    return value


def _fields_at(spec: type[BaseModel], path: tuple[int | str, ...]) -> list[str]:
    """Return the names of the fields of the (nested) model that `path` leads into."""
    place: Any = spec
    for step in path:
        inside = _models(place)
        tagged = [m for m in inside if step in _tags(m)]
        if tagged:
            place = tagged[0]
        elif len(inside) == 1 and str(step) in inside[0].model_fields:
            place = inside[0].model_fields[str(step)].annotation
        # else the place of a value in a list, or its key in a mapping
    return [name for model in _models(place)[:1] for name in model.model_fields]


def _models(annotation: Any) -> list[type[BaseModel]]:
    """Return the models that a type is made of, each once."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    inside = (_models(part) for part in getattr(annotation, "__args__", ()))
    return list(dict.fromkeys(chain.from_iterable(inside)))


def _tags(model: type[BaseModel]) -> tuple[Any, ...]:
    kind = model.model_fields.get("kind")
    return getattr(kind.annotation, "__args__", ()) if kind else ()


def _describe(error: Mapping[str, Any], spec: type[BaseModel]) -> str:
    """Return `key: found X; allowed Y.` with the nearest name, for one pydantic error."""
    location = tuple(step for step in error["loc"] if step not in (ONE, SEVERAL))
    key = ".".join(str(step) for step in location) or "file"
    kind, found, context = error["type"], error.get("input"), error.get("ctx", {})
    if kind == "extra_forbidden":
        allowed = _fields_at(spec, location[:-1])
        return (
            f"key '{key}' is unknown; allowed: {', '.join(allowed)}."
            f"{nearest(location[-1], allowed)}"
        )
    if kind == "missing":
        return f"key '{key}' is missing"
    if kind == "union_tag_not_found":
        return f"key '{key}.kind' is missing"
    if kind in ("literal_error", "union_tag_invalid"):
        expected = context.get("expected") or context["expected_tags"]
        if "tag" in context:
            key, found = f"{key}.kind", context["tag"]
        allowed = [part.strip(" '") for part in expected.replace(" or ", ",").split(",")]
        return f"{key}: found {found!r}; allowed: {expected}.{nearest(found, allowed)}"
    if kind == "value_error":
        return str(context["error"])
    shown = json.dumps(found, ensure_ascii=False, default=str)
    hint = ""
    if isinstance(found, str) and "number" in error["msg"]:
        hint = " (YAML reads 1e-5 as text; write 1.0e-5)"
    return f"{key}: found {shown[:60]} ({type(found).__name__}); allowed: {error['msg']}{hint}"


def parse(spec: type[S], values: Mapping[str, Any], where: str) -> S:
    """Return `values` as a validated spec.

    Raises:
        SpecError: every fault of the file, in one line, each with its key.
    """
    try:
        return spec.model_validate_json(json.dumps(values, default=str))
    except ValidationError as error:
        faults = "; ".join(_describe(one, spec) for one in error.errors(include_url=False))
        raise SpecError(f"{where}: {faults}") from None


def names(kind: str) -> list[str]:
    """Return the names of the YAML files in params/<kind>/, sorted."""
    return sorted(path.stem for path in (project_root() / "params" / kind).glob("*.yaml"))


def _load(spec: type[S], kind: str, name: str, asked_by: str) -> S:
    if name not in names(kind):
        raise SpecError(unknown(_ONE[kind], name, names(kind), asked_by))
    path = project_root() / "params" / kind / f"{name}.yaml"
    return parse(spec, read_yaml(path), _shown(path))


@lru_cache
def load_model(name: str, asked_by: str = "params/models") -> ModelSpec:
    """Return params/models/<name>.yaml. Raises SpecError, naming who asked for it."""
    return _load(ModelSpec, "models", name, asked_by)


@lru_cache
def load_task(name: str, asked_by: str = "params/tasks") -> TaskSpec:
    """Return params/tasks/<name>.yaml; of "xnli@16000" that of xnli, its items in the title.

    Raises SpecError, naming who asked for it.
    """
    base, _, items = name.partition("@")
    spec = _load(TaskSpec, "tasks", base, asked_by)
    if spec.test_draw:
        key = f"params/tasks/{base}.yaml: test_draw"
        other = _load(TaskSpec, "tasks", spec.test_draw, key)
        # a draw by one name is of another set if the files differ
        if other.test_draw or _test_source(other) != _test_source(spec):
            raise SpecError(
                f"{key}: '{spec.test_draw}' scores other files; allowed: a task with the same "
                "source.test and a draw of its own"
            )
    title = f"{spec.title}, {int(items):,} items" if items else spec.title
    return spec.model_copy(update={"title": title})


def _test_source(spec: TaskSpec) -> Any:
    return getattr(spec.source, "test", spec.source)


@lru_cache
def load_corpus(name: str, asked_by: str = "params/corpora") -> CorpusSpec:
    """Return params/corpora/<name>.yaml. Raises SpecError, naming who asked for it."""
    return _load(CorpusSpec, "corpora", name, asked_by)


@lru_cache
def load_study(name: str) -> StudySpec:
    """Return params/studies/<name>.yaml with every file that it names checked.

    Raises:
        SpecError: the file is wrong, or names a model, task, corpus or budget that is not there.
    """
    study = _load(StudySpec, "studies", name, "study")
    file = f"params/studies/{name}.yaml"
    for model in study.models:
        load_model(model, f"{file}: models")
    for key in ("intermediates", "targets"):
        for task in getattr(study, key):
            spec = load_task(task, f"{file}: {key}")
            if key == "targets" and not spec.test_languages:
                raise SpecError(f"{file}: {key}: task '{task}' has no test_languages")
    for corpus in study.corpora:
        load_corpus(corpus, f"{file}: corpora")
    _check_keys(study, file)
    return study


def _check_keys(study: StudySpec, file: str) -> None:
    tasks = {*study.intermediates, *study.targets}
    for one in study.hypotheses:
        if one.target is not None and one.target not in study.targets:
            where = f"{file}: hypotheses: {one.name}"
            raise SpecError(unknown("target", one.target, study.targets, where))
    for name in study.beside:
        if name not in names("studies"):
            raise SpecError(unknown("study", name, names("studies"), f"{file}: beside"))
    for name in study.budgets:
        if name not in set(map(base_task, tasks)):
            raise SpecError(unknown("task", name, set(map(base_task, tasks)), f"{file}: budgets"))
    for name in study.optimizers:
        if name not in study.models:
            raise SpecError(unknown("model", name, study.models, f"{file}: optimizers"))
    for task in sorted(tasks):
        available = load_task(task).train_items
        stages = [("intermediate", study.intermediates), ("target", study.targets)]
        for stage, members in stages:
            if task in members and study.budget(task, stage).items > available:
                asked = study.budget(task, stage).items
                raise SpecError(
                    f"{file}: {stage} budget: {asked} items asked of task '{task}', which has "
                    f"{available} (params/tasks/{base_task(task)}.yaml: train_items)"
                )
