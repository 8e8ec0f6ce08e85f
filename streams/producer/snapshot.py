"""A bounded copy of what an app hands to `emit`, made in the app's own thread: it may change its lists afterwards.

Only containers are copied, and only so many entries of them, so that no value makes `emit` take long. Text is made of
the copy in the producer's thread, because nothing can end a `__str__` of the app's that takes long. So an object of the
app's own is text as it is a little later, and has to bear being read in another thread.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import islice
from sys import getsizeof
from types import NoneType
from typing import Any

from watchline.streams.producer.arguments import field_of
from watchline.streams.producer.plain import has_fields
from watchline.streams.producer.signals import from_signal

MAX_ENTRIES = 1_000  # of an argument that is a list or a map
# Of all lists and maps in an argument, with those inside them: more than its text has room for.
MAX_NESTED = 20_000
MAX_DEPTH = 32
MAX_ITEM = 16  # entries of a message that need no counting
_NODE_BYTES = 100  # about what an entry takes beside its text
_OBJECT_BYTES = 1_000  # of an object of the app's own, whose size nobody knows

# What isn't copied of each document, because nothing reads it.
_UNREAD = {"documents": frozenset(["metadata", "embedding", "vector"])}
_FIRST = ("type", "text", "content", "name", "arguments")  # kept first where a map inside them is cut
_PLAIN = frozenset({str, int, float, bool, NoneType})
_ITERABLE = frozenset({"input", "output", "documents", "tool_calls", "finish_reasons"})  # may be a generator or a set
_READ_AS_IT_IS = (str, bytes, bytearray, Mapping, list, tuple)
_HOLDERS = (list, tuple, Mapping, set, frozenset)
_NOTHING = ()
_ALL_READ: frozenset[str] = frozenset()


class Snapshot:
    """The arguments of one call that aren't None; an `input` that is one stays, so that its absence is noted.

    Attributes
    ----------
    arguments : dict
    size : int
        About how many bytes of memory they hold: good enough to bound a buffer.
    cut : dict of str to int
        By field, how many entries the longest list or map in it had, where one has lost some. Of an iterator only so
        many are counted as were read.
    unreadable : dict of str to str
        Arguments whose own list or map raised something, and what.
    """

    __slots__ = ("_longest", "_unread", "arguments", "cut", "size", "unreadable")

    def __init__(self, arguments: Mapping[str, Any]) -> None:
        self.arguments: dict[str, Any] = {}
        self.cut: dict[str, int] = {}
        self.unreadable: dict[str, str] = {}
        self.size = 2_000
        for name, value in arguments.items():
            if value is None or value is _NOTHING:
                if name == "input":
                    self.arguments[name] = value
                continue
            if type(value) is str:
                self.size += getsizeof(value)
            elif type(value) not in _PLAIN:
                self._longest = 0
                value = self._argument(name, value)
                if name in self.unreadable:
                    continue
                if self._longest:
                    self.cut[field_of(name)] = self._longest
            self.arguments[name] = value

    def _argument(self, name: str, value: Any) -> Any:
        try:
            kind = type(value)
            if (
                name in _ITERABLE
                and issubclass(kind, Iterable)
                and not (issubclass(kind, _READ_AS_IT_IS) or has_fields(kind))
            ):
                value = list(islice(value, MAX_ENTRIES + 1))
            self._unread = _UNREAD.get(name, _ALL_READ)
            return self._copy(value, MAX_NESTED, 0)[0]
        except BaseException as error:  # of a class of the app's; its text may quote the value
            if from_signal(error):
                raise
            self.unreadable[name] = type(error).__name__
            return None

    def _copy(self, value: Any, budget: int, depth: int) -> tuple[Any, int]:
        """The copy, and how much of the budget is left."""
        kind = type(value)
        if issubclass(kind, str):
            value = str.__str__(value)  # the value of an enum of texts, not its name
            self.size += getsizeof(value)
        elif issubclass(kind, list | tuple):
            return self._list(value, budget, depth)
        elif issubclass(kind, Mapping):
            return self._map(value, budget, depth)
        elif kind is set or kind is frozenset:
            kept = min(len(value), max(budget, 0))
            self._count(len(value), kept)
            return kind(islice(value, kept)), budget - kept
        elif kind not in _PLAIN:
            self.size += _OBJECT_BYTES
            if issubclass(kind, BaseException):
                return _without_frames(value), budget
        return value, budget

    def _list(self, value: Any, budget: int, depth: int) -> tuple[list[Any], int]:
        base = list if issubclass(type(value), list) else tuple
        length = base.__len__(value)
        most = budget // 4  # so that something is left for what is inside each
        if most < length <= MAX_ENTRIES and not any(issubclass(type(item), _HOLDERS) for item in base.__iter__(value)):
            most = budget  # as of a stream's pieces, of which none may be missing
        kept = min(length, MAX_ENTRIES if depth == 0 else length, max(1, most)) if self._may_enter(budget, depth) else 0
        self._count(length, kept)
        # The beginning and the end: the question stands at the end of a conversation.
        if kept < length:
            head = kept - kept // 2
            items = [
                *base.__getitem__(value, slice(head)),
                *base.__getitem__(value, slice(length - kept + head, length)),
            ]
        else:
            items = list(base.__getitem__(value, slice(length)))
        budget -= kept
        for index, item in enumerate(items):
            kind = type(item)
            if kind is str:
                self.size += getsizeof(item)
            elif kind is dict and depth == 0:
                items[index], budget = self._item(item, budget, kept - index)
            elif kind not in _PLAIN:
                share = budget // (kept - index)
                items[index], left = self._copy(item, share, depth + 1)
                budget -= share - left
        return items, budget

    def _item(self, value: dict[Any, Any], budget: int, shares: int) -> tuple[Any, int]:
        """A message, a document or a tool call: the most usual case, and so the one made fast."""
        if len(value) > MAX_ITEM or not self._unread.isdisjoint(value):
            value = {key: item for key, item in dict.copy(value).items() if key not in self._unread}
            share = budget // shares
            copy, left = self._copy(value, share, 1)
            return copy, budget - share + left
        copy = dict.copy(value)
        size = _NODE_BYTES * len(copy)
        for key, item in copy.items():
            if type(item) is str:
                size += getsizeof(item)
            elif type(item) not in _PLAIN:
                share = budget // shares
                copy[key], left = self._copy(item, share, 1)
                budget -= share - left
        self.size += size
        return copy, budget

    def _map(self, value: Any, budget: int, depth: int) -> tuple[dict[Any, Any], int]:
        is_dict = issubclass(type(value), dict)
        length = dict.__len__(value) if is_dict else len(value)
        kept = min(length, MAX_ENTRIES if depth == 0 else length, budget) if self._may_enter(budget, depth) else 0
        self._count(length, kept)
        if is_dict and kept == length:
            copy = dict.copy(value)  # in one step, whatever other threads do to it
        elif is_dict:
            copy = {key: dict.__getitem__(value, key) for key in _FIRST if kept and dict.__contains__(value, key)}
            for key, item in islice(dict.items(value), max(0, kept - len(copy))):
                copy.setdefault(key, item)
        else:
            copy = dict(islice(value.items(), kept))
        budget -= kept
        for index, (key, item) in enumerate(copy.items()):
            if type(key) is str:
                self.size += getsizeof(key)
            if type(item) is str:
                self.size += getsizeof(item)
            elif type(item) not in _PLAIN:
                share = budget // (kept - index)
                copy[key], left = self._copy(item, share, depth + 1)
                budget -= share - left
        return copy, budget

    def _may_enter(self, budget: int, depth: int) -> bool:
        return budget > 0 and depth < MAX_DEPTH

    def _count(self, length: int, kept: int) -> None:
        self.size += _NODE_BYTES * (kept + 1)
        if kept < length:
            self._longest = max(self._longest, length)


def _without_frames(error: BaseException) -> BaseException:
    """A copy, without the frames whose variables it would keep as long as it waits; itself where that can't be."""
    kind = type(error)
    base: Any = next(parent for parent in kind.__mro__ if parent.__module__ == "builtins")
    try:
        copy: BaseException = base.__new__(kind, *error.args)
        base.__init__(copy, *error.args)
        vars(copy).update(vars(error))
    except Exception:  # a class in C
        return error
    return copy
