"""What the comment says of what was seen on the simulated platform."""

from review.comment import comment
from review.plan import plan
from review.post import validated
from review.seen import BOTH, Seen, section
from tests.review import plans

EVERYTHING = Seen(
    pictures={"Job Processing": BOTH, "System Health": BOTH, "New | `odd` <b>": "after", "Old": "before"},
    series={"a:b": (0, 7), "c:d": (4, 3), "e:f": (2, 2)},
    active=("QueueDepthHigh",),
)


def lines(seen: Seen, most: int = 40) -> list[str]:
    return section(seen, "dev", most).splitlines()


def test_pictures_are_named_with_the_sides_that_there_are_and_where_they_are() -> None:
    (told,) = [line for line in lines(EVERYTHING) if "Pictures" in line]
    assert told == (
        "- Pictures before and after of `Job Processing`, `System Health`; after of `` New \\| `odd` <b> ``; "
        "before of `Old`: the run has them as artefact `pictures-dev`, by hand they are in "
        "`rendered/pictures/dev`."
    )


def test_series_are_told_in_all_and_for_each_name_that_has_more_or_fewer() -> None:
    assert "- Recorded series: +6 (`a:b` +7, `c:d` -1). What is scraped is not counted." in lines(EVERYTHING)
    assert "- Recorded series: as many as before. What is scraped is not counted." in lines(
        Seen(series={"e:f": (2, 2)})
    )


def test_an_alert_that_is_active_with_nothing_wrong_is_told() -> None:
    assert lines(EVERYTHING)[-1] == (
        "- **Active there, of the alerts that are added or changed:** `QueueDepthHigh`"
    )


def test_nothing_is_said_of_what_is_not_there() -> None:
    assert section(Seen(), "dev", 40) == ""
    assert len(lines(Seen(active=("A",)))) == 3
    step = [plans.step("update", "Service", "old")]
    assert comment(plan(step), "dev", seen=Seen()) == comment(plan(step), "dev")


def test_a_long_list_is_counted() -> None:
    many = Seen(pictures={f"Board {number}": "after" for number in range(9)})
    assert "after of `Board 0`, `Board 1` and 7 more: " in section(many, "dev", 2)


def test_it_is_read_as_it_was_written() -> None:
    assert Seen.read(EVERYTHING.write()) == EVERYTHING


def test_whoever_posts_takes_it_from_a_fork() -> None:
    text = comment(plan([plans.step("update", "Service", "old")]), "dev", seen=EVERYTHING)
    assert "**On the simulated platform, with nothing wrong there**" in text
    assert validated(text.encode(), "dev") == text
