"""What somebody wrote, without what they answered to."""

import re

# How mailers begin a quotation: "On Tuesday, Ada wrote:".
WROTE = (
    r"On\b.{5,200}\bwrote",
    r"Le\b.{5,200}\ba écrit",
    r"Am\b.{5,200}\bschrieb\b.{0,120}",
    r"El\b.{5,200}\bescribió",
    r"Il\b.{5,200}\bha scritto",
    r"Em\b.{5,200}\bescreveu",
    r"Op\b.{5,200}\bschreef\b.{0,120}",
    r"Den\b.{5,200}\bskrev\b.{0,120}",
    r"W dniu\b.{5,200}\bnapisał.{0,120}",
    r"\S.{5,200}\b(?:пишет|написал)",
    r"في\b.{5,200}كتب\b.{0,120}",
)
INTRODUCTION = re.compile(rf"^[ \t]*(?:{'|'.join(WROTE)})[ \t\xa0]*:[ \t]*$", re.MULTILINE | re.IGNORECASE)
# Introductions are folded over two lines, or three; the join is what is looked at.
FOLDED = re.compile(
    r"^(?P<first>[ \t]*(?:On|Le|Am|El|Il|Em|Op|Den|W dniu)\b[^\n]{0,150})\n(?P<second>[^\n]{0,150}:)[ \t]*$",
    re.MULTILINE | re.IGNORECASE,
)
SEPARATOR = re.compile(
    r"^[ \t]*-{2,}[ \t]*(?:Original Message|Original Appointment|Ursprüngliche Nachricht|Message d'origine"
    r"|Mensaje original|Messaggio originale|Mensagem original|Oorspronkelijk bericht|Исходное сообщение)"
    r"[ \t]*-{2,}[ \t]*$",
    re.MULTILINE | re.IGNORECASE,
)
HEADER_BLOCK = re.compile(
    r"^[ \t]*(?:_{5,}[ \t]*\n\s*)?\*?(?:From|Von|De|Da|Van|От)\s?:\*?[^\n]{1,300}\n"
    r"(?:[^\n]{0,300}\n){0,3}?\s*\*?(?:Sent|Date|Gesendet|Datum|Envoyé|Fecha|Enviado|Inviato|Data|Verzonden|Отправлено)\s?:",
    re.MULTILINE | re.IGNORECASE,
)
MOST_LOOKED_AT = 200_000


def without_quotes(text: str) -> str:
    """
    Return the new part of an answer; all of it where nothing is new, or where the answers stand between the quotes.
    """
    looked_at = text[:MOST_LOOKED_AT]
    ends = [match.start() for match in (SEPARATOR.search(looked_at), HEADER_BLOCK.search(looked_at)) if match]
    introduced = _introduction(looked_at)
    if introduced is not None and _is_all_quoted(looked_at, introduced[1]):
        ends.append(introduced[0])
    kept = looked_at[: min(ends)] if ends else _without_trailing(looked_at)
    return kept.strip() or text.strip()


def _introduction(text: str) -> tuple[int, int] | None:
    """Return where "On Tuesday Ada wrote:" begins and ends."""
    if match := INTRODUCTION.search(text):
        return match.span()
    for match in FOLDED.finditer(text):
        if INTRODUCTION.match(f"{match['first'].rstrip()} {match['second'].strip()}"):
            return match.span()
    return None


def _is_all_quoted(text: str, start: int) -> bool:
    """Whether nothing but a quotation follows: one without marks, or one with nothing new between the marks."""
    lines = [line for line in text[start:].splitlines() if line.strip()]
    marked = [line.lstrip().startswith(">") for line in lines]
    return not any(marked) or all(marked) or all(marked[: len(marked) - _signature(lines)])


def _signature(lines: list[str]) -> int:
    """Return how many lines at the end are a signature."""
    for place in range(len(lines) - 1, max(-1, len(lines) - 12), -1):
        if lines[place].strip() == "--":
            return len(lines) - place
    return 0


def _without_trailing(text: str) -> str:
    """Return a text without the marked lines it ends in."""
    lines = text.rstrip().splitlines()
    while lines and (not lines[-1].strip() or lines[-1].lstrip().startswith(">")):
        lines.pop()
    return "\n".join(lines)
