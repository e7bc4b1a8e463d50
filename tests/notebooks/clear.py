"""Take outputs and counts out of the notebooks: python -m tests.notebooks.clear"""

from pathlib import Path

import nbformat

NOTEBOOKS = sorted((Path(__file__).parents[2] / "notebooks").glob("*.ipynb"))


def cleared(text: str) -> str:
    """Return a notebook's text without what running it left behind."""
    notebook = nbformat.reads(text, as_version=4)
    for cell in notebook.cells:
        cell.metadata = {}
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    notebook.metadata = {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    return nbformat.writes(notebook, indent=1) + "\n"


if __name__ == "__main__":
    for path in NOTEBOOKS:
        before = path.read_text(encoding="utf-8")
        after = cleared(before)
        if after != before:
            path.write_text(after, encoding="utf-8")
            print(f"cleared {path}")
