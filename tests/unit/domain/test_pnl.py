"""PnL: the formulas against exact fractions, published numbers, and rules that hold for any fills."""

from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.domain.pnl import Direction, Fill, Pnl, compute_pnl, ratio

ROUNDING = Fraction(1, 10**12)

directions: st.SearchStrategy[Direction] = st.sampled_from(("buy", "sell"))
prices = st.decimals(-9_999, 9_999, allow_nan=False, places=2)
references = st.decimals(-9_999, 9_999, allow_nan=False, places=4)
fills = st.lists(
    st.builds(Fill, directions, st.decimals("0.025", 5_000, allow_nan=False, places=3), prices), min_size=1
)


def buy(mwh: str, price: str) -> Fill:
    return Fill("buy", Decimal(mwh), Decimal(price))


def sell(mwh: str, price: str) -> Fill:
    return Fill("sell", Decimal(mwh), Decimal(price))


def sign(fill: Fill) -> int:
    return 1 if fill.direction == "sell" else -1


def exact(value: Decimal | None) -> Fraction:
    assert value is not None
    return Fraction(value)


@pytest.mark.parametrize(
    ("price", "reference", "performance"), [("10.2", "9.8", "0.4"), ("5.7", "8.9", "-3.2")]
)
def test_the_rows_of_the_traders_table(price: str, reference: str, performance: str) -> None:
    pnl = compute_pnl([sell("1.2", price)], Decimal(reference))
    assert pnl.average_price_eur_per_mwh == Decimal(price)
    assert pnl.performance_eur_per_mwh == Decimal(performance)


def test_six_trades_of_two_strategies() -> None:
    # our own trades, chosen to have the published totals: -50 and 548, buy 28, sell 53
    first = [sell("10", "15"), buy("10", "20")]
    second = [buy("8", "20"), buy("10", "20"), sell("23", "20"), sell("20", "22.4")]
    assert compute_pnl(first, None).cash_flow_eur == -50
    assert compute_pnl(second, None).cash_flow_eur == 548
    together = compute_pnl(first + second, None)
    assert (together.trade_count, together.buy_mwh, together.sell_mwh) == (6, 28, 53)
    assert together.cash_flow_eur == -50 + 548


def test_a_matched_trade_of_5_mw_at_10_costs_the_buyer_50_eur() -> None:
    assert compute_pnl([buy("5", "10")], None).cash_flow_eur == -50


def test_every_number_of_a_row_by_hand() -> None:
    # bought 4 MWh at 25 on average, sold 1 MWh at 40, reference 30: 15 EUR are realised on the matched MWh,
    # 3 MWh are long and 5 EUR/MWh above their cost
    assert compute_pnl([buy("1", "10"), buy("3", "30"), sell("1", "40")], Decimal(30)) == Pnl(
        trade_count=3,
        buy_mwh=Decimal(4),
        sell_mwh=Decimal(1),
        net_position_mwh=Decimal(3),
        buy_vwap_eur_per_mwh=Decimal(25),
        sell_vwap_eur_per_mwh=Decimal(40),
        average_price_eur_per_mwh=Decimal(28),
        cash_flow_eur=Decimal(-60),
        reference_price_eur_per_mwh=Decimal(30),
        pnl_eur=Decimal(30),
        realised_pnl_eur=Decimal(15),
        unrealised_pnl_eur=Decimal(15),
        performance_eur_per_mwh=Decimal(6),
        buy_value_eur=Decimal(100),
        sell_value_eur=Decimal(40),
    )


def test_a_short_position_is_worth_what_the_reference_is_below_its_price() -> None:
    pnl = compute_pnl([buy("1", "20"), sell("4", "35")], Decimal(30))
    assert pnl.net_position_mwh == -3
    assert (pnl.realised_pnl_eur, pnl.unrealised_pnl_eur, pnl.pnl_eur) == (15, 15, 30)


