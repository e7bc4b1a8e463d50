"""Commands for people to paste: every word that came from outside is quoted for a POSIX shell."""

import shlex


def command(*words: str) -> str:
    """Join words into one command line. Words that end a sentence to be filled in, such as `…`, are quoted too."""
    return shlex.join(words)
