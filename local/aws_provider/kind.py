"""What a resource type is: its properties, which of them force a replacement, and how it is applied."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from local.aws_provider.api import Aws
from local.provider_wire import JsonObject

TAGS: Final = "tags"
ALL_TAGS: Final = "tagsAll"
NONE: Final[frozenset[str]] = frozenset()


@dataclass(frozen=True, kw_only=True)
class Kind:
    """One resource type.

    Attributes:
        required: Inputs that the program has to set.
        optional: Inputs that it may set; any other is refused.
        computed: Outputs that are known only once the object exists.
        replaces: Inputs whose change makes another object.
        defaults: Inputs that are set where the program sets none.
        documents: Inputs that hold JSON and are compared by what it means.
        amounts: Inputs that hold a number as text.
        sets: Inputs that are lists without an order.
        name: The input that is made up where the program sets none.
        name_begins: What a name that is made up begins with.
        tagged: Whether it takes tags.
        create: Makes the object and returns its id; `tagsAll` is among the inputs.
        read: The object's properties by its id and what its state had.
        update: Changes the object by its id, its old state and new inputs.
        delete: Deletes the object by its id and state.
        alone: The id and computed properties that an object gets which the server cannot hold.
    """

    required: frozenset[str]
    optional: frozenset[str] = NONE
    computed: frozenset[str] = NONE
    replaces: frozenset[str] = NONE
    defaults: JsonObject = field(default_factory=dict[str, object])
    documents: frozenset[str] = NONE
    amounts: frozenset[str] = NONE
    sets: frozenset[str] = NONE
    name: str = ""
    name_begins: str = ""
    tagged: bool = False
    create: Callable[[Aws, JsonObject], str]
    read: Callable[[Aws, str, JsonObject], JsonObject]
    update: Callable[[Aws, str, JsonObject, JsonObject], None]
    delete: Callable[[Aws, str, JsonObject], None]
    alone: Callable[[Aws, JsonObject], tuple[str, JsonObject]] | None = None

    @property
    def inputs(self) -> frozenset[str]:
        """All that the program may set."""
        tags = frozenset({TAGS}) if self.tagged else NONE
        return self.required | self.optional | tags


def tag_changes(olds: JsonObject, news: JsonObject) -> tuple[dict[str, str], list[str]]:
    """The tags to set, and the keys of those to take away."""
    old, new = olds.get(ALL_TAGS) or {}, news.get(ALL_TAGS) or {}
    wanted = {key: value for key, value in new.items() if old.get(key) != value}
    return wanted, sorted(set(old) - set(new))


def pairs(tags: JsonObject, key: str = "Key", value: str = "Value") -> list[dict[str, str]]:
    """Tags in the way that most services want them."""
    return [{key: name, value: text} for name, text in sorted(tags.items())]


def unpaired(tags: list[dict[str, str]], key: str = "Key", value: str = "Value") -> dict[str, str]:
    """Tags in the way that a program has them."""
    return {tag[key]: tag[value] for tag in tags}


def changed(olds: JsonObject, news: JsonObject, *keys: str) -> bool:
    """Whether one of the properties differs."""
    return any(olds.get(key) != news.get(key) for key in keys)
