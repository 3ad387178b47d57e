"""Reading story files and their translations, and holding them to the model. All problems are told at once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar, get_args

from pydantic import BaseModel, ValidationError

from sdpolicy import library
from sdpolicy.errors import Problem, ScenarioError, suggest
from sdpolicy.lecture.schema import Language, StoryFile, Translation, problems
from sdpolicy.scenario import files

LANGUAGES: Final = get_args(Language)
T = TypeVar("T", bound=BaseModel)


@dataclass(frozen=True)
class Story:
    """A story as read: the file's content, where it stands, and its translations by language."""

    file: StoryFile
    path: Path
    digest: str
    translations: Mapping[str, Translation]

    @property
    def name(self) -> str:
        return self.path.name


def read_story(name: str | Path) -> Story:
    """Return a story: a shipped one by name (``lectures/catch-up`` or ``catch-up``), or a file by its path.

    Translations stand in the folder ``text`` beside it, as ``catch-up.ko.toml``.

    Raises:
        ScenarioError: with all that is wrong in the story and its translations.
    """
    path = story_path(name)
    found: list[Problem] = []
    content = files.read(path, path.name, "story")
    story = _checked(content.text, path.name, StoryFile, found)
    translations = {}
    for language in LANGUAGES[1:]:
        other = path.parent / "text" / f"{path.stem}.{language}.toml"
        if other.is_file():
            text = files.read(other, other.name, "translation").text
            translation = _checked(text, other.name, Translation, found)
            if translation is not None:
                translations[language] = translation
    if isinstance(story, StoryFile):
        found += _inner_problems(story, path.name)
        for language, translation in translations.items():
            found += _strangers(story, translation, f"{path.stem}.{language}.toml")
    if found or story is None:
        raise ScenarioError(found)
    return Story(story, path, content.digest, translations)


def story_path(name: str | Path) -> Path:
    """Return the file of a story."""
    shelf = library.shelf("scenarios") / library.LECTURES
    known = {path.stem.casefold(): path for path in sorted(shelf.glob("*.toml"))}
    wanted = str(name).casefold().removeprefix(f"{library.LECTURES}/")
    if wanted in known:
        return known[wanted]
    if library.is_path(name) and not str(name).startswith(f"{library.LECTURES}/"):
        return Path(name)
    cure = suggest(wanted, known) or f"The stories are: {', '.join(known)}; one of your own is given by its path."
    raise ScenarioError(Problem(str(name), "no story has this name", cure))


def _checked(text: str, file: str, kind: type[T], found: list[Problem]) -> T | None:
    try:
        return kind.model_validate(files.parse(text, file))
    except ValidationError as error:
        found += problems(error, file, kind)
    except ScenarioError as error:
        found += error.problems
    return None


def _inner_problems(story: StoryFile, file: str) -> Iterator[Problem]:
    """Yield references inside the story that lead nowhere, and levers whose ends are the wrong way round."""
    sliders, graphs = [s.id for s in story.slider], [g.id for g in story.graph]
    for kind, names in (("slider", sliders), ("graph", graphs), ("step", [s.id for s in story.step])):
        for name in {name for name in names if names.count(name) > 1}:
            yield Problem(f"{file}, {kind} '{name}'", "the id is there twice", "Rename one of the two.")
    for slider in story.slider:
        where = f"{file}, slider '{slider.id}'"
        if slider.low >= slider.high:
            yield Problem(where, f"low ({slider.low:g}) is not below high ({slider.high:g})", "Swap them.")
        elif slider.value is not None and not slider.low <= slider.value <= slider.high:
            yield Problem(where, f"the value {slider.value:g} is not between {slider.low:g} and {slider.high:g}")
    for graph in story.graph:
        if graph.low >= graph.high:
            what = f"low ({graph.low:g}) is not below high ({graph.high:g})"
            yield Problem(f"{file}, graph '{graph.id}'", what, "Swap them.")
    for step in story.step:
        where = f"{file}, step '{step.id}'"
        predicted = [step.predict.graph] if step.predict else []
        yield from _unknown(where, "slider", [*step.sliders, *step.preset], sliders)
        yield from _unknown(where, "graph", [*step.graphs, *predicted], graphs)
    if story.game:
        yield from _unknown(f"{file}, game", "slider", [*story.game.sliders, *story.game.best], sliders)
        measured = [story.game.score, *([story.game.limit] if story.game.limit else [])]
        yield from _unknown(f"{file}, game", "graph", measured, graphs)


def _strangers(story: StoryFile, translation: Translation, file: str) -> Iterator[Problem]:
    yield from _unknown(f"{file}, step", "step", translation.step, [step.id for step in story.step])


def _unknown(where: str, kind: str, names: Iterable[str], known: list[str]) -> Iterator[Problem]:
    for name in names:
        if name not in known:
            yield Problem(where, f"there is no {kind} '{name}'", suggest(name, known))
