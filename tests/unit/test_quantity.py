"""Quantities as Kubernetes reads, rounds and writes them."""

from __future__ import annotations

from fractions import Fraction

import pytest

from staticlet.kube import quantity


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("0", 0),
        ("+5", 5),
        ("-5", -5),
        ("007", 7),
        ("1.5", Fraction(3, 2)),
        (".5", Fraction(1, 2)),
        ("5.", 5),
        ("100m", Fraction(1, 10)),
        ("1n", Fraction(1, 10**9)),
        ("2u", Fraction(2, 10**6)),
        ("3k", 3000),
        ("3M", 3 * 10**6),
        ("3G", 3 * 10**9),
        ("3T", 3 * 10**12),
        ("3P", 3 * 10**15),
        ("3E", 3 * 10**18),
        ("1Ki", 1024),
        ("1.5Gi", 3 * 2**29),
        ("1Ei", 2**60),
        ("1e3", 1000),
        ("1E-3", Fraction(1, 1000)),
        ("12e+2", 1200),
    ],
)
def test_every_way_of_writing_an_amount_is_read_exactly(text, amount):
    assert quantity.parse(text).amount == amount


@pytest.mark.parametrize(
    "text", ["", "lots", " 1", "1 ", "1\n", "1.1.M", "--1", "0x10", "1,5", ".", "+", "m", "1Ki5Mi"]
)
def test_text_that_is_no_quantity_gets_the_servers_words(text):
    with pytest.raises(quantity.InvalidQuantityError) as refusal:
        quantity.parse(text)
    assert str(refusal.value) == (
        "quantities must match the regular expression "
        "'^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"
    )


@pytest.mark.parametrize("text", ["1i", "0.1mi", "3MM", "5ki", "1e", "1m5"])
def test_an_unknown_suffix_gets_words_of_its_own(text):
    with pytest.raises(quantity.InvalidQuantityError) as refusal:
        quantity.parse(text)
    assert str(refusal.value) == "unable to parse quantity's suffix"


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("0", "0"),
        ("0Mi", "0"),
        ("1000m", "1"),
        ("1500m", "1500m"),
        ("0.5", "500m"),
        ("1000k", "1M"),
        ("1024", "1024"),
        ("1024Ki", "1Mi"),
        ("1.5Gi", "1536Mi"),
        ("1023Ki", "1023Ki"),
        ("0.5Ki", "512"),
        ("0.0001Ki", "102400u"),
        ("0.1Mi", "104857600m"),
        ("1e3", "1e3"),
        ("12000e3", "12e6"),
        ("5e0", "5"),
        ("-2000m", "-2"),
        ("1000000n", "1m"),
        ("0.0000000001", "1n"),
        ("9E", "9E"),
        ("1Ei", "1Ei"),
    ],
)
def test_an_amount_is_written_in_its_one_canonical_way(text, canonical):
    assert quantity.parse(text).canonical() == canonical


def test_amounts_beyond_what_kubernetes_counts_are_capped():
    largest = 2**63 - 1
    assert quantity.parse("10E").value() == largest
    assert quantity.parse("-1e99999999999").value() == -largest
    assert quantity.parse("1e-99999999999").canonical() == "1e-9"


def test_text_too_long_to_be_meant_is_refused_without_being_computed():
    with pytest.raises(quantity.InvalidQuantityError, match="numeric part"):
        quantity.parse("9" * 100_000)


def test_whole_units_are_rounded_away_from_zero():
    assert quantity.parse("1.2").value() == 2
    assert quantity.parse("-1.2").value() == -2
    assert quantity.parse("1.0001").milli() == 1001
    assert quantity.parse("100u").milli() == 1


def test_a_resource_reference_counts_divisors_rounded_up():
    assert quantity.parse("250m").to_units(quantity.parse("1")) == 1
    assert quantity.parse("250m").to_units(quantity.parse("1m")) == 250
    assert quantity.parse("100Mi").to_units(quantity.parse("1M")) == 105
    assert quantity.parse("3").to_units(quantity.ZERO) == 3


def test_equality_and_order_look_at_the_amount_alone():
    assert quantity.parse("1Ki") == quantity.parse("1024") == quantity.parse("1024000m")
    assert quantity.parse("1Ki") > quantity.parse("1k")
    assert len({quantity.parse("1"), quantity.parse("1000m")}) == 1
    assert quantity.parse("1") != "1"


def test_sign_and_zero_tell_amounts_apart():
    assert [quantity.parse(text).sign for text in ("-1m", "0k", "1n")] == [-1, 0, 1]
    assert quantity.parse("0Ki").is_zero
    assert not quantity.parse("1n").is_zero
