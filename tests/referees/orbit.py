"""Orbits as Python's `sgp4`, `skyfield` and ERFA (the IAU's routines) see them.

Times are Unix seconds. Nothing is fetched: `skyfield` has its time scale built in.
"""

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


hearing.hold(positions=positions, sun=sun, passes=passes, looks=looks)