def test_without_a_price_what_needs_one_is_none_and_the_rest_stands() -> None:
    pnl = compute_pnl([buy("1", "10"), sell("1", "12")], None)
    assert pnl.reference_price_eur_per_mwh is None
    assert pnl.pnl_eur is None
    assert pnl.unrealised_pnl_eur is None
    assert pnl.performance_eur_per_mwh is None
    assert (pnl.cash_flow_eur, pnl.realised_pnl_eur, pnl.average_price_eur_per_mwh) == (2, 2, 11)


def test_a_price_of_zero_is_a_price() -> None:
    pnl = compute_pnl([buy("2", "10")], Decimal(0))
    assert (pnl.reference_price_eur_per_mwh, pnl.pnl_eur, pnl.performance_eur_per_mwh) == (0, -20, -10)


def test_buying_at_a_negative_price_earns_money() -> None:
    pnl = compute_pnl([buy("2", "-15.5")], Decimal("-10"))
    assert pnl.cash_flow_eur == 31
    assert pnl.pnl_eur == 11
    assert pnl.performance_eur_per_mwh == Decimal("5.5")


def test_an_average_of_nothing_is_none() -> None:
    bought = compute_pnl([buy("1", "10")], Decimal(9))
    assert bought.sell_vwap_eur_per_mwh is None
    assert bought.realised_pnl_eur == 0
    nothing = compute_pnl([], Decimal(9))
    assert (nothing.trade_count, nothing.pnl_eur) == (0, 0)
    assert nothing.average_price_eur_per_mwh is None
    assert nothing.performance_eur_per_mwh is None


@given(fills, references)
def test_pnl_is_the_exact_sum_over_the_fills(many: list[Fill], reference: Decimal) -> None:
    pnl = compute_pnl(many, reference)
    expected = sum(
        sign(f) * Fraction(f.energy_mwh) * (Fraction(f.price_eur_per_mwh) - Fraction(reference)) for f in many
    )
    assert exact(pnl.pnl_eur) == expected
    assert exact(pnl.pnl_eur) == exact(pnl.cash_flow_eur) + exact(pnl.net_position_mwh) * Fraction(reference)
    assert pnl.net_position_mwh == pnl.buy_mwh - pnl.sell_mwh
    assert pnl.cash_flow_eur == pnl.sell_value_eur - pnl.buy_value_eur


@given(fills)
def test_averages_are_weighted_by_energy(many: list[Fill]) -> None:
    pnl = compute_pnl(many, None)
    for average, chosen in (
        (pnl.buy_vwap_eur_per_mwh, [f for f in many if f.direction == "buy"]),
        (pnl.sell_vwap_eur_per_mwh, [f for f in many if f.direction == "sell"]),
        (pnl.average_price_eur_per_mwh, many),
    ):
        if not chosen:
            assert average is None
            continue
        value = sum(Fraction(f.energy_mwh) * Fraction(f.price_eur_per_mwh) for f in chosen)
        assert abs(exact(average) - value / sum(Fraction(f.energy_mwh) for f in chosen)) < ROUNDING
        assert (
            min(f.price_eur_per_mwh for f in chosen)
            <= exact(average)
            <= max(f.price_eur_per_mwh for f in chosen)
        )


@given(fills, references)
def test_realised_and_unrealised_are_what_their_formulas_say(many: list[Fill], reference: Decimal) -> None:
    pnl = compute_pnl(many, reference)
    assert exact(pnl.realised_pnl_eur) + exact(pnl.unrealised_pnl_eur) == exact(pnl.pnl_eur)
    bought, sold = Fraction(pnl.buy_mwh), Fraction(pnl.sell_mwh)
    buy_vwap = Fraction(pnl.buy_value_eur) / bought if bought else Fraction(0)
    sell_vwap = Fraction(pnl.sell_value_eur) / sold if sold else Fraction(0)
    realised = min(bought, sold) * (sell_vwap - buy_vwap)
    open_position = (
        (bought - sold) * (Fraction(reference) - buy_vwap)
        if bought >= sold
        else (sold - bought) * (sell_vwap - Fraction(reference))
    )
    assert abs(exact(pnl.realised_pnl_eur) - realised) < ROUNDING
    assert abs(exact(pnl.unrealised_pnl_eur) - open_position) < ROUNDING


