"""The sections of the post-incident report: one module each, with `lines(context) -> list[str]`."""
