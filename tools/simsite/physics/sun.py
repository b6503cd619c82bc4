"""The sun over the roof: its position, clear-sky power, and clouds drawn from the seed."""

import bisect
import math
import random

from .house import DAY_S


def elevation_deg(latitude_deg, day_of_year, solar_hour):
    """Height of the sun over the horizon; `solar_hour` is 12 when it stands highest."""
    declination = math.radians(23.44) * math.sin(math.tau * (day_of_year - 81) / 365.25)
    latitude = math.radians(latitude_deg)
    hour_angle = math.radians(15.0 * (solar_hour - 12.0))
    sine = math.sin(latitude) * math.sin(declination)
    sine += math.cos(latitude) * math.cos(declination) * math.cos(hour_angle)
    return math.degrees(math.asin(max(-1.0, min(1.0, sine))))


def clear_sky_w_m2(elevation):
    """Global irradiance on the level under a clear sky (Haurwitz), W/m2."""
    if elevation <= 0:
        return 0.0
    sine = math.sin(math.radians(elevation))
    return 1098.0 * sine * math.exp(-0.057 / sine)


class Roof:
    """PV power that the sky offers at any time, before anybody limits it.

    Args:
        peak_w (W): output at 1000 W/m2.
    """

    def __init__(self, seed, peak_w=10_000.0, latitude_deg=52.0, day_of_year=140):
        self._seed = seed
        self.peak_w = peak_w
        self.latitude_deg = latitude_deg
        self.day_of_year = day_of_year
        self._day = None
        self._sky = ((), ())

    def offered_w(self, time_s):
        """W at `time_s` seconds after midnight (solar time) of the first day."""
        day = int(time_s // DAY_S)
        elevation = elevation_deg(self.latitude_deg, self.day_of_year + day, time_s % DAY_S / 3600)
        clear = clear_sky_w_m2(elevation)
        if clear <= 0:
            return 0.0
        return self.peak_w * clear / 1000.0 * 0.9 * self.clearness(time_s)

    def clearness(self, time_s):
        """Part of the clear-sky power that passes the clouds, 0.15..1."""
        day = int(time_s // DAY_S)
        if day != self._day:
            self._day = day
            self._sky = self._draw_sky(day)
        times, parts = self._sky
        i = bisect.bisect_right(times, time_s)
        if i >= len(times):
            return parts[-1]
        span_s = times[i] - times[i - 1]
        return parts[i - 1] + (parts[i] - parts[i - 1]) * (time_s - times[i - 1]) / span_s

    def _draw_sky(self, day):
        """Edges of sun and cloud over one day as two lists: time, part that passes."""
        rng = random.Random(f"{self._seed}/sky/{day}")
        cloudiness = rng.uniform(0.1, 0.7)
        time_s, end_s = day * DAY_S, (day + 1) * DAY_S
        times, parts = [float(time_s)], [1.0]
        while time_s < end_s:
            cloudy = rng.random() < cloudiness
            part = rng.uniform(0.15, 0.6) if cloudy else rng.uniform(0.92, 1.0)
            edge_s, stay_s = rng.uniform(10, 60), rng.expovariate(1 / 400.0) + 20
            times += [time_s + edge_s, time_s + edge_s + stay_s]
            parts += [part, part]
            time_s += edge_s + stay_s
        return times, parts
