"""What imports what: no circles, our own modules at the top of a file, and slow libraries where they are needed."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[1]
OURS = ("tracker", "projections", "reports")
LAZY = {
    *("arro3", "deltalake", "duckdb", "pyspark"),
    *("brotli", "matplotlib", "numpy", "pandas", "pcodec", "prometheus_api_client"),
    *("psycopg", "requests", "scipy", "sentry_sdk", "tqdm", "urllib3", "zstandard"),
}
"""The libraries that functions may import: slow to import, and most commands do without them."""
LOOKED_UP = {
    "tracker.cli": "the dispatcher, so that --help imports nothing",
    "tracker.cli.dispatch": "COMMANDS",
    "tracker.cli.demo": "the live demo, with all that a server imports",
    "tracker.application.recording": "the handlers of requests",
    "tracker.application.session": "what is still due, which only `.` after a resolve asks for",
    "tracker.application.incident_json": "the report, which only an incident with a published one asks for",
    "tracker.inbox.opening": "the inbox in PostgreSQL",
    "tracker.log.application": "the log in PostgreSQL",
}
"""The modules that import others by name, and from which table or for what."""


@cache
def trees() -> dict[str, ast.Module]:
    """Parse every module of ours."""
    found = {}
    for package in OURS:
        for path in (ROOT / package).rglob("*.py"):
            name = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
            found[name] = ast.parse(path.read_text(encoding="utf-8"))
    return found


def imported(node: ast.AST) -> Iterator[str]:
    """Name the modules that a statement imports."""
    if isinstance(node, ast.Import):
        yield from (each.name for each in node.names)
    elif isinstance(node, ast.ImportFrom) and node.module:
        for each in node.names:
            name = f"{node.module}.{each.name}"
            yield name if name in trees() else node.module


def imported_in_functions(tree: ast.Module) -> Iterator[str]:
    """Name the modules that are imported inside of functions."""
    for function in ast.walk(tree):
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            for node in ast.walk(function):
                yield from imported(node)


def circles(graph: dict[str, set[str]]) -> list[set[str]]:
    """Return the sets of modules that reach each other, by Tarjan's algorithm."""
    numbers: dict[str, int] = {}
    lowest: dict[str, int] = {}
    stack: list[str] = []
    found: list[set[str]] = []

    def visit(name: str) -> None:
        numbers[name] = lowest[name] = len(numbers)
        stack.append(name)
        for other in graph[name]:
            if other not in numbers:
                visit(other)
                lowest[name] = min(lowest[name], lowest[other])
            elif other in stack:
                lowest[name] = min(lowest[name], numbers[other])
        if lowest[name] == numbers[name]:
            start = stack.index(name)
            found.append(set(stack[start:]))
            del stack[start:]

    for name in graph:
        if name not in numbers:
            visit(name)
    return [each for each in found if len(each) > 1]


def graph() -> dict[str, set[str]]:
    return {
        name: {other for node in ast.walk(tree) for other in imported(node) if other in trees()} - {name}
        for name, tree in trees().items()
    }


def test_a_circle_is_found():
    """
    The search itself works: two that import each other, beside one that both import.
    """
    assert circles({"a": {"b", "c"}, "b": {"a"}, "c": set()}) == [{"a", "b"}]


def test_no_modules_import_each_other_in_a_circle():
    """
    Neither at the top of a file nor inside a function, nor for types alone.
    """
    assert circles(graph()) == []


def test_our_own_modules_are_imported_at_the_top_of_a_file():
    """
    A function imports none of ours: who reads the top of a file sees all that it stands on.
    """
    found = {
        name: ours
        for name, tree in trees().items()
        if (ours := sorted({each for each in imported_in_functions(tree) if each.split(".")[0] in OURS}))
    }

    assert found == {}


def test_libraries_that_functions_import_are_listed():
    """
    And each of the list is still imported so.
    """
    found = {each.split(".")[0] for tree in trees().values() for each in imported_in_functions(tree)}

    assert found - set(OURS) == LAZY


def test_modules_are_looked_up_by_name_from_tables_only():
    """
    Commands, sources and stores: a start imports the one that it needs.
    """
    found = {
        name
        for name, tree in trees().items()
        if any(
            isinstance(node, ast.Name) and node.id in ("import_module", "__import__")
            for node in ast.walk(tree)
        )
    }

    assert found == set(LOOKED_UP)
