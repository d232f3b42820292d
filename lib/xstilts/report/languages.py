"""Names, scripts and families of the languages that a task may be scored in."""

from collections.abc import Iterable
from dataclasses import dataclass

from xstilts.miniature import LANGUAGES


@dataclass(frozen=True, slots=True)
class Tongue:
    """A language; `script` is ISO 15924."""

    code: str
    name: str
    script: str
    family: str


#: languages of XNLI and PAWS-X that the miniature does not speak (families as in Ethnologue)
_OTHERS = (
    Tongue("ar", "Arabic", "Arab", "Semitic"),
    Tongue("bg", "Bulgarian", "Cyrl", "Slavic"),
    Tongue("el", "Greek", "Grek", "Hellenic"),
    Tongue("fr", "French", "Latn", "Romance"),
    Tongue("hi", "Hindi", "Deva", "Indo-Aryan"),
    Tongue("ko", "Korean", "Hang", "Koreanic"),
    Tongue("th", "Thai", "Thai", "Tai"),
    Tongue("ur", "Urdu", "Arab", "Indo-Aryan"),
    Tongue("vi", "Vietnamese", "Latn", "Austroasiatic"),
)
#: Latin first, then roughly by how far a script is from it
_SCRIPTS = ("Latn", "Cyrl", "Grek", "Arab", "Deva", "Thai", "Hang", "Jpan", "Hans", "Hant")
_KNOWN = {tongue.code: tongue for tongue in _OTHERS} | {
    code: Tongue(code, language.name, language.script, language.family)
    for code, language in LANGUAGES.items()
}


def tongue(code: str) -> Tongue:
    """Return what is known of a language; an unknown code stands for itself."""
    return _KNOWN.get(code, Tongue(code, code, "Zyyy", "unknown"))


def ordered(codes: Iterable[str]) -> list[str]:
    """Return the codes by script and family, English first."""

    def place(code: str) -> tuple[bool, int, str, str]:
        known = tongue(code)
        script = _SCRIPTS.index(known.script) if known.script in _SCRIPTS else len(_SCRIPTS)
        return code != "en", script, known.family, known.code

    return sorted(codes, key=place)
