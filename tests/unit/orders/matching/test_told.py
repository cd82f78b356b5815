"""What accounts were told: exact for those told last, never too little for the others."""

from apps.orders.matching.told import Told


def test_nothing_is_known_before_the_writer_has_begun_and_after_it_is_over() -> None:
    told = Told()
    assert told.number_of(3) is None

    told.begin(7)
    told.note([3], 8)
    assert (told.number_of(3), told.number_of(4)) == (8, 7)

    told.forget()
    assert told.number_of(3) is None


def test_what_the_tables_have_needs_no_wait() -> None:
    told = Told()
    told.begin(7)
    told.note([3, 4], 8)
    told.note([3], 9)

    told.projected(8)
    assert (told.number_of(3), told.number_of(4), told.number_of(5)) == (9, 0, 0)
    told.projected(7)
    assert told.number_of(4) == 0
    told.projected(9)
    assert told.number_of(3) == 0


def test_a_writer_that_begins_again_does_not_rely_on_what_the_tables_had() -> None:
    told = Told()
    told.begin(7)
    told.projected(7)

    told.forget()
    told.begin(7)

    assert told.number_of(3) == 7


def test_past_its_bound_the_account_that_was_quiet_longest_counts_as_told_its_last_and_all_before() -> None:
    told = Told(accounts_max=2)
    told.begin(1)
    told.note([3], 2)
    told.note([4], 3)
    told.note([3], 4)
    assert told.number_of(5) == 1

    told.note([5], 5)

    assert {account: told.number_of(account) for account in (3, 4, 5, 6)} == {3: 4, 4: 3, 5: 5, 6: 3}
