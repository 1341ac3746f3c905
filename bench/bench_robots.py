"""How often people are taken for robots and robots for people, by a labelled set of visits."""

from tests.support.replay import error_rates, rates
from tests.support.scanners import mails

COPIES, SEED = 300, 7


def main() -> None:
    found = error_rates(mails(SEED, COPIES))
    print(f"{'pattern':38}{'visits':>8}{'people mistaken':>18}{'robots mistaken':>18}")
    for pattern, counted in found.items():
        shares = [
            f"{counted[f'{kind} mistaken'] / counted[kind]:.1%}" if counted[kind] else "-"
            for kind in ("people", "robots")
        ]
        visits = counted["people"] + counted["robots"]
        print(f"{pattern:38}{visits:>8}{shares[0]:>18}{shares[1]:>18}")
    people, robots = rates(found)
    print(f"\n{people:.1%} of people are taken for robots, {robots:.1%} of robots for people")
    print("The set is composed from vendors' documentation; see tests/support/scanners.py.")


if __name__ == "__main__":
    main()
