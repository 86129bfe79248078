"""Aliases from map files that may change while a filter runs."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import TYPE_CHECKING, Final

from sendertrust import Aliases
from sendertrust.maps import SenderMap, format_and_file, read

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sendertrust.integrations.service import Log

__all__ = ["MapFiles"]

_MAX_REASON: Final = 2_000  # letters of it in the log: a map may have a million bad lines

# States of a map file that no file has: it is not there; it could not be read.
_GONE: Final = (0,)
_UNREAD: Final = ()


class MapFiles:
    """The aliases that map files give, each read again when it changes.

    A file that is gone, or has a bad line, leaves what was read before in
    force, and the reason is logged once. While one thread reads, the others
    use what is there.
    """

    def __init__(self, specs: Sequence[str], local_domains: Sequence[str], log: Log) -> None:
        """Read all files; raise `OSError` or `ValueError` if one cannot be read at all, or has a bad line."""
        self._files = [_MapFile(spec, local_domains, log) for spec in specs]

    def __call__(self, login: str) -> Aliases:
        """Give what the maps let a login send as."""
        return Aliases.union(*(file.current().may(login) for file in self._files))


class _MapFile:
    def __init__(self, spec: str, local_domains: Sequence[str], log: Log) -> None:
        self._spec, self._local_domains, self._log = spec, tuple(local_domains), log
        self._reading = threading.Lock()
        _, self._file = format_and_file(spec)
        # Taken before the file is read, here and below: what changes meanwhile is seen at the next question.
        self._seen = self._state()
        self._site = read(spec, local_domains=self._local_domains)
        self._reason = ""

    def current(self) -> SenderMap:
        if self._state() != self._seen and self._reading.acquire(blocking=False):
            try:
                state = self._state()
                if state != self._seen:  # another thread may have read it before this one had the lock
                    self._read_again(state)
            finally:
                self._reading.release()
        return self._site

    def _state(self) -> tuple[int, ...]:
        """Tell one state of the file from another; the time of its change counts, since a mode may let it be read."""
        try:
            state = Path(self._file).stat()
        except OSError:
            return _GONE
        return state.st_mtime_ns, state.st_ctime_ns, state.st_size, state.st_ino

    def _read_again(self, state: tuple[int, ...]) -> None:
        try:
            self._site = read(self._spec, local_domains=self._local_domains)
        except OSError as error:
            self._seen = _UNREAD  # it may pass without a change of the file, so the next question tries again
            self._kept(str(error))
        except ValueError as error:
            self._seen = state
            self._kept(str(error))
        else:
            self._seen, self._reason = state, ""
            self._log({"event": "map", "file": self._file, "kept": False, "entries": len(self._site.entries)})

    def _kept(self, reason: str) -> None:
        if reason != self._reason:
            more = f" and {len(reason) - _MAX_REASON} letters more" if len(reason) > _MAX_REASON else ""
            self._log({"event": "map", "file": self._file, "kept": True, "reason": reason[:_MAX_REASON] + more})
        self._reason = reason