@given(fills, references)
def test_performance_is_pnl_per_mwh_traded(many: list[Fill], reference: Decimal) -> None:
    pnl = compute_pnl(many, reference)
    assert abs(
        exact(pnl.performance_eur_per_mwh) * Fraction(pnl.buy_mwh + pnl.sell_mwh) - exact(pnl.pnl_eur)
    ) < (ROUNDING * Fraction(pnl.buy_mwh + pnl.sell_mwh))


@given(fills, references, directions)
def test_who_only_buys_or_only_sells_compares_an_average_with_the_reference(
    many: list[Fill], reference: Decimal, direction: Direction
) -> None:
    pnl = compute_pnl([replace(f, direction=direction) for f in many], reference)
    better_by = exact(pnl.average_price_eur_per_mwh) - Fraction(reference)
    assert (
        abs(exact(pnl.performance_eur_per_mwh) - (better_by if direction == "sell" else -better_by)) <= ROUNDING
    )
    assert pnl.realised_pnl_eur == 0
    assert pnl.unrealised_pnl_eur == pnl.pnl_eur


@given(st.data(), references | st.none())
def test_the_order_of_fills_does_not_matter(data: st.DataObject, reference: Decimal | None) -> None:
    many = data.draw(fills)
    assert compute_pnl(data.draw(st.permutations(many)), reference) == compute_pnl(many, reference)


@given(fills, references | st.none())
def test_an_hour_equals_its_four_quarters(many: list[Fill], reference: Decimal | None) -> None:
    quarters = [replace(f, energy_mwh=f.energy_mwh * Decimal("0.25")) for f in many for _ in range(4)]
    by_quarter = compute_pnl(quarters, reference)
    assert by_quarter.trade_count == 4 * len(many)
    assert replace(by_quarter, trade_count=len(many)) == compute_pnl(many, reference)


@given(fills, references)
def test_the_other_side_of_every_trade_makes_the_opposite(many: list[Fill], reference: Decimal) -> None:
    mirrored = [replace(f, direction="buy" if f.direction == "sell" else "sell") for f in many]
    ours, theirs = compute_pnl(many, reference), compute_pnl(mirrored, reference)
    assert theirs.pnl_eur == -(ours.pnl_eur or 0)
    assert theirs.realised_pnl_eur == -ours.realised_pnl_eur
    assert theirs.performance_eur_per_mwh == -(ours.performance_eur_per_mwh or 0)


@given(fills)
def test_no_price_never_becomes_a_number(many: list[Fill]) -> None:
    pnl = compute_pnl(many, None)
    assert (pnl.pnl_eur, pnl.unrealised_pnl_eur, pnl.performance_eur_per_mwh) == (None, None, None)


@pytest.mark.parametrize(
    ("numerator", "denominator", "expected"),
    [
        ("1", "3", "0.333333333333"),
        ("2", "3", "0.666666666667"),
        ("-2", "3", "-0.666666666667"),
        ("0.0000000000005", "1", "0.000000000001"),
        ("-0.0000000000005", "1", "-0.000000000001"),
        ("1000000000000000000000000000000", "1", "1000000000000000000000000000000"),
    ],
)
def test_a_ratio_is_rounded_half_away_from_zero_at_12_decimals(
    numerator: str, denominator: str, expected: str
) -> None:
    assert ratio(Decimal(numerator), Decimal(denominator)) == Decimal(expected)


def test_a_ratio_to_nothing_is_none() -> None:
    assert ratio(Decimal(1), Decimal(0)) is None
