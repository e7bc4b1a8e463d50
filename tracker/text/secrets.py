"""Finding what looks like a secret in a text: keys, tokens, passwords.

What is shown of a secret never contains its middle. Hashes, fingerprints and UUIDs are not secrets:
what has no known format is one only if the words before it say so.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

from tracker.text.patterns import lazy_pattern

_PIECE_CHARACTERS = 1 << 17
_ENOUGH_OF_A_KIND = 10


@dataclass(frozen=True)
class Secret:
    """Something that looks like a secret, from `start` to before `end` of the text."""

    kind: str
    start: int
    end: int
    line: int
    shown: str


def find_secrets(text: str, most_of_a_kind: int | None = None) -> list[Secret]:
    """Return what looks like a secret, in the order of the text; of two that overlap the kind that is listed first.

    The time grows with the text alone, whatever it holds. `most_of_a_kind` ends the search of
    each pattern after so many.
    """
    spans: list[tuple[int, int, str]] = []
    lower = text.lower()
    for kind, hints, pattern, accept in _PATTERNS:
        if not hints or any(hint in lower for hint in hints):
            spans = _merged(spans, kind, islice(_matches(text, pattern, accept), most_of_a_kind))
    secrets, line, counted_to = [], 1, 0
    for start, end, kind in spans:
        line += text.count("\n", counted_to, start)
        counted_to = start
        secrets.append(Secret(kind, start, end, line, _shown(text[start:end])))
    return secrets


def _matches(text: str, pattern: re.Pattern[str], accept: Callable[[str], bool]) -> Iterator[tuple[int, int]]:
    group = 1 if pattern.groups else 0
    return (match.span(group) for match in pattern.finditer(text) if accept(match[group]))


def _merged(
    taken: list[tuple[int, int, str]], kind: str, found: Iterable[tuple[int, int]]
) -> list[tuple[int, int, str]]:
    """Add the spans of one pattern, in order, that overlap none of those taken; both are walked once."""
    merged: list[tuple[int, int, str]] = []
    at = 0
    for start, end in found:
        while at < len(taken) and taken[at][1] <= start:
            merged.append(taken[at])
            at += 1
        if at == len(taken) or end <= taken[at][0]:
            merged.append((start, end, kind))
    return merged + taken[at:]


def find_secrets_in_bytes(data: bytes, most_bytes: int | None = None) -> list[Secret]:
    """Return some of what looks like a secret in a payload or a file; nothing in a binary one.

    It is for a warning: of each kind a few in each piece are enough. A payload is searched piece by
    piece, so that other threads go on meanwhile, and only up to `most_bytes`. Positions and lines
    are those in a piece.
    """
    if b"\0" in data[:4096]:
        return []
    # JSON writes a line break as \n: a word begins after it, too.
    text = data[:most_bytes].decode("utf-8", "replace").replace("\\n", "\n ").replace('\\"', ' "')
    return [secret for piece in _pieces(text) for secret in find_secrets(piece, _ENOUGH_OF_A_KIND)]


def _pieces(text: str) -> Iterator[str]:
    """Cut a text where it has a blank, if it has one."""
    start = 0
    while start < len(text):
        end = start + _PIECE_CHARACTERS
        blank = text.rfind(" ", start + 1, end) if end < len(text) else -1
        end = blank if blank > start else end
        yield text[start:end]
        start = end


def without_secrets(text: str, mark: str) -> str:
    """Return the text with a mark in place of each secret."""
    pieces, at = [], 0
    for secret in find_secrets(text):
        pieces += [text[at : secret.start], mark]
        at = secret.end
    return "".join([*pieces, text[at:]])


def _shown(value: str) -> str:
    """Return enough to find it again, and too little to use it."""
    if value.startswith("-----"):
        return "-----BEGIN …"
    known = value[:4] if len(value) >= 16 else ""
    return f"{known}… ({len(value)} characters)"


_PLACEHOLDER = lazy_pattern(
    r"""(?ix) ^(?: [\[\](){}<>*x.…•_\-#?=]+ | .*(?:\$\{|\$\(|\{\{|%\(|<[^>]*>).* | \$\w+ | %\w+% | \[?redacted.* | \[?filtered.*
    | none | null | true | false | nil | undefined | empty | required | optional | changeme | change-me | example | your.* | my[_-]?(?:password|secret|token)
    | passwo?r?d | secret | token | xxx+ | dummy | placeholder | hidden | masked | unset | missing | expired | invalid | wrong | rotated | leaked
    | [A-Z]+(?:_[A-Z]+)+ | (?:os|process|env|secrets|vars|settings|config|self)\..* | env:.* | file:.* | vault:.* | sha(?:1|256|512)[:\-].* | /.* )$"""
)
_PUNCTUATION = ".,:;!?)]}\"'`"
_UUID = lazy_pattern(r"(?i)^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$")


def _is_real(value: str) -> bool:
    return not _PLACEHOLDER.match(value)


def _is_mixed(value: str) -> bool:
    """Whether it has letters and digits, or a special character: no plain word, no plain number."""
    plain = value.strip(_PUNCTUATION)
    return (
        _is_real(plain)
        and not _UUID.match(plain)
        and len(plain) >= 6
        and any(char.isalpha() for char in plain)
        and any(char.isdigit() or char in "!@#$%^&*+=~" for char in plain)
    )


def _is_token(value: str) -> bool:
    """Whether it is long and mixed, and not a name of words and numbers with dashes."""
    plain = value.strip(_PUNCTUATION)
    words = re.fullmatch(r"[a-z]+(?:[-_./:][a-z0-9]+)+", plain)
    return _is_mixed(plain) and len(plain) >= 16 and words is None


def _is_card_number(value: str) -> bool:
    digits = [int(char) for char in value if char.isdigit()]
    if len(digits) not in (15, 16) or len(set(digits)) < 2:
        return False
    doubled = [sum(divmod(2 * digit, 10)) for digit in digits[-2::-2]]
    return (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0


_FRAGMENTS = {
    "<B>": r"(?<![A-Za-z0-9_])",
    "<PASS>": r"pass(?:word|wd|phrase)|passwort|pwd",
    "<KEYS>": r"secret|token|api[_-]?key|access[_-]?key(?!.?id)|private[_-]?key|secret[_-]?key|auth[_-]?key|account[_-]?key|credentials?",
    "<END>": r"(?:[_-]?(?:value|prod|production|live|dev|test|\d+))?",
}
# Kind | words without which it cannot match, in lower case | which values to accept | pattern
_TABLE = r"""
a private key | private key | any | -----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----(?:(?:(?!-----BEGIN)[\s\S]){0,8000}?-----END [A-Z ]*PRIVATE KEY(?: BLOCK)?-----)?
an age secret key | age-secret | any | <B>AGE-SECRET-KEY-1[0-9A-Z]{50,}
an AWS access key id | akia,asia | any | <B>(?:AKIA|ASIA)[A-Z2-7]{16}(?![A-Za-z0-9])
a Google API key | aiza | any | <B>AIza[0-9A-Za-z_-]{35}(?![A-Za-z0-9_-])
a Google access token | ya29 | any | <B>ya29\.[0-9A-Za-z_-]{20,}
an Azure storage key | accountkey | any | AccountKey=([A-Za-z0-9+/]{86}==)
an Azure client secret | 8q~ | any | <B>[A-Za-z0-9_~.-]{3}8Q~[A-Za-z0-9_~.-]{31,34}
an Azure signature | sig= | any | [?&]sig=([A-Za-z0-9%+/]{40,}=*)
a GitHub token | ghp_,gho_,ghu_,ghs_,ghr_,github_pat_ | any | <B>(?:gh[pousr]_[A-Za-z0-9]{36,255}|github_pat_[A-Za-z0-9_]{22,255})
a GitLab token | gl | any | <B>gl(?:pat|dt|rt|cbt|ptt|ft|soat|oas|imt|agent)-[A-Za-z0-9_-]{20,}
a Slack token | xox | any | <B>xox[abeoprs]-[A-Za-z0-9-]{10,}
a Slack webhook | hooks.slack | any | https://hooks\.slack(?:-gov)?\.com/(?:services|workflows|triggers)/[A-Za-z0-9+/]{20,}
a Discord webhook | discord | any | https://discord(?:app)?\.com/api/webhooks/\d+/[A-Za-z0-9_-]{40,}
a Stripe key | k_live_,k_test_,whsec_ | any | <B>(?:[sr]k_(?:live|test)_[A-Za-z0-9]{16,}|whsec_[A-Za-z0-9+/]{24,})
an npm token | npm_ | any | <B>npm_[A-Za-z0-9]{36}(?![A-Za-z0-9])
a PyPI token | pypi- | any | <B>pypi-AgE[A-Za-z0-9_-]{50,}
a Docker token | dckr_ | any | <B>dckr_(?:pat|oat)_[A-Za-z0-9_-]{20,}
a SendGrid key | sg. | any | <B>SG\.[A-Za-z0-9_-]{22}\.[A-Za-z0-9_-]{43}
a Hugging Face token | hf_ | any | <B>hf_[A-Za-z0-9]{34}(?![A-Za-z0-9])
a DigitalOcean token | _v1_ | any | <B>do[opr]_v1_[0-9a-f]{64}
a Vault token | hvs.,hvb.,hvr. | any | <B>hv[sbr]\.[A-Za-z0-9_-]{24,}
a Sentry token | sntry | any | <B>(?:sntrys_[A-Za-z0-9+/=_-]{40,}|sntryu_[0-9a-f]{64})
a Shopify token | shp | any | <B>shp(?:at|ca|pa|ss)_[0-9a-fA-F]{32}
an API key | sk- | any | <B>sk-(?:(?:proj|svcacct|ant-[a-z0-9]+)-[A-Za-z0-9_-]{20,}|[A-Za-z0-9]{40,})
a JSON web token | eyj | any | <B>eyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{16,}
a Sentry DSN with its secret | :// | any | https?://[0-9a-f]{32}:([0-9a-f]{32})@
a password in an address | :// | real | (?i)\b[a-z][a-z0-9+.-]{1,30}://[^\s/:@'\"<>]{0,200}:([^\s/@'\"<>]{1,200})@
an Authorization header | authorization | real | (?i)\bauthorization['\"]?\s{0,3}[:=]\s{0,3}['\"]?(?:bearer|basic|token)\s+([A-Za-z0-9._~+/=-]{8,})
a bearer token | bearer | token | (?i)\bbearer\s+([A-Za-z0-9._~+/=-]{20,})
a password | pass,pwd | real | (?i)(?:<PASS>)<END>['\"]?(?:=|:=|=>)['\"]?([^\s\"',;&<>]{4,})
a password | pass,pwd | mixed | (?i)(?:\b|_)(?:<PASS>)<END>['\"]?\s{0,3}(?:[=:]|:=|=>)\s{0,3}[\"']?([^\s\"',;&<>]{6,})
a password | pass,pwd | real | (?i)--(?:password|passwd|pwd)\s+['\"]?([^\s\"',;&<>-][^\s\"',;&<>]{3,})
a password | pass,pwd | mixed | (?i)\b(?:<PASS>)\s+(?:(?:is|was)\s+)?['\"`]?([^\s\"'`,;&<>]{6,})
a password | curl ,wget ,http  | real | (?i)\b(?:curl|wget|http)\s[^\n|;]{0,200}?(?:-u|--user|-a|--auth)[ =]?['\"]?[^\s:'\"]{1,80}:([^\s'\"]{4,100})
a password | mysql,mariadb | mixed | \b(?:mysql|mysqldump|mysqladmin|mariadb)\s[^\n|;]{0,200}?\s-p([^\s'\"-][^\s'\"]{3,100})
a secret | secret,token,key,credential | token | (?i)(?:<KEYS>)<END>['\"]?\s{0,3}(?:[=:]|:=|=>)\s{0,3}[\"']?([^\s\"',;&<>]{12,})
a secret | secret,token,key,credential | token | (?i)--(?:<KEYS>)\s+['\"]?([^\s\"',;&<>-][^\s\"',;&<>]{11,})
a card number |  | luhn | ((?:4(?<![\w.-].)\d{3}|5(?<![\w.-].)[1-5]\d{2}|2(?<![\w.-].)[2-7]\d{2}|6(?<![\w.-].)(?:011|5\d{2}))([ -])\d{4}\2\d{4}\2\d{4}|3(?<![\w.-].)[47]\d{2}[ -]\d{6}[ -]\d{5})(?![\w.-]*\w)
a card number | card | luhn | (?i)\bcard\b[^\n\d]{0,30}((?:4\d{3}|5[1-5]\d{2}|2[2-7]\d{2}|6011|65\d{2})\d{12}|3[47]\d{13})(?!\d)
"""
_ACCEPT: dict[str, Callable[[str], bool]] = {
    "any": lambda value: True,
    "real": _is_real,
    "mixed": _is_mixed,
    "token": _is_token,
    "luhn": _is_card_number,
}


def _patterns() -> Iterator[tuple[str, tuple[str, ...], re.Pattern[str], Callable[[str], bool]]]:
    for line in _TABLE.strip().splitlines():
        kind, hints, accept, pattern = line.split(" | ", 3)
        for name, fragment in _FRAGMENTS.items():
            pattern = pattern.replace(name, fragment)
        yield kind, tuple(filter(None, hints.split(","))), lazy_pattern(pattern), _ACCEPT[accept]


_PATTERNS = tuple(_patterns())


def kinds_of(secrets: list[Secret]) -> Iterator[tuple[str, int]]:
    """Count secrets by kind, most first."""
    kinds = [secret.kind for secret in secrets]
    for kind in sorted(set(kinds), key=lambda kind: (-kinds.count(kind), kind)):
        yield kind, kinds.count(kind)
