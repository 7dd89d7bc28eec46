"""Runs the notebook that the argument names, and prints what its cells answered."""

import sys

import nbformat
from nbclient import NotebookClient

notebook = nbformat.read(sys.argv[1], as_version=4)
NotebookClient(notebook, kernel_name="python3", timeout=300).execute()
for cell in notebook.cells:
    for output in cell.get("outputs", []):
        if output.output_type == "execute_result":
            print(output.data["text/plain"], end="\n\n")
