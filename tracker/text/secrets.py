"""What looks like a secret in a text: keys, tokens, passwords, by patterns that seldom err.

Pure: a text in, findings out. A finding never holds the secret's middle in what it shows.
Hashes, fingerprints and UUIDs are no secrets: what has no known shape is one only where the
words before it say so.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class Secret:
    """Something that looks like a secret, from `start` up to `end` of the text."""

    kind: str
    start: int
    end: int
    line: int
    shown: str


def find_secrets(text: str) -> list[Secret]:
    """Return what looks like a secret, in the order of the text; of two that overlap the kind that is listed first.

    Each pattern has words without which it cannot match: most texts are searched for few.
    """
    found: list[Secret] = []
    lower = text.lower()
    for kind, hints, pattern, accept in _PATTERNS:
        if hints and not any(hint in lower for hint in hints):
            continue
        for match in pattern.finditer(text):
            group = 1 if pattern.groups else 0
            value, (start, end) = match[group], match.span(group)
            if not accept(value) or any(start < each.end and each.start < end for each in found):
                continue
            line = text.count("\n", 0, start) + 1
            found.append(Secret(kind, start, end, line, _shown(value)))
    return sorted(found, key=lambda each: each.start)


def find_secrets_in_bytes(data: bytes) -> list[Secret]:
    """Return what looks like a secret in a payload or a file; what is no text has none that we know."""
    if b"\0" in data[:4096]:
        return []
    # JSON writes a line's end as \n: what follows it begins a word all the same.
    return find_secrets(data.decode("utf-8", "replace").replace("\\n", "\n ").replace('\\"', ' "'))


def without_secrets(text: str, mark: str) -> str:
    """Return the text with a mark in place of each secret."""
    for each in reversed(find_secrets(text)):
        text = text[: each.start] + mark + text[each.end :]
    return text


def _shown(value: str) -> str:
    """Show enough to find it again, and too little to use it."""
    if value.startswith("-----"):
        return "-----BEGIN …"
    known = value[:4] if len(value) >= 16 else ""
    return f"{known}… ({len(value)} characters)"


_PLACEHOLDER = re.compile(
    r"""(?ix) ^(?: [\[\](){}<>*x.…•_\-#?=]+ | .*(?:\$\{|\$\(|\{\{|%\(|<[^>]*>).* | \$\w+ | %\w+% | \[?redacted.* | \[?filtered.*
    | none | null | true | false | nil | undefined | empty | required | optional | changeme | change-me | example | your.* | my[_-]?(?:password|secret|token)
    | passwo?r?d | secret | token | xxx+ | dummy | placeholder | hidden | masked | unset | missing | expired | invalid | wrong | rotated | leaked
    | [A-Z]+(?:_[A-Z]+)+ | (?:os|process|env|secrets|vars|settings|config|self)\..* | env:.* | file:.* | vault:.* | sha(?:1|256|512)[:\-].* | /.* )$"""
)
_UUID = re.compile(r"(?i)^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$")


def _any(value: str) -> bool:
    return True


def _real(value: str) -> bool:
    return not _PLACEHOLDER.match(value)


def _mixed(value: str) -> bool:
    """Letters and digits, or another sign: no plain word, no plain number."""
    plain = value.strip(".,:;!?)]}\"'`")
    return (
        _real(plain)
        and not _UUID.match(plain)
        and len(plain) >= 6
        and any(each.isalpha() for each in plain)
        and (any(each.isdigit() for each in plain) or any(each in "!@#$%^&*+=~" for each in plain))
    )


def _token(value: str) -> bool:
    """Long, mixed, and no name of words and numbers with dashes."""
    plain = value.strip(".,:;!?)]}\"'`")
    words = re.fullmatch(r"[a-z]+(?:[-_./:][a-z0-9]+)+", plain)
    return _mixed(plain) and len(plain) >= 16 and words is None


def _luhn(value: str) -> bool:
    digits = [int(each) for each in value if each.isdigit()]
    if len(digits) not in (15, 16) or len(set(digits)) < 2:
        return False
    doubled = [sum(divmod(2 * each, 10)) for each in digits[-2::-2]]
    return (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0


_B = r"(?<![A-Za-z0-9_])"
_PASS = r"pass(?:word|wd|phrase)|passwort|pwd"
_KEYS = r"secret|token|api[_-]?key|access[_-]?key(?!.?id)|private[_-]?key|secret[_-]?key|auth[_-]?key|account[_-]?key|credentials?"
_END = r"(?:[_-]?(?:value|prod|production|live|dev|test|\d+))?"

_SHAPES: tuple[tuple[str, tuple[str, ...], str], ...] = (
    (
        "a private key",
        ("private key",),
        r"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----(?:[\s\S]{0,8000}?-----END [A-Z ]*PRIVATE KEY(?: BLOCK)?-----)?",
    ),
    ("an age secret key", ("age-secret",), rf"{_B}AGE-SECRET-KEY-1[0-9A-Z]{{50,}}"),
    ("an AWS access key id", ("akia", "asia"), rf"{_B}(?:AKIA|ASIA)[A-Z2-7]{{16}}(?![A-Za-z0-9])"),
    ("a Google API key", ("aiza",), rf"{_B}AIza[0-9A-Za-z_-]{{35}}(?![A-Za-z0-9_-])"),
    ("a Google access token", ("ya29",), rf"{_B}ya29\.[0-9A-Za-z_-]{{20,}}"),
    ("an Azure storage key", ("accountkey",), r"AccountKey=([A-Za-z0-9+/]{86}==)"),
    ("an Azure client secret", ("8q~",), rf"{_B}[A-Za-z0-9_~.-]{{3}}8Q~[A-Za-z0-9_~.-]{{31,34}}"),
    ("an Azure signature", ("sig=",), r"[?&]sig=([A-Za-z0-9%+/]{40,}=*)"),
    (
        "a GitHub token",
        ("ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_"),
        rf"{_B}(?:gh[pousr]_[A-Za-z0-9]{{36,255}}|github_pat_[A-Za-z0-9_]{{22,255}})",
    ),
    ("a GitLab token", ("gl",), rf"{_B}gl(?:pat|dt|rt|cbt|ptt|ft|soat|oas|imt|agent)-[A-Za-z0-9_-]{{20,}}"),
    ("a Slack token", ("xox",), rf"{_B}xox[abeoprs]-[A-Za-z0-9-]{{10,}}"),
    (
        "a Slack webhook",
        ("hooks.slack",),
        r"https://hooks\.slack(?:-gov)?\.com/(?:services|workflows|triggers)/[A-Za-z0-9+/]{20,}",
    ),
    ("a Discord webhook", ("discord",), r"https://discord(?:app)?\.com/api/webhooks/\d+/[A-Za-z0-9_-]{40,}"),
    (
        "a Stripe key",
        ("k_live_", "k_test_", "whsec_"),
        rf"{_B}(?:[sr]k_(?:live|test)_[A-Za-z0-9]{{16,}}|whsec_[A-Za-z0-9+/]{{24,}})",
    ),
    ("an npm token", ("npm_",), rf"{_B}npm_[A-Za-z0-9]{{36}}(?![A-Za-z0-9])"),
    ("a PyPI token", ("pypi-",), rf"{_B}pypi-AgE[A-Za-z0-9_-]{{50,}}"),
    ("a Docker token", ("dckr_",), rf"{_B}dckr_(?:pat|oat)_[A-Za-z0-9_-]{{20,}}"),
    ("a SendGrid key", ("sg.",), rf"{_B}SG\.[A-Za-z0-9_-]{{22}}\.[A-Za-z0-9_-]{{43}}"),
    ("a Hugging Face token", ("hf_",), rf"{_B}hf_[A-Za-z0-9]{{34}}(?![A-Za-z0-9])"),
    ("a DigitalOcean token", ("_v1_",), rf"{_B}do[opr]_v1_[0-9a-f]{{64}}"),
    ("a Vault token", ("hvs.", "hvb.", "hvr."), rf"{_B}hv[sbr]\.[A-Za-z0-9_-]{{24,}}"),
    ("a Sentry token", ("sntry",), rf"{_B}(?:sntrys_[A-Za-z0-9+/=_-]{{40,}}|sntryu_[0-9a-f]{{64}})"),
    ("a Shopify token", ("shp",), rf"{_B}shp(?:at|ca|pa|ss)_[0-9a-fA-F]{{32}}"),
    (
        "an API key",
        ("sk-",),
        rf"{_B}sk-(?:(?:proj|svcacct|ant-[a-z0-9]+)-[A-Za-z0-9_-]{{20,}}|[A-Za-z0-9]{{40,}})",
    ),
    (
        "a JSON web token",
        ("eyj",),
        rf"{_B}eyJ[A-Za-z0-9_-]{{8,}}\.eyJ[A-Za-z0-9_-]{{8,}}\.[A-Za-z0-9_-]{{16,}}",
    ),
    ("a Sentry DSN with its secret", ("://",), r"https?://[0-9a-f]{32}:([0-9a-f]{32})@"),
)

_PATTERNS: tuple[tuple[str, tuple[str, ...], re.Pattern[str], Callable[[str], bool]], ...] = (
    *((kind, hints, re.compile(pattern), _any) for kind, hints, pattern in _SHAPES),
    (
        "a password in an address",
        ("://",),
        re.compile(r"(?i)\b[a-z][a-z0-9+.-]{1,30}://[^\s/:@'\"<>]{0,200}:([^\s/@'\"<>]{1,200})@"),
        _real,
    ),
    (
        "an Authorization header",
        ("authorization",),
        re.compile(
            r"(?i)\bauthorization['\"]?\s{0,3}[:=]\s{0,3}['\"]?(?:bearer|basic|token)\s+([A-Za-z0-9._~+/=-]{8,})"
        ),
        _real,
    ),
    ("a bearer token", ("bearer",), re.compile(r"(?i)\bbearer\s+([A-Za-z0-9._~+/=-]{20,})"), _token),
    (
        "a password",
        ("pass", "pwd"),
        re.compile(rf"(?i)(?:{_PASS}){_END}['\"]?(?:=|:=|=>)['\"]?([^\s\"',;&<>]{{4,}})"),
        _real,
    ),
    (
        "a password",
        ("pass", "pwd"),
        re.compile(
            rf"(?i)(?:\b|_)(?:{_PASS}){_END}['\"]?\s{{0,3}}(?:[=:]|:=|=>)\s{{0,3}}[\"']?([^\s\"',;&<>]{{6,}})"
        ),
        _mixed,
    ),
    (
        "a password",
        ("pass", "pwd"),
        re.compile(r"(?i)--(?:password|passwd|pwd)\s+['\"]?([^\s\"',;&<>-][^\s\"',;&<>]{3,})"),
        _real,
    ),
    (
        "a password",
        ("pass", "pwd"),
        re.compile(rf"(?i)\b(?:{_PASS})\s+(?:(?:is|was)\s+)?['\"`]?([^\s\"'`,;&<>]{{6,}})"),
        _mixed,
    ),
    (
        "a password",
        ("curl ", "wget ", "http "),
        re.compile(
            r"(?i)\b(?:curl|wget|http)\s[^\n|;]{0,200}?(?:-u|--user|-a|--auth)[ =]?['\"]?[^\s:'\"]{1,80}:([^\s'\"]{4,100})"
        ),
        _real,
    ),
    (
        "a password",
        ("mysql", "mariadb"),
        re.compile(
            r"\b(?:mysql|mysqldump|mysqladmin|mariadb)\s[^\n|;]{0,200}?\s-p([^\s'\"-][^\s'\"]{3,100})"
        ),
        _mixed,
    ),
    (
        "a secret",
        ("secret", "token", "key", "credential"),
        re.compile(
            rf"(?i)(?:{_KEYS}){_END}['\"]?\s{{0,3}}(?:[=:]|:=|=>)\s{{0,3}}[\"']?([^\s\"',;&<>]{{12,}})"
        ),
        _token,
    ),
    (
        "a secret",
        ("secret", "token", "key", "credential"),
        re.compile(rf"(?i)--(?:{_KEYS})\s+['\"]?([^\s\"',;&<>-][^\s\"',;&<>]{{11,}})"),
        _token,
    ),
    (
        "a card number",
        (),
        re.compile(
            r"((?:4(?<![\w.-].)\d{3}|5(?<![\w.-].)[1-5]\d{2}|2(?<![\w.-].)[2-7]\d{2}|6(?<![\w.-].)(?:011|5\d{2}))([ -])\d{4}\2\d{4}\2\d{4}"
            r"|3(?<![\w.-].)[47]\d{2}[ -]\d{6}[ -]\d{5})(?![\w.-]*\w)"
        ),
        _luhn,
    ),
    (
        "a card number",
        ("card",),
        re.compile(
            r"(?i)\bcard\b[^\n\d]{0,30}((?:4\d{3}|5[1-5]\d{2}|2[2-7]\d{2}|6011|65\d{2})\d{12}|3[47]\d{13})(?!\d)"
        ),
        _luhn,
    ),
)


def kinds_of(found: list[Secret]) -> Iterator[tuple[str, int]]:
    """Count what was found by kind, most first."""
    kinds = [each.kind for each in found]
    for kind in sorted(set(kinds), key=lambda one: (-kinds.count(one), one)):
        yield kind, kinds.count(kind)


__all__ = ["Secret", "find_secrets", "find_secrets_in_bytes", "kinds_of", "without_secrets"]
