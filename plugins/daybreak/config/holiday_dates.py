"""Public holidays from the ``holidays`` package, which is imported only when a registry names a country."""

from __future__ import annotations

from datetime import date
from functools import lru_cache

from daybreak.config.problems import known, quoted
from daybreak.domain.registry import HolidayPlace


@lru_cache(maxsize=2048)
def holiday_dates(place: HolidayPlace, year: int) -> frozenset[date]:
    """The public holidays of ``place`` in ``year``. Only for places that :func:`unknown_place` has nothing against."""
    import holidays

    return frozenset(holidays.country_holidays(place.country, subdiv=place.subdivision, years=year))


@lru_cache(maxsize=256)
def unknown_place(place: HolidayPlace) -> tuple[str, str] | None:
    """(key, remedy) where the package does not know the country or the subdivision; None for a good one."""
    import holidays
    from holidays.registry import EntityLoader

    codes = list(EntityLoader.get_country_codes(include_aliases=True))
    if place.country not in codes:
        remedy = known(codes, place.country) if place.country.upper() in codes else "use ISO 3166's code, as US or DE"
        return "country", f"{quoted(place.country)} is no country with known holidays: {remedy}"
    try:
        holidays.country_holidays(place.country, subdiv=place.subdivision)
    except NotImplementedError:
        regions = list(getattr(holidays, place.country).subdivisions)
        remedy = known(regions, str(place.subdivision))
        return "subdivision", f"{place.country} has no subdivision {quoted(place.subdivision)}: {remedy}"
    return None
