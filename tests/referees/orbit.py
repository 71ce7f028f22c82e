"""Orbits as Python's `sgp4`, `skyfield` and ERFA (the IAU's routines) see them.

Times are Unix seconds. Nothing is fetched: `skyfield` has its time scale built in.
"""

import functools

import erfa
import hearing
import numpy as np
from sgp4.api import Satrec
from skyfield.api import EarthSatellite, load, wgs84

UNIX_EPOCH_JD = 2440587.5
AU_KM = 149597870.7

timescale = load.timescale(builtin=True)


def _days(unix):
    """A Julian date in two parts, both exact."""
    day, second = divmod(unix, 86400.0)
    return UNIX_EPOCH_JD + day, second / 86400.0


def _time(unix):
    day, second = divmod(unix, 86400.0)
    return timescale.utc(1970, 1, 1 + int(day), 0, 0, second)


def positions(one, two, times):
    """`sgp4`: TEME in km and km/s; `skyfield`: Earth-fixed, and the place beneath."""
    satellite = Satrec.twoline2rv(one, two)
    seen = EarthSatellite(one, two, ts=timescale)
    answers = []
    for unix in times:
        error, r, v = satellite.sgp4(*_days(unix))
        if error:
            raise ValueError(f"sgp4 error {error}")
        at = seen.at(_time(unix))
        place = wgs84.geographic_position_of(at)
        answers.append(
            {
                "r": list(r),
                "v": list(v),
                "latitude": float(place.latitude.degrees),
                "longitude": float(place.longitude.degrees),
                "altitude": float(place.elevation.km),
            }
        )
    return answers


def sun(times):
    """ERFA: the Sun from the Earth in km, with the equator and equinox of date."""
    answers = []
    for unix in times:
        day, part = _days(unix)
        # Terrestrial time is 69 s ahead of UTC: the Sun moves less than 0.001° in that.
        earth, _ = erfa.epv00(day, part)
        of_date = erfa.pmat06(day, part) @ -np.array(earth["p"])
        answers.append([float(part) * AU_KM for part in of_date])
    return answers


def passes(one, two, latitude, longitude, altitude_km, elevation_min, start, end):
    """`skyfield`: the passes that are whole within an interval."""
    satellite = EarthSatellite(one, two, ts=timescale)
    station = wgs84.latlon(latitude, longitude, elevation_m=altitude_km * 1000.0)
    found, rise = [], None
    times, events = satellite.find_events(
        station, _time(start), _time(end), altitude_degrees=elevation_min
    )
    highest = None
    for time, event in zip(times, events):
        # Days since 1970 by UTC, of which a double has some microseconds.
        unix = (time.utc_datetime().timestamp())
        if event == 0:
            rise, highest = unix, None
        elif event == 1:
            elevation = (satellite - station).at(time).altaz()[0].degrees
            if highest is None or elevation > highest:
                highest = float(elevation)
        elif rise is not None:
            found.append({"aos": rise, "los": unix, "elevation": highest})
    return found


@functools.cache
def _every_20_s(start, end):
    """One object for all who look: what it knows of the Earth's attitude takes the time."""
    return timescale.tt_jd(np.arange(_time(start).tt, _time(end).tt, 20.0 / 86400.0))


def all_passes(one, two, latitude, longitude, altitude_km, elevation_min, start, end):
    """`skyfield`: the same by looking every 20 s, and exactly where that changes.

    What `find_events` does is to look between two culminations: of an orbit that culminates
    twice above a station it leaves out whole passes.
    """
    station = wgs84.latlon(latitude, longitude, elevation_m=altitude_km * 1000.0)
    difference = EarthSatellite(one, two, ts=timescale) - station

    def altitudes(days):
        return difference.at(timescale.tt_jd(days)).altaz()[0].degrees

    grid = _every_20_s(start, end)
    seen = difference.at(grid).altaz()[0].degrees
    is_up = seen > elevation_min
    before = np.nonzero(is_up[:-1] != is_up[1:])[0]
    rises = is_up[before + 1]
    low, high = grid.tt[before], grid.tt[before + 1]
    for _ in range(12 if len(before) else 0):
        middle = (low + high) / 2.0
        has_changed = (altitudes(middle) > elevation_min) == rises
        low, high = np.where(has_changed, low, middle), np.where(has_changed, middle, high)
    first = int(len(rises) > 0 and not rises[0])
    pairs = [(at, at + 1) for at in range(first, len(rises) - 1, 2)]
    if not pairs:
        return []
    tops = [before[aos] + 1 + np.argmax(seen[before[aos] + 1 : before[los] + 1]) for aos, los in pairs]
    left, right = grid.tt[tops] - 20.0 / 86400.0, grid.tt[tops] + 20.0 / 86400.0
    for _ in range(16):
        third = (right - left) / 3.0
        goes_right = altitudes(left + third) < altitudes(right - third)
        left, right = np.where(goes_right, left + third, left), np.where(goes_right, right, right - third)
    highest = altitudes((left + right) / 2.0)
    unix = [time.timestamp() for time in timescale.tt_jd((low + high) / 2.0).utc_datetime()]
    return [
        {"aos": unix[aos], "los": unix[los], "elevation": float(top)}
        for (aos, los), top in zip(pairs, highest)
    ]


def looks(one, two, latitude, longitude, altitude_km, times):
    """`skyfield`: azimuth and elevation in degrees and the distance in km, from a station."""
    seen = EarthSatellite(one, two, ts=timescale) - wgs84.latlon(
        latitude, longitude, elevation_m=altitude_km * 1000.0
    )
    answers = []
    for unix in times:
        elevation, azimuth, distance = seen.at(_time(unix)).altaz()
        answers.append([float(azimuth.degrees), float(elevation.degrees), float(distance.km)])
    return answers


hearing.hold(positions=positions, sun=sun, passes=passes, all_passes=all_passes, looks=looks)
