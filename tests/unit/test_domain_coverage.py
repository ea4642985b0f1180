"""The map of the domain is up to date, and every row of the chapters A to D is proven or says why not."""

import domain_coverage


def test_the_page_is_what_the_tests_say() -> None:
    assert domain_coverage.PAGE.read_text(encoding="utf-8") == domain_coverage.page(), (
        "docs/domain-coverage.md is out of date: python tests/domain_coverage.py"
    )


def test_every_row_of_a_to_d_is_proven_or_says_why_not() -> None:
    proven = {row for row, _, _ in domain_coverage.proofs()}
    missing = [row for row in domain_coverage.ROWS if row[0] in "ABCD" and row not in proven]
    assert set(missing) <= set(domain_coverage.NOT_BUILT), missing


def test_no_test_cites_a_row_that_does_not_exist() -> None:
    assert {row for row, _, _ in domain_coverage.proofs()} <= set(domain_coverage.ROWS)
