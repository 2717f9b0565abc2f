"""Progress in a notebook: IPython's own display, which every front end has, drawn anew in the cell's output."""

from __future__ import annotations

import builtins
import io
import time
from typing import Any, Final

from rich.console import Console
from rich.progress import Progress, ProgressColumn

_EVERY: Final = 0.25  # seconds
_WIDTH: Final = 110


def in_notebook() -> bool:
    """Whether this process is a notebook's kernel: IPython tells by a name among Python's own."""
    return type(getattr(builtins, "get_ipython", lambda: None)()).__name__ == "ZMQInteractiveShell"


def as_text() -> tuple[Console, io.StringIO]:
    """A console that writes plain text, whatever colours a terminal or a notebook asks for, and where it writes to."""
    text = io.StringIO()
    made = Console(
        file=text,
        width=_WIDTH,
        color_system=None,
        force_terminal=False,
        force_jupyter=False,
        markup=False,
        emoji=False,
        highlight=False,
    )
    return made, text


class NotebookProgress(Progress):
    """Bars that are drawn whenever there is something new, some times a second at most, and are gone at the end.

    Rich's own way is a thread that draws into a widget: outputs of later cells were lost in it.
    """

    def __init__(self, *columns: str | ProgressColumn) -> None:
        super().__init__(*columns, disable=True)  # rich itself draws nothing
        self._handle: Any = None
        self._drawn = 0.0

    def start(self) -> None:
        """Draws the bars for the first time."""
        from IPython.display import display

        self._drawn = time.monotonic()
        self._handle = display(self._bundle(), raw=True, display_id=True)

    def stop(self) -> None:
        """Leaves nothing behind."""
        if self._handle is not None:
            self._handle.update({"text/plain": ""}, raw=True)
            self._handle = None

    def update(self, *args: Any, **changes: Any) -> None:
        """See `Progress.update`."""
        super().update(*args, **changes)
        if self._handle is not None and time.monotonic() - self._drawn > _EVERY:
            self._drawn = time.monotonic()
            self._handle.update(self._bundle(), raw=True)

    def _bundle(self) -> dict[str, str]:
        console, text = as_text()
        console.print(self.get_renderable())
        return {"text/plain": text.getvalue()}
